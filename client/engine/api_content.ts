/** What one can do to messages that are already said. Everything is durable at once and sent in the background. */

/** Content that was put into the outbox. */
export interface QueuedContent {
  /** Its id (UUID), for `settled`. */
  readonly id: string;
}

/** Changing what was said. Methods reject with `AppError`: `not_found` for a message that is not here. */
export interface ContentActions {
  /** Gives the message `id` a reaction (one emoji), or with `remove` takes it back. */
  react(id: string, emoji: string, options?: { readonly remove?: boolean }): Promise<QueuedContent>;
  /** Resolves when the server has taken that content; rejects with `AppError` when it refused it for good. */
  settled(id: string, signal?: AbortSignal): Promise<void>;
}
