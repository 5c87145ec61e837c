/** Messages that do not stay: the timers of conversations, and when each message goes. */
import type { Database } from "../../lib/sql/database.ts";

/** A conversation's timer. */
export interface Timer {
  /** Milliseconds that its messages stay; 0: for ever. */
  readonly after: number;
  /** The log's sequence of the content that set it; undefined while an own one is only queued. */
  readonly seq: number | undefined;
}

/** A message whose time has come. */
export interface Due {
  readonly local: number;
  readonly thread: number;
  readonly id: string;
}

/** The lifetimes of one profile. Whatever writes does so in the caller's transaction. */
export class Lifetimes {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** The conversation's timer. */
  timer(thread: number): Timer {
    const row = this.#database.prepare(
      "SELECT expire_after, expire_seq FROM threads WHERE thread = ?",
    )
      .get<{ expire_after: number; expire_seq: number | null }>(thread);
    return { after: row?.expire_after ?? 0, seq: row?.expire_seq ?? undefined };
  }

  /** Sets it, for messages from now on. */
  setTimer(thread: number, { after, seq }: Timer): void {
    this.#database.prepare("UPDATE threads SET expire_after = ?, expire_seq = ? WHERE thread = ?")
      .run(after, seq ?? null, thread);
  }

  /** An own message has been taken by the server: its time runs from `now` on. */
  begin(local: number, now: number): void {
    this.#database.prepare(`UPDATE messages SET expires_at = ? + expire_after
      WHERE local = ? AND expire_after IS NOT NULL AND expires_at IS NULL`).run(now, local);
  }

  /** Messages whose time has come by `now`. */
  due(now: number, limit: number): Due[] {
    return this.#database.prepare(
      "SELECT local, thread, id FROM messages WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
    ).all<Due>(now, limit);
  }

  /** When the next one goes (milliseconds since 1970), if any does. */
  next(): number | undefined {
    // The condition lets SQLite use the index, which holds only the few rows that go.
    return this.#database.prepare(
      "SELECT min(expires_at) AS next FROM messages WHERE expires_at IS NOT NULL",
    )
      .get<{ next: number | null }>()?.next ?? undefined;
  }
}
