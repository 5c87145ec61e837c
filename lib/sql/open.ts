/** Opening a database file: checked before it is touched, migrated, with settings that make a commit durable. */
import { DatabaseSync } from "node:sqlite";
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Database } from "./database.ts";
import { isDamage, sqlError, unusable } from "./errors.ts";
import { type Migration, planMigration, runMigration, schemaVersion } from "./migrate.ts";

/** How to open a file. */
export interface OpenOptions {
  readonly migrations: readonly Migration[];
  /** How long to wait for another process that is writing, in milliseconds. */
  readonly busyMs?: number;
  /** Largest file, in bytes, that is checked as a whole; of a larger one only the schema is read. */
  readonly checkBytes?: number;
  /** Page cache in KiB. */
  readonly cacheKiB?: number;
  /** Whether everything deleted is overwritten, also whole pages that come free; else only what costs nothing more. */
  readonly wipe?: boolean;
}

const defaults = { busyMs: 5000, checkBytes: 32 * 1024 * 1024, cacheKiB: 16 * 1024 } as const;

/**
 * Opens (or makes, with mode 0600) the database at `path` and brings it to the newest schema; before a migration the
 * file is copied beside it as `<path>.v<version>`. Throws `AppError` with a text for the operator when the file is
 * damaged, of a newer program, or not to be opened; it is unchanged then.
 */
export function openDatabase(path: string, options: OpenOptions): Database {
  const size = sizeOf(path);
  if (size === undefined) makeFile(path);
  else if (size > 0) checkFile(path, size, options.checkBytes ?? defaults.checkBytes);
  const database = connect(path, { readOnly: false });
  try {
    configure(database, options);
    migrate(database, path, options.migrations);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Opens a file as it is. Throws `AppError`. */
export function connect(path: string, options: { readOnly: boolean }): Database {
  try {
    const database = new DatabaseSync(path, options);
    // Newer runtimes only: statements cannot damage the file's own structures.
    if ("enableDefensive" in database && typeof database.enableDefensive === "function") {
      database.enableDefensive(true);
    }
    return new Database(database);
  } catch (thrown) {
    throw unusable(`the database ${path} cannot be opened`, thrown);
  }
}

/** A file of its own first, so that SQLite never makes one with wider rights. */
function makeFile(path: string): void {
  try {
    Deno.writeFileSync(path, new Uint8Array(), { mode: 0o600 });
  } catch (thrown) {
    throw unusable(`the database ${path} cannot be made`, thrown);
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw sqlError(thrown);
  }
}

/** The first bytes of every SQLite file (https://www.sqlite.org/fileformat.html section 1.3). */
const magic = utf8("SQLite format 3\0");

function hasMagic(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    const first = new Uint8Array(magic.length);
    file.readSync(first);
    return equalBytes(first, magic);
  } catch (thrown) {
    throw unusable(`the database ${path} cannot be read`, thrown);
  }
}

/** Reads the file through a connection that cannot write, so that a damaged one stays as it is. */
function checkFile(path: string, size: number, checkBytes: number): void {
  if (!hasMagic(path)) throw damaged(path, "it does not begin like a database");
  const database = connect(path, { readOnly: true });
  try {
    const check = size <= checkBytes ? "PRAGMA quick_check(1)" : "PRAGMA schema_version";
    const first = Object.values(database.prepare(check).get() ?? {})[0];
    if (size <= checkBytes && first !== "ok") throw damaged(path, first);
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause ?? thrown : thrown;
    throw isDamage(cause) ? damaged(path, cause) : thrown;
  } finally {
    database.close();
  }
}

function damaged(path: string, cause: unknown) {
  return unusable(
    `the database ${path} is damaged: nothing was changed; restore it from a backup`,
    cause,
  );
}

function configure(database: Database, options: OpenOptions): void {
  database.exec(`PRAGMA busy_timeout = ${options.busyMs ?? defaults.busyMs}`);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA secure_delete = ${options.wipe ? "ON" : "FAST"};
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -${options.cacheKiB ?? defaults.cacheKiB};
  `);
}

function migrate(database: Database, path: string, migrations: readonly Migration[]): void {
  if (planMigration(schemaVersion(database), migrations).steps.length === 0) return;
  database.checkpoint();
  database.transaction(() => {
    // Looked at again: another process may have done it while this one waited for the lock.
    const plan = planMigration(schemaVersion(database), migrations);
    if (plan.steps.length === 0) return;
    if (plan.from > 0) copyFile(path, `${path}.v${plan.from}`);
    runMigration(database, plan);
  });
}

/** Under the write lock nobody adds to either file; what the log still holds is part of the copy. */
function copyFile(path: string, copy: string): void {
  Deno.copyFileSync(path, copy);
  Deno.chmodSync(copy, 0o600);
  if ((sizeOf(`${path}-wal`) ?? 0) > 0) Deno.copyFileSync(`${path}-wal`, `${copy}-wal`);
}
