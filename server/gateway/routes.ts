/** Which conversations other servers order: what one session has found out, so that not every message has to ask again. */
import type { Elsewhere } from "../operations/contract.ts";

/** Conversations of one session that are remembered; when there are more, all are asked about again. */
const mostKnown = 1024;

/** Where a session's messages go. */
export class Routes {
  readonly #known = new Map<string, Elsewhere>();
  /** How many requests about a conversation this server has not answered yet. */
  readonly #asking = new Map<string, number>();

  /**
   * The server to which a message of this conversation can be handed on at once. Undefined while this server is being asked
   * about an earlier request of the conversation: nothing is to overtake that.
   */
  to(conversation: string): Elsewhere | undefined {
    return this.#asking.has(conversation) ? undefined : this.#known.get(conversation);
  }

  /** This server is asked; `asked` is to follow. */
  asking(conversation: string): void {
    this.#asking.set(conversation, (this.#asking.get(conversation) ?? 0) + 1);
  }

  /** It has answered, or has failed; `elsewhere` where it says that another one orders the conversation. */
  asked(conversation: string, elsewhere?: Elsewhere): void {
    const left = (this.#asking.get(conversation) ?? 1) - 1;
    if (left > 0) this.#asking.set(conversation, left);
    else this.#asking.delete(conversation);
    if (elsewhere === undefined) return;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(conversation, elsewhere);
  }

  /** Servers may have other names now. */
  forget(): void {
    this.#known.clear();
  }
}
