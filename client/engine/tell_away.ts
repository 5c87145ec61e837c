/** What a person is told when messages wait for another server. */
import type { Core } from "./core.ts";

/**
 * The server that a thread's messages have to get to cannot be reached: that is noted, and told the `first` time. `list` asks
 * for what the server lists: of a conversation that is new here only that says whose it is.
 */
export async function tellAway(
  { threads, links, messages, warn, changed }: Core,
  thread: number,
  { first, list }: { readonly first: boolean; readonly list: () => Promise<unknown> },
): Promise<void> {
  const row = threads.get(thread);
  if (row === undefined) return;
  if (row.joined && links.hubOf(row.conversation ?? "") === undefined) {
    // Without an answer the next try says the same.
    if (!await list().then(() => true, () => false)) return;
  }
  links.refused(row);
  const server = links.awayOf(row);
  if (!first || server === undefined) return;
  warn(
    `the server ${server} cannot be reached just now: what you write to ${row.title} waits here ` +
      "and is sent by itself when it is back",
  );
  messages.retellQueued(thread);
  changed();
}
