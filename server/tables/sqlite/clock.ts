/** What is known of the clock, in SQLite: one row. */
import type { Database } from "../../../lib/sql/database.ts";
import type { ClockTrust } from "../../domain/clock_trust.ts";
import type { Clocks } from "../clock.ts";

/** The one row. */
export class SqliteClock implements Clocks {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(): ClockTrust | undefined {
    return this.#database.prepare("SELECT at, doubted_ms AS doubtedMs FROM clock WHERE key = 1")
      .get<{ at: number; doubtedMs: number }>();
  }

  set(trust: ClockTrust): void {
    this.#database.prepare("INSERT OR REPLACE INTO clock (key, at, doubted_ms) VALUES (1, ?, ?)")
      .run(trust.at, trust.doubtedMs);
  }
}
