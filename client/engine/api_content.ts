/** What one can do to messages that are already said. Everything is durable at once and sent in the background. */
import type { ChatMessage } from "./api_messages.ts";
import type { Target } from "./api_target.ts";

/** Content that was put into the outbox. */
export interface QueuedContent {
  /** Its id (UUID), for `settled`. */
  readonly id: string;
}

/**
 * Changing what was said. Methods reject with `AppError`: `not_found` for a message that is not here, `not_permitted_now`
 * for what this account may not do to it (any more), `malformed` or `too_large` for what does not fit.
 */
export interface ContentActions {
  /**
   * The message that a person or a script means: its id, the beginning of it, or its number (`local`), among the lines of
   * `target` or of all. Rejects with `not_found`, also when several fit.
   */
  find(reference: string, target?: Target): Promise<ChatMessage>;
  /** Gives the own message `id` another text. */
  edit(id: string, text: string): Promise<QueuedContent>;
  /** Deletes the own message `id` for everybody. One that was never sent just goes. */
  remove(id: string): Promise<QueuedContent>;
  /** Gives the message `id` a reaction (one emoji), or with `remove` takes it back. */
  react(id: string, emoji: string, options?: { readonly remove?: boolean }): Promise<QueuedContent>;
  /** Sends a text that answers the message `id`, in its conversation. */
  reply(id: string, text: string): Promise<ChatMessage>;
  /** How long messages of the conversation stay from now on, in milliseconds; 0: for ever. */
  expire(target: Target, after: number): Promise<QueuedContent>;
  /** The same as it is now. */
  lifetime(target: Target): Promise<number>;
  /** Resolves when the server has taken that content; rejects with `AppError` when it refused it for good. */
  settled(id: string, signal?: AbortSignal): Promise<void>;
}
