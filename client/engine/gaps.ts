/**
 * Rows that never come to this device, because it is an older copy of a profile that already had them, or because the server
 * does not keep them: a line says so, until what was in them has come another way.
 */
import { randomId } from "../../lib/base/ids.ts";
import { ArchiveStore } from "../store/archive.ts";
import { rowsHere, unreadableLines } from "../store/gaps.ts";
import type { StoredMessage } from "../store/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { Core } from "./core.ts";

/** Rows of a conversation's log in (`after`, `through`]. */
export interface Gap {
  readonly after: number;
  readonly through: number;
}

/** Puts the line into the conversation, at the row `seq` from which on everything comes. In the caller's transaction. */
export function noteGap(
  { messages, clock }: Pick<Core, "messages" | "clock">,
  thread: Thread,
  { seq, passed }: { readonly seq: number; readonly passed: number },
): void {
  const now = clock.now();
  messages.add({
    thread: thread.thread,
    id: randomId(),
    seq,
    own: false,
    unreadable: true,
    unread: true,
    state: "received",
    ts: now,
    sentAt: now,
    content: {
      from: thread.title,
      text: "messages may be missing here: this device had to join the conversation again; " +
        "from now on everything can be read",
      gap: { after: thread.cursor, through: Math.min(passed, seq - 1) },
    },
  });
}

/**
 * To be called when everything in the archive is here. Takes away the lines of gaps in which no row is missing any more, and
 * of the others says that what the account's devices have archived is here. In the caller's transaction.
 */
export function settleGaps(core: Core): void {
  for (const line of unreadableLines(core.sealed, core.messages)) {
    const { gap } = line.content;
    if (gap !== undefined) settle(core, line, gap);
  }
}

function settle({ sealed, messages, threads }: Core, line: StoredMessage, gap: Gap): void {
  if (rowsHere(sealed, line.thread, gap) === gap.through - gap.after) {
    return messages.forgetUnreadable(line.thread, line.id);
  }
  const { conversation = "" } = threads.get(line.thread) ?? {};
  if (new ArchiveStore(sealed).kept(conversation) === false) return;
  const { gap: _, ...content } = line.content;
  messages.change(line, {
    ...content,
    notice: "rejoined",
    text:
      "this device had to join the conversation again; what your devices have archived of the " +
      "time before is here",
  });
}
