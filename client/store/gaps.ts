/** Lines that stand for rows which did not come, and which rows of a log are here. */
import type { Messages, StoredMessage } from "./messages.ts";
import type { SealedDatabase } from "./sealed.ts";

/** All lines that stand for something that could not be read. */
export function unreadableLines(
  { database }: SealedDatabase,
  messages: Messages,
): readonly StoredMessage[] {
  return database.prepare("SELECT local FROM messages WHERE unreadable = 1 ORDER BY local")
    .all<{ local: number }>().flatMap(({ local }) => messages.get(local) ?? []);
}

/** How many rows of the thread's log in (`after`, `through`] are here as messages that can be read. */
export function rowsHere(
  { database }: SealedDatabase,
  thread: number,
  { after, through }: { readonly after: number; readonly through: number },
): number {
  return database.prepare(
    `SELECT count(DISTINCT seq) AS count FROM messages
     WHERE thread = ? AND seq > ? AND seq <= ? AND unreadable = 0`,
  ).get<{ count: number }>(thread, after, through)?.count ?? 0;
}
