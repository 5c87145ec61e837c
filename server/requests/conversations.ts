/** Messages, commits, leaving. */
import { reach } from "../../lib/base/crashpoint.ts";
import { refused } from "./answer.ts";
import type { Carriers } from "./asker.ts";
import { checkCommit, isMessageOf } from "./clear_header.ts";
import { commitParts } from "./commit_parts.ts";

/** Carriers of what changes the log of a conversation, and of reading what that takes. */
export const conversationCarriers: Carriers<
  | "message.send"
  | "conversation.stage"
  | "conversation.commit"
  | "conversation.info"
  | "conversation.leave"
> = {
  "message.send": async ({ actor, storage }, { message, body }) => {
    if (!isMessageOf(body, message)) return refused("malformed");
    const { type: _, keepDays, generation, incarnation = 0, quiet = false, ...sent } = message;
    const { conversation, message: id, epoch } = sent;
    const days = keepDays === undefined ? {} : { keepDays };
    const key = generation === undefined ? {} : { generation };
    const row = { conversation, message: id, incarnation, epoch, bytes: body, quiet };
    reach("server:received");
    const done = await storage.call("message.send", { ...actor, ...row, ...days, ...key });
    return done.ok ? { ok: true, fields: { seq: done.seq, ts: done.ts } } : done;
  },

  "conversation.stage": ({ actor, staged }, { message: { hash, offset }, body }) => {
    const taken = staged.add({ device: actor.device, hash }, { offset, bytes: body });
    return Promise.resolve(
      taken.ok ? { ok: true, fields: { staged: taken.staged } } : refused(taken.code),
    );
  },

  "conversation.commit": async ({ actor, storage, staged, meet }, { message, body }) => {
    const { conversation, epoch, hash, external, add, remove } = message;
    const whole = staged.take({ device: actor.device, hash }, body);
    const parts = commitParts(whole, message.parts);
    if (parts === undefined) return refused("malformed");
    const declared = { conversation, epoch, hash, external, add, remove, ...parts };
    const own = { ...actor, ...declared };
    const verdict = checkCommit(own);
    if (!verdict.ok) return verdict;
    const stranger = meet && add.length > 0 ? await meet(verdict.added) : undefined;
    if (stranger !== undefined) return stranger;
    const input = { ...own, incarnation: message.incarnation ?? 0, membership: verdict.membership };
    const done = await storage.call("conversation.commit", input);
    if (!done.ok) return done.code === "elsewhere" ? { ...done, whole } : done;
    return { ok: true, fields: { seq: done.seq, epoch: done.epoch, ts: done.ts } };
  },

  "conversation.info": async ({ actor, storage }, { message: { conversation } }) => {
    const found = await storage.call("conversation.info", { ...actor, conversation });
    if (!found.ok) return found;
    const { ok: _, groupInfo, ...fields } = found;
    return { ok: true, fields, body: [groupInfo] };
  },

  "conversation.leave": async ({ actor, storage }, { message: { conversation } }) => {
    const done = await storage.call("conversation.leave", { ...actor, conversation });
    return done.ok ? { ok: true, fields: { deleted: done.deleted } } : done;
  },
};
