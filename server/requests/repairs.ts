/** Refusing commits that cannot be applied, and making groups anew. */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { changesNothing } from "../../lib/base/membership.ts";
import { verifyCommitRefusal } from "../../lib/crypto/commit_refusal.ts";
import { VerifyingKey } from "../../lib/crypto/sign.ts";
import { refused } from "./answer.ts";
import type { Carriers } from "./asker.ts";
import { checkCommit } from "./clear_header.ts";
import { commitParts } from "./commit_parts.ts";

/** Carriers of `conversation.refuse` and `conversation.recreate`. */
export const repairCarriers: Carriers<"conversation.refuse" | "conversation.recreate"> = {
  "conversation.refuse": async ({ actor, storage, logger }, { message }) => {
    const { conversation, incarnation, epoch, hash, reason, signature } = message;
    const refusal = { conversation, incarnation, epoch, hash, reason };
    const key = new VerifyingKey(fromBase64url(actor.device));
    if (!verifyCommitRefusal(key, fromBase64url(signature), refusal)) return refused("tampered");
    const done = await storage.call("conversation.refuse", { ...actor, ...refusal, signature });
    if (!done.ok) return done;
    const { rolledBack, others } = done;
    const facts = { conversation, epoch, reason, rolledBack, device: actor.device };
    logger.log("warning", "commit_refused", facts);
    return { ok: true, fields: { rolledBack, others } };
  },

  "conversation.recreate": async ({ actor, storage, staged, logger, meet }, { message, body }) => {
    const { conversation, incarnation, hash, roster } = message;
    const whole = staged.take({ device: actor.device, hash }, body);
    const parts = commitParts(whole, message.parts);
    if (parts === undefined) return refused("malformed");
    const add = roster.filter(({ device }) => device !== actor.device);
    const declared = { conversation, epoch: 0, hash, external: false, add, remove: [] };
    const born = incarnation + 1;
    const verdict = checkCommit({ device: actor.device, ...declared, ...parts, born });
    if (!verdict.ok) return verdict;
    if (!changesNothing(verdict.membership)) return refused("not_allowed");
    const stranger = meet && add.length > 0 ? await meet(verdict.added) : undefined;
    if (stranger !== undefined) return stranger;
    const { membership } = verdict;
    const input = { ...actor, conversation, incarnation, hash, roster, membership, ...parts };
    const done = await storage.call("conversation.recreate", input);
    if (!done.ok) return done.code === "elsewhere" ? { ...done, whole } : done;
    const { seq, epoch, ts } = done;
    const facts = { conversation, incarnation: done.incarnation, device: actor.device };
    logger.log("warning", "conversation_recreated", facts);
    return { ok: true, fields: { seq, epoch, ts, incarnation: done.incarnation } };
  },
};
