/** Messages as a chat shows them one after another: with the days between them, and a mark where the unread ones begin. */
import type { ChatMessage } from "../engine/api.ts";
import type { Dialogue } from "./dialogue.ts";
import { counted, type LineStyle, safe } from "./format.ts";
import { Days, rule } from "./rules.ts";

/** Unread lines shown at once; more are counted and left to `/unread`. */
const mostShown = 200;

/** Unread messages of which it is remembered that they were shown; of still more, the oldest would be shown once more. */
const mostRemembered = 10_000;

/** What showing needs. */
export interface MessageLinesOptions {
  readonly dialogue: Dialogue;
  readonly style: LineStyle;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The line of a message. */
  readonly line: (message: ChatMessage) => string;
}

/** The messages of one chat: each is shown once. */
export class MessageLines {
  readonly #options: MessageLinesOptions;
  readonly #days: Days;
  /** The greatest `local` of which the engine has told; what is newer comes as an event. */
  #told = 0;
  /** Local numbers of unread messages that stand on the screen or above it. */
  readonly #shown = new Set<number>();

  constructor(options: MessageLinesOptions) {
    this.#options = options;
    this.#days = new Days(options.style, options.now);
  }

  /** The engine has told of the message: it is shown now, or held back by whoever was told. */
  told({ local }: ChatMessage): void {
    this.#told = Math.max(this.#told, local);
  }

  /** The message's line, after the one that names its day. */
  show(message: ChatMessage): void {
    const { dialogue, line } = this.#options;
    if (!message.own && !message.read) this.#remember(message.local);
    const day = dialogue.interactive ? this.#days.before(message.ts) : undefined;
    dialogue.print(day === undefined ? line(message) : `${day}\n${line(message)}`);
  }

  /** What is unread when the chat begins. Of what is newer than `newest`, a local number, the engine will tell. */
  begin(waiting: readonly ChatMessage[], newest: number): void {
    this.#told = newest;
    const unread = this.#known(waiting);
    this.#showUnread(unread, { title: "unread", elsewhere: "/unread shows them" });
  }

  /** What is unread and has come from the archive: the engine tells of none of it by itself. */
  restored(waiting: readonly ChatMessage[]): void {
    const unread = waiting.filter(({ local }) => local < 0 && !this.#shown.has(local));
    this.#showUnread(unread, { title: "unread", elsewhere: "/unread shows them" });
  }

  /**
   * What is unread in `where`, the conversation that is turned to: what was shown before is only counted. Returns up to which message
   * all is shown, or undefined when nothing is unread.
   */
  turnTo(where: string, waiting: readonly ChatMessage[]): ChatMessage | undefined {
    const { dialogue, style } = this.#options;
    const unread = this.#known(waiting);
    const fresh = unread.filter(({ local }) => !this.#shown.has(local));
    const above = unread.length - fresh.length;
    if (dialogue.interactive && above > 0) dialogue.print(rule(`${above} unread above`, style));
    const title = above > 0 ? "more unread" : "unread";
    const elsewhere = `/history ${safe(where, 70)} ${unread.length} shows them`;
    this.#showUnread(fresh, { title, elsewhere });
    return unread.reduce<ChatMessage | undefined>(
      (last, one) => last === undefined || one.local > last.local ? one : last,
      undefined,
    );
  }

  /** Unread messages below a mark. */
  #showUnread(
    waiting: readonly ChatMessage[],
    { title, elsewhere }: { readonly title: string; readonly elsewhere: string },
  ): void {
    const { dialogue, style } = this.#options;
    const hidden = Math.max(0, waiting.length - mostShown);
    if (hidden > 0) {
      dialogue.notice(`(${counted(hidden, "older unread message")}: ${elsewhere})`);
    }
    if (dialogue.interactive && waiting.length > 0) {
      dialogue.print(rule(`${waiting.length} ${title}`, style));
    }
    for (const message of waiting.slice(hidden)) this.show(message);
  }

  #known(waiting: readonly ChatMessage[]): ChatMessage[] {
    return waiting.filter(({ local }) => local <= this.#told);
  }

  #remember(local: number): void {
    this.#shown.add(local);
    const [oldest] = this.#shown;
    if (this.#shown.size > mostRemembered && oldest !== undefined) this.#shown.delete(oldest);
  }
}
