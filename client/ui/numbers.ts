/** The short numbers by which messages are called in the chat: as `/history` shows them and `/reply 12: TEXT` takes them. */
import type { ChatMessage } from "../engine/api.ts";

/**
 * Messages that this device got itself have small numbers of their own. What came from the archive has not (its order
 * is kept in sixteen digits), and is called `a1`, `a2` and so on, in the order in which this chat showed it.
 */
export class MessageNumbers {
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();

  /** What the message is called as long as this chat runs. */
  of({ local, id }: Pick<ChatMessage, "local" | "id">): string {
    if (local >= 0) return String(local);
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = `a${this.#names.size + 1}`;
    this.#names.set(id, name);
    this.#ids.set(name, id);
    return name;
  }

  /** What the engine finds the message by; undefined when `name` is no number that was given. */
  reference(name: string): string | undefined {
    return /^\d+$/.test(name) ? name : this.#ids.get(name.toLowerCase());
  }
}
