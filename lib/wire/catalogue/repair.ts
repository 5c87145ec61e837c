/**
 * Repairing conversations: taking back a commit that members cannot apply, and making a group anew that nobody can enter.
 */
import Type from "typebox";
import { mlsLimits } from "../../base/limits.ts";
import { body, event, reply, request } from "./define.ts";
import {
  bodyLength,
  count,
  hash,
  listOf,
  publicKey,
  rosterEntry,
  signature,
  time,
  uuid,
} from "./fields.ts";

const reason = Type.Union([
  Type.Literal("malformed"),
  Type.Literal("wrong_group"),
  Type.Literal("pathless_remove"),
  Type.Literal("bad_member"),
  Type.Literal("not_allowed"),
  Type.Literal("invalid"),
]);
const roster = listOf(rosterEntry, mlsLimits.groupDevices);

/** Who refused a commit, and the signature over it. */
const refusal = Type.Object({ account: uuid, device: publicKey, reason, signature });

/** Messages that repair conversations. */
export const repairMessages = {
  /** The commit that led away from `epoch` cannot be applied here. */
  "conversation.refuse": request("conversation.refuse", {
    conversation: uuid,
    incarnation: count,
    epoch: count,
    hash,
    reason,
    signature,
  }, ["ready"]),
  "conversation.refuse.ok": reply("conversation.refuse", {
    rolledBack: Type.Boolean(),
    /** Devices whose refusal would take the commit back. */
    others: count,
  }),

  /** Makes a new MLS group in the conversation; the commit leads from epoch 0 to 1 of the new group. */
  "conversation.recreate": request("conversation.recreate", {
    conversation: uuid,
    /** The one that ends. */
    incarnation: count,
    hash,
    roster,
    parts: Type.Tuple([bodyLength, bodyLength, bodyLength]),
    ...body,
  }, ["ready"]),
  "conversation.recreate.ok": reply("conversation.recreate", {
    seq: count,
    epoch: count,
    ts: time,
    incarnation: count,
  }),

  /** The commit with `hash` is taken back: the conversation is in `epoch` again, as if it had never been. */
  rollback: event("rollback", {
    conversation: uuid,
    seq: count,
    /** Whose commit it was. */
    account: uuid,
    device: publicKey,
    ts: time,
    epoch: count,
    incarnation: count,
    hash,
    refusals: listOf(refusal, mlsLimits.refusalsToRollBack),
    roster,
  }),
  /**
   * A new group was made in the conversation, as seen by a device that is not in it; or the server was restored from a
   * backup, and everybody has to enter the group of that time anew.
   */
  recreated: event("recreated", {
    conversation: uuid,
    seq: count,
    account: uuid,
    device: publicKey,
    ts: time,
    epoch: count,
    incarnation: count,
    hash,
    /** The server was restored from a backup: what it had accepted after that row it does not know any more. */
    forgotten: Type.Optional(count),
  }),
};
