/** A database with prepared statements, transactions and savepoints; everything it throws is an `AppError`. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { sqlError } from "./errors.ts";

/** What may stand in a column or be bound to a parameter. */
export type SqlValue = null | number | string | Uint8Array;

/** What a writing statement did. */
export interface Changes {
  /** Rows changed. */
  readonly changes: number;
  /** The row id of the last insert of this connection. */
  readonly lastRowid: number;
}

/** One prepared statement. It holds its database, which must not be collected before it. */
export class Statement {
  readonly #statement: StatementSync;
  readonly database: Database;

  constructor(statement: StatementSync, database: Database) {
    this.#statement = statement;
    this.database = database;
  }

  /** Runs it for its effect. Throws `AppError`. */
  run(...values: SqlValue[]): Changes {
    try {
      const { changes, lastInsertRowid } = this.#statement.run(...values);
      return { changes: Number(changes), lastRowid: Number(lastInsertRowid) };
    } catch (thrown) {
      throw sqlError(thrown);
    }
  }

  /** The first row, or undefined. `T` states what the query's columns are. Throws `AppError`. */
  get<T extends object>(...values: SqlValue[]): T | undefined {
    try {
      return this.#statement.get(...values) as T | undefined;
    } catch (thrown) {
      throw sqlError(thrown);
    }
  }

  /** All rows. `T` states what the query's columns are. Throws `AppError`. */
  all<T extends object>(...values: SqlValue[]): T[] {
    try {
      return this.#statement.all(...values) as T[];
    } catch (thrown) {
      throw sqlError(thrown);
    }
  }
}

/** An open database. Statements are prepared once per text. */
export class Database {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The prepared statement for `sql`; the same text gives the same statement. Throws `AppError`. */
  prepare(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    try {
      const made = new Statement(this.#database.prepare(sql), this);
      this.#statements.set(sql, made);
      return made;
    } catch (thrown) {
      throw sqlError(thrown);
    }
  }

  /** Runs statements without parameters or results, for schemas and settings. Throws `AppError`. */
  exec(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (thrown) {
      throw sqlError(thrown);
    }
  }

  /** Starts a transaction that holds the write lock from its beginning. */
  begin(): void {
    this.prepare("BEGIN IMMEDIATE").run();
  }

  /** Makes everything since `begin` durable. Throws `AppError`; then the caller rolls back. */
  commit(): void {
    this.prepare("COMMIT").run();
  }

  /** Undoes everything since `begin`. SQLite has done so by itself after some errors; then this does nothing. */
  rollback(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch (thrown) {
      if (this.#database.isTransaction === true) throw sqlError(thrown);
    }
  }

  /** Runs `work` in one transaction: all of it or, when it throws, nothing. Not reentrant. */
  transaction<T>(work: () => T): T {
    this.begin();
    try {
      const result = work();
      this.commit();
      return result;
    } catch (thrown) {
      this.rollback();
      throw thrown;
    }
  }

  /** Runs `work` within a transaction so that what it did is undone alone when it throws. */
  savepoint<T>(work: () => T): T {
    this.prepare("SAVEPOINT step").run();
    try {
      const result = work();
      this.prepare("RELEASE step").run();
      return result;
    } catch (thrown) {
      if (this.#database.isTransaction !== false) {
        this.exec("ROLLBACK TO step");
        this.exec("RELEASE step");
      }
      throw thrown;
    }
  }

  /** A number that changes when another connection has changed the file. */
  dataVersion(): number {
    return this.prepare("PRAGMA data_version").get<{ data_version: number }>()?.data_version ?? 0;
  }

  /** Moves everything from the write-ahead log into the database file and empties the log. */
  checkpoint(): void {
    // As a statement: what goes wrong in a script has no code that tells a full disk from damage.
    this.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
  }

  /** Closes the file. Statements of it cannot be used any more. */
  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}
