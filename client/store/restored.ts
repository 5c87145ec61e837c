/**
 * Messages that come from the archive. Their local numbers are below zero and follow their times, whatever the order in
 * which they arrive; they are told to nobody as news, but stand in every list.
 */
import { utf8 } from "../../lib/base/bytes.ts";
import type { Database } from "../../lib/sql/database.ts";
import type { MessageContent } from "./message_content.ts";
import type { SealedDatabase } from "./sealed.ts";

/** Milliseconds since 1970 that all messages are before (the year 2248), and numbers for each millisecond. */
const endMs = 2 ** 43;
const numbersPerMs = 512;

/** What became of a message from the archive. */
export type Restored = "added" | "known" | "unreadable";

/** A message as it stands in the archive. */
export interface ArchivedRow {
  readonly thread: number;
  readonly id: string;
  readonly seq?: number;
  readonly own: boolean;
  readonly unread: boolean;
  readonly state: "sent" | "delivered" | "read" | "received";
  readonly ts: number;
  readonly sentAt: number;
  readonly content: MessageContent;
}

/** Adds a message from the archive, in the caller's transaction, unless the thread has one of that id. */
export function restoreMessage(sealed: SealedDatabase, message: ArchivedRow): Restored {
  const { database } = sealed;
  const { thread, id, seq, ts, sentAt, own, unread, state, content } = message;
  const known = database.prepare("SELECT unreadable FROM messages WHERE thread = ? AND id = ?")
    .get<{ unreadable: number }>(thread, id);
  if (known !== undefined) return known.unreadable === 1 ? "unreadable" : "known";
  database.prepare(`INSERT INTO messages
      (local, thread, id, revision, seq, own, unreadable, unread, state, ts, sent_at, content,
       attached, reply_to)
    VALUES (?, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`).run(
    numberFor(database, ts),
    thread,
    id,
    seq ?? null,
    own ? 1 : 0,
    unread ? 1 : 0,
    state,
    ts,
    sentAt,
    sealed.seal(`messages.content:${thread}:${id}`, utf8(JSON.stringify(content))),
    content.file === undefined ? 0 : 1,
    content.reply?.id ?? null,
  );
  return "added";
}

/** Removes a message if it came from the archive; whether it did. In the caller's transaction. */
export function removeRestored(
  database: Database,
  { thread, id }: Pick<ArchivedRow, "thread" | "id">,
): boolean {
  return database.prepare("DELETE FROM messages WHERE thread = ? AND id = ? AND local < 0")
    .run(thread, id).changes === 1;
}

/** A free number of that millisecond; batches are read from their ends, so the greatest goes first. */
function numberFor(database: Database, ts: number): number {
  const first = (Math.min(ts, endMs - 1) - endMs) * numbersPerMs;
  const least = database.prepare(
    "SELECT min(local) AS least FROM messages WHERE local >= ? AND local < ?",
  ).get<{ least: number | null }>(first, first + numbersPerMs)?.least ?? first + numbersPerMs;
  let number = least - 1;
  while (
    database.prepare("SELECT 1 AS one FROM messages WHERE local = ?").get(number) !== undefined
  ) number -= 1;
  return number;
}

/** Replaces what is kept of a message by what the archive holds; of one that came live only with `evenIfLive`. */
export function changeRestored(
  sealed: SealedDatabase,
  message: ArchivedRow,
  { evenIfLive }: { readonly evenIfLive: boolean },
): void {
  const { thread, id, own, state, content } = message;
  const revision = sealed.database.prepare(
    "UPDATE change_counter SET value = value + 1 WHERE one = 1 RETURNING value",
  ).get<{ value: number }>()?.value ?? 0;
  sealed.database.prepare(
    `UPDATE messages SET revision = ?, unreadable = 0, own = ?, unread = iif(?, 0, unread),
       state = iif(unreadable = 1, ?, state), content = ?, attached = ?, reply_to = ?
     WHERE thread = ? AND id = ? AND (local < 0 OR ?)`,
  ).run(
    revision,
    own ? 1 : 0,
    own ? 1 : 0,
    state,
    sealed.seal(`messages.content:${thread}:${id}`, utf8(JSON.stringify(content))),
    content.file === undefined ? 0 : 1,
    content.reply?.id ?? null,
    thread,
    id,
    evenIfLive ? 1 : 0,
  );
}
