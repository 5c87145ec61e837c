/** What has become of messages that were shown before, as lines: terminals do not unprint. */
import type { ChatMessage } from "../engine/api.ts";
import { type LineStyle, safe, safeBody } from "./format.ts";

/** Messages whose last look is remembered. */
const remembered = 1000;

interface Look {
  readonly text: string;
  readonly deleted: boolean;
  readonly reactions: readonly string[];
}

/** Compares messages with what was shown of them. */
export class MessageChanges {
  readonly #looks = new Map<string, Look>();

  /** This is what a person sees of the message now. */
  note(message: ChatMessage): void {
    this.#looks.delete(message.id);
    this.#looks.set(message.id, lookOf(message));
    const [oldest] = this.#looks.keys();
    if (this.#looks.size > remembered && oldest !== undefined) this.#looks.delete(oldest);
  }

  /** The line that tells what changed since; undefined when nothing did, or nothing is known of before. */
  tell(message: ChatMessage, style: LineStyle): string | undefined {
    const before = this.#looks.get(message.id);
    if (before === undefined) return undefined;
    const now = lookOf(message);
    this.note(message);
    const what = difference(before, now, style);
    if (what === undefined) return undefined;
    return `* ${safe(message.from, 64)} in ${safe(message.conversation, 70)}: ${what}`;
  }
}

function lookOf({ text, deleted = false, reactions = [] }: ChatMessage): Look {
  return { text, deleted, reactions: reactions.map(({ from, emoji }) => `${emoji} ${from}`) };
}

function difference(before: Look, now: Look, style: LineStyle): string | undefined {
  const quote = `"${safe(before.text, 40)}"`;
  if (now.deleted) return before.deleted ? undefined : `${quote} was deleted`;
  if (now.text !== before.text) return `${quote} is now: ${safeBody(now.text, style)}`;
  const more = now.reactions.filter((one) => !before.reactions.includes(one));
  if (more.length > 0) return `${quote} got ${more.map((one) => safe(one, 80)).join(", ")}`;
  const less = before.reactions.filter((one) => !now.reactions.includes(one));
  if (less.length > 0) return `${quote} lost ${less.map((one) => safe(one, 80)).join(", ")}`;
  return undefined;
}
