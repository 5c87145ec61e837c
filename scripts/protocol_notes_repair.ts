/** What the document says of the messages that repair conversations. */
import type { MessageNote } from "./protocol_notes.ts";

/** Messages that repair conversations. */
export const repairNotes = {
  "conversation.refuse": {
    text:
      "This device was in the group before and after the commit that led away from `epoch`, and cannot apply it. Signed " +
      'under "commit refusal". Two such refusals (of two accounts, where the group has more than two) take the commit ' +
      "back. The same refusal again gets the same reply.",
    errors: [
      "no_such_conversation",
      "not_a_member",
      "epoch_conflict",
      "epoch_too_old",
      "rate_limited",
      "tampered",
    ],
  },
  "conversation.refuse.ok": {
    text:
      "The refusal is stored. With `others` 0 and not `rolledBack` nobody can second it: join by an external commit.",
  },
  "conversation.recreate": {
    text:
      "Makes a new MLS group in the conversation, with the group id `16 conversation id | u32be (incarnation + 1)`; its " +
      "first commit leads from epoch 0 to 1, without a membership change. Either side of a direct conversation may, and " +
      "owners and admins of a group. Body as with `conversation.create`.",
    errors: [
      "no_such_conversation",
      "not_allowed",
      "epoch_conflict",
      "roster_mismatch",
      "rate_limited",
      "quota_exceeded",
      "malformed",
    ],
  },
  "conversation.recreate.ok": {
    text: "The old group is over. The same request again gets the same reply.",
  },
  rollback: {
    text:
      "A row of the log: the commit with `hash`, which led away from `epoch`, is taken back. Verify the refusals before " +
      "going back to the state from before that commit.",
  },
  recreated: {
    text:
      "A row of the log, for devices that are not in the new group: the old one is over, join the new one by an external " +
      "commit. Those in it get a `welcome`. A server that was restored from a backup puts such a row with `forgotten` at the " +
      "end of every log, for every device: whatever was committed after the backup is void, and who wrote messages after row " +
      "`forgotten` that nobody has said to have sends them once more, under their ids.",
  },
} satisfies Record<string, MessageNote>;

/** Their fields. */
export const repairFieldNotes: Readonly<Record<string, string>> = {
  incarnation:
    "goes up when a commit is taken back or the group is made anew; 0 when left out. Anything built on another one is refused (`epoch_conflict`)",
  anew: "for `conversation.recreate`: also of devices that are in it",
  "rollback.account": "whose commit it was",
  "rollback.device": "the device that made it",
  "conversation.recreate.incarnation": "the one that ends",
  "conversation.recreate.ok.incarnation": "the one that begins",
  "rollback.incarnation": "the one that begins",
  "rollback.epoch": "the epoch that the conversation is in again",
  "recreated.incarnation": "the one that begins",
  "recreated.forgotten": "the last row that the backup knew",
  "conversation.refuse.epoch": "the epoch that the commit leads away from",
  "conversation.refuse.signature":
    'by the device key, under "commit refusal" (see "Commits that cannot be applied")',
  reason: "why, one of the names",
  rolledBack: "whether the commit is taken back",
  others: "devices of which each could take it back by refusing too",
  refusals: "who refused it, with what they signed",
  "refusals.signature": 'by that device, under "commit refusal"',
};
