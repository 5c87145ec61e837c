/** Messages as a chat shows them one after another: with the days between them, and a mark where the unread ones begin. */
import type { ChatMessage } from "../engine/api.ts";
import type { Dialogue } from "./dialogue.ts";
import { counted, type LineStyle } from "./format.ts";
import { Days, rule } from "./rules.ts";

/** Unread lines shown at once; more are counted and left to `/unread`. */
const mostShown = 200;

/** What showing needs. */
export interface MessageLinesOptions {
  readonly dialogue: Dialogue;
  readonly style: LineStyle;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The line of a message. */
  readonly line: (message: ChatMessage) => string;
}

/** The messages of one chat. */
export class MessageLines {
  readonly #options: MessageLinesOptions;
  readonly #days: Days;

  constructor(options: MessageLinesOptions) {
    this.#options = options;
    this.#days = new Days(options.style, options.now);
  }

  /** The message's line, after the one that names its day. */
  show(message: ChatMessage): void {
    const { dialogue, line } = this.#options;
    const day = dialogue.interactive ? this.#days.before(message.ts) : undefined;
    dialogue.print(day === undefined ? line(message) : `${day}\n${line(message)}`);
  }

  /** Unread messages below a mark. */
  showUnread(waiting: readonly ChatMessage[]): void {
    const { dialogue, style } = this.#options;
    const hidden = Math.max(0, waiting.length - mostShown);
    if (hidden > 0) {
      dialogue.notice(`(${counted(hidden, "older unread message")}: /unread shows them)`);
    }
    if (dialogue.interactive && waiting.length > 0) {
      dialogue.print(rule(`${waiting.length} unread`, style));
    }
    for (const message of waiting.slice(hidden)) this.show(message);
  }
}
