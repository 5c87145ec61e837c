/** What stands at a message beside its text, as it is shown. */
import type { StoredMessage } from "../store/messages.ts";
import type { ChatMessage, QuotedMessage } from "./api.ts";
import { quoteOf } from "./content/bounds.ts";
import type { Core } from "./core.ts";

/** Edits, deletion, reactions, the message that it answers, and when it goes. */
export function marksOf(
  core: Pick<Core, "messages">,
  message: StoredMessage,
): Pick<ChatMessage, "edited" | "deleted" | "reactions" | "replyTo" | "expiresAt" | "file"> {
  const { edit, deleted, reactions = [], reply, file } = message.content;
  const { expiresAt } = message;
  return {
    ...(edit === undefined ? {} : { edited: true }),
    ...(deleted === undefined ? {} : { deleted }),
    ...(reactions.length === 0
      ? {}
      : { reactions: reactions.map(({ name, emoji }) => ({ from: name, emoji })) }),
    ...(reply === undefined ? {} : { replyTo: quoted(core, message.thread, reply) }),
    ...(file === undefined ? {} : { file: { name: file.name, size: file.size, type: file.type } }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** The words that a reply answers: as they are known here; only where they are not, as the sender says. */
function quoted(
  { messages }: Pick<Core, "messages">,
  thread: number,
  { id, from, quote }: NonNullable<StoredMessage["content"]["reply"]>,
): QuotedMessage {
  const original = messages.inThread(thread, id);
  if (original !== undefined && !original.unreadable && !original.silent) {
    const { from, text, deleted } = original.content;
    return deleted ? { id, from } : { id, from, quote: quoteOf(text) };
  }
  if (from === undefined || quote === undefined) return { id };
  return { id, from, quote, claimed: true };
}
