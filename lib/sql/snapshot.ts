/** Consistent copies of a database that others are using. */
import { equalBytes } from "../base/bytes.ts";
import type { Database } from "./database.ts";
import { unusable } from "./errors.ts";
import { connect } from "./open.ts";

/** Bytes of the log's header, which changes when the log is begun anew (file format, section 4.1). */
const walHeaderBytes = 32;

/** How often a copy during which the log was begun anew is thrown away: writers do that once in a thousand pages. */
const attempts = 20;

/** Ends of the names of what SQLite keeps beside a database: left by a killed process, it is taken for the next file's. */
const beside = ["-wal", "-shm", "-journal"];

/**
 * Writes what the database at `path` holds at this moment to `target`, while others read and write on. The copy is one
 * file without a log beside it. Throws `AppError`.
 *
 * Neither SQLite's backup interface (not in every runtime) nor VACUUM INTO (needs ATTACH, which the permissions rule out)
 * is there, so the files are copied: a reading transaction keeps the pages of its moment, the log has every page that is
 * moved into the database file meanwhile, and a log that was not begun anew meanwhile holds them all.
 */
export function copyDatabase(path: string, target: string): void {
  removeBeside(target);
  const database = connect(path, { readOnly: false });
  try {
    database.exec("PRAGMA busy_timeout = 30000; BEGIN");
    database.prepare("SELECT count(*) AS count FROM sqlite_master").get();
    copyFiles(path, target);
    database.exec("COMMIT");
  } finally {
    database.close();
  }
  takeInLog(target);
}

/** Removes a copy that was not finished, with what belongs to it. */
export function removeCopy(target: string): void {
  removeBeside(target);
  removeIfThere(target);
}

function removeBeside(path: string): void {
  for (const end of beside) removeIfThere(`${path}${end}`);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function copyFiles(path: string, target: string): void {
  for (let attempt = 0; attempt < attempts; attempt++) {
    // Of the attempt before, a log would be taken for that of this one.
    if (attempt > 0) removeBeside(target);
    const before = walHeader(path);
    Deno.copyFileSync(path, target);
    if (before.length > 0) Deno.copyFileSync(`${path}-wal`, `${target}-wal`);
    if (equalBytes(before, walHeader(path))) return;
  }
  throw unusable(`the database ${path} is written to faster than it can be copied`);
}

function walHeader(path: string): Uint8Array {
  try {
    using file = Deno.openSync(`${path}-wal`, { read: true });
    const header = new Uint8Array(walHeaderBytes);
    return header.subarray(0, file.readSync(header) ?? 0);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return new Uint8Array();
    throw thrown;
  }
}

/** Moves the log into the file, and checks the whole. */
function takeInLog(target: string): void {
  const copy = openCopy(target, { readOnly: false });
  try {
    copy.checkpoint();
    copy.exec("PRAGMA journal_mode = DELETE");
    const found = integrityOf(copy);
    if (found !== "ok") throw unusable(`the copy ${target} is not whole: ${found}`);
  } finally {
    copy.close();
  }
}

/** Opens a copy to add to it or to look into it, with none of the settings of a database in use. Throws `AppError`. */
export function openCopy(path: string, options: { readonly readOnly: boolean }): Database {
  return connect(path, options);
}

/**
 * What SQLite finds wrong with a whole file, "ok" for nothing. `quick` leaves out whether indexes say what their tables
 * say, which takes most of the time. Throws `AppError`.
 */
export function integrityOf(database: Database, { quick = false } = {}): string {
  const pragma = quick ? "quick_check" : "integrity_check";
  const found = database.prepare(`PRAGMA ${pragma}(1)`).get<Record<string, string>>() ?? {};
  return String(Object.values(found)[0]);
}
