/**
 * A token that all processes which use a file at one time share: the first of them makes it anew. Built on SQLite's own
 * locks, because older runtimes cannot try a file lock without waiting.
 */
import { DatabaseSync } from "node:sqlite";
import { isDamage, isLocked, sqlError, unusable } from "./errors.ts";

/** A held token. */
export interface SharedToken {
  readonly token: string;
  /** Lets go of it. The process's end does so as well. */
  release(): void;
}

/** How long another process may take to write its token, in milliseconds. */
const writeMs = 5000;

/**
 * Holds the token in the file at `path` (made with mode 0600). Whoever gets the exclusive lock is the first and stores
 * `fresh`; then everybody keeps a shared lock by an open read transaction, and takes the token read under it: while
 * anybody holds one, nobody can write. Throws `AppError`.
 */
export function holdSharedToken(path: string, fresh: string): SharedToken {
  try {
    makeFile(path);
    const database = new DatabaseSync(path);
    try {
      return { token: take(database, fresh), release: () => database.close() };
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    if (isDamage(thrown)) throw unusable(`${path} is damaged: remove it and try again`, thrown);
    throw sqlError(thrown);
  }
}

/** Whether any process holds the token in the file at `path`; a file that is missing or damaged is held by nobody. */
export function isSharedTokenHeld(path: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    if (!Deno.statSync(path).isFile) return false;
    database = new DatabaseSync(path);
    database.exec("PRAGMA busy_timeout = 0");
    database.prepare("BEGIN EXCLUSIVE").run();
    return false;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || isDamage(thrown)) return false;
    if (isLocked(thrown)) return true;
    throw sqlError(thrown);
  } finally {
    database?.close();
  }
}

function makeFile(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
  }
}

function take(database: DatabaseSync, fresh: string): string {
  database.exec("PRAGMA synchronous = NORMAL");
  for (;;) {
    storeWhenAlone(database, fresh);
    const token = readAndHold(database);
    if (token !== undefined) return token;
  }
}

function storeWhenAlone(database: DatabaseSync, fresh: string): void {
  database.exec("PRAGMA busy_timeout = 0");
  try {
    // As a prepared statement: only those say which error it was.
    database.prepare("BEGIN EXCLUSIVE").run();
  } catch (thrown) {
    if (isLocked(thrown)) return;
    throw thrown;
  }
  database.exec("CREATE TABLE IF NOT EXISTS token (one INTEGER PRIMARY KEY, value TEXT NOT NULL)");
  database.prepare("INSERT OR REPLACE INTO token VALUES (1, ?)").run(fresh);
  database.exec("COMMIT");
}

/** The token, with the transaction left open; undefined when the first process ended before it wrote one. */
function readAndHold(database: DatabaseSync): string | undefined {
  database.exec(`PRAGMA busy_timeout = ${writeMs}`);
  database.exec("BEGIN");
  const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'token'").get();
  const row = made && database.prepare("SELECT value FROM token WHERE one = 1").get();
  if (typeof row?.["value"] === "string") return row["value"];
  database.exec("ROLLBACK");
  return undefined;
}
