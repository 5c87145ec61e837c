/** Messages that do not stay: what they say is forgotten at their time, whoever has not fetched it. */
import type { Conversation } from "../domain/conversation.ts";
import type { OverRow } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import { recountWaiting } from "./waiting.ts";

/** Rows that one run looks at: some 10 ms of work. */
const rowsPerRun = 500;

/**
 * Forgets the bytes of messages whose time is over; returns of how many. Their rows stay in the order of the log, empty, so
 * that no device misses one.
 */
export function emptyMessages({ tables }: Context, now: number): number {
  const over = tables.log.emptyOver(now, rowsPerRun);
  for (const key of new Set(over.map(({ conversation }) => conversation))) {
    const conversation = tables.conversations.byKey(key);
    for (const row of over.filter((each) => each.conversation === key)) {
      uncount(conversation, row, tables.devices.byKey(row.device).account);
    }
    for (const { account } of conversation.members) recountWaiting(tables, conversation, account);
    tables.conversations.save(conversation);
  }
  return over.length;
}

/** Whoever has not read it has one less to read. */
function uncount(conversation: Conversation, { seq }: OverRow, sender: number): void {
  for (const member of conversation.members) {
    if (member.account === sender || member.read >= seq || member.unread === 0) continue;
    member.unread -= 1;
    if (member.unread === 0) member.notice.seen = true;
    member.changed = true;
  }
}
