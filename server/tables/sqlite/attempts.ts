/** Counters of attempts in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Failures } from "../../domain/login_delay.ts";
import type { AttemptKind, Attempts } from "../tables.ts";

/** Counters of attempts. */
export class SqliteAttempts implements Attempts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(kind: AttemptKind, subject: string): Failures | undefined {
    return this.#database.prepare("SELECT count, at FROM attempts WHERE kind = ? AND subject = ?")
      .get<{ count: number; at: number }>(kind, subject);
  }

  set(kind: AttemptKind, subject: string, value: Failures): void {
    this.#database.prepare(
      `INSERT INTO attempts (kind, subject, count, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (kind, subject) DO UPDATE SET count = excluded.count, at = excluded.at`,
    ).run(kind, subject, value.count, value.at);
  }

  clear(kind: AttemptKind, subject: string): void {
    this.#database.prepare("DELETE FROM attempts WHERE kind = ? AND subject = ?")
      .run(kind, subject);
  }

  expire(before: number): number {
    return this.#database.prepare("DELETE FROM attempts WHERE at < ?").run(before).changes;
  }
}
