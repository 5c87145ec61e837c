/**
 * Backups: the whole server in one file, taken while it runs, and put back on this machine or another. The file is an
 * SQLite database: a consistent copy of the server's own, with the data folder's other files in a table of their own.
 */
import { AppError } from "../../lib/base/errors.ts";
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { typedLine } from "../../lib/base/json_line.ts";
import { planMigration, runMigration, schemaVersion } from "../../lib/sql/migrate.ts";
import { copyDatabase, integrityOf, openCopy, removeCopy } from "../../lib/sql/snapshot.ts";
import { openFolder, whyNot } from "../supervisor/folder.ts";
import { hasDatabase, refuseUnfinished } from "../supervisor/keys.ts";
import { databaseName } from "../storage/start.ts";
import { migrations } from "../tables/sqlite/schema.ts";
import type { FilesWorld } from "./world.ts";
import { beginAnew } from "./conversations.ts";
import { packFiles, unpackFiles } from "./files.ts";
import { storedFingerprint } from "../admin/identity.ts";
import { sizeText } from "../admin/text.ts";

/**
 * New rows of a restored server are numbered from so much further on: clients have seen rows that the backup does not
 * know, and take nothing for new that carries a number they had before.
 */
const numberGap = 1 << 20;

/** Writes a backup of the server of a data folder, running or not, to a file that must not exist. Throws `ExitError`. */
export function writeBackup(file: string, { folder, print, json }: FilesWorld): number {
  const fingerprint = storedFingerprint(folder);
  refuseExisting(file);
  refuseInside(folder, file);
  const part = `${file}.part`;
  try {
    Deno.writeFileSync(part, new Uint8Array(), { mode: 0o600 });
    copyDatabase(`${folder}/${databaseName}`, part);
    const copy = openCopy(part, { readOnly: false });
    try {
      packFiles(copy, folder);
    } finally {
      copy.close();
    }
    putInPlace(part, file);
  } catch (cause) {
    removeCopy(part);
    throw unwritable(file, cause);
  }
  const bytes = Deno.statSync(file).size;
  print(
    json
      ? typedLine("backup", { file, bytes, fingerprint })
      : `${file}: ${
        sizeText(bytes)
      }. It holds the server's keys: whoever has it can be this server.`,
  );
  return exitCodes.done;
}

/** Makes a data folder of a backup; there must be no server in it. Throws `ExitError`, and leaves the folder as it was. */
export function restoreBackup(file: string, { folder, print, json }: FilesWorld): number {
  openFolder(folder);
  refuseUnfinished(folder);
  if (hasDatabase(folder) || Deno.readDirSync(folder)[Symbol.iterator]().next().done !== true) {
    throw new ExitError(
      "localData",
      `there is something in ${folder} already: name an empty or a new folder with --data`,
    );
  }
  const part = `${folder}/${databaseName}.part`;
  try {
    copyChecked(file, part);
    settle(part, folder);
    giveToOwner(folder);
    Deno.renameSync(part, `${folder}/${databaseName}`);
  } catch (cause) {
    for (const { name } of [...Deno.readDirSync(folder)]) {
      Deno.removeSync(`${folder}/${name}`, { recursive: true });
    }
    if (cause instanceof ExitError) throw cause;
    throw unrestorable(file, cause);
  }
  const fingerprint = storedFingerprint(folder);
  print(
    json
      ? typedLine("restored", { data: folder, fingerprint })
      : `Restored to ${folder}. Start it with: sealpost server --data ${folder}`,
  );
  return exitCodes.done;
}

/** Nothing is copied before the file is found whole and of a version that this program knows. */
function copyChecked(file: string, part: string): void {
  if (!isReadable(file)) throw new ExitError("notFound", `there is no file ${file}`);
  const backup = openCopy(file, { readOnly: true });
  try {
    const found = integrityOf(backup);
    if (found !== "ok") throw new ExitError("localData", `${file} is damaged: ${found}`);
    if (
      backup.prepare("SELECT 1 FROM sqlite_master WHERE name = 'backup_files'").get() === undefined
    ) {
      throw new ExitError("localData", `${file} is not a backup of a Sealpost server`);
    }
    planMigration(schemaVersion(backup), migrations);
  } finally {
    backup.close();
  }
  Deno.copyFileSync(file, part);
  Deno.chmodSync(part, 0o600);
}

function settle(part: string, folder: string): void {
  const copy = openCopy(part, { readOnly: false });
  try {
    unpackFiles(copy, folder);
    copy.exec(`
      DROP TABLE backup_files;
      DELETE FROM sessions;
    `);
    copy.transaction(() => {
      runMigration(copy, planMigration(schemaVersion(copy), migrations));
      beginAnew(copy, { numberGap, now: Date.now() });
    });
  } finally {
    copy.close();
  }
  using handle = Deno.openSync(part, { read: true, write: true });
  handle.syncSync();
}

/** What root restores into the folder of the server's own user is for that user to open. */
function giveToOwner(folder: string, under = folder): void {
  const { uid, gid } = Deno.statSync(folder);
  if (uid === null || gid === null) return;
  for (const { name, isDirectory } of Deno.readDirSync(under)) {
    const path = `${under}/${name}`;
    if (isDirectory) giveToOwner(folder, path);
    if (Deno.statSync(path).uid !== uid) Deno.chownSync(path, uid, gid);
  }
}

function putInPlace(part: string, file: string): void {
  using handle = Deno.openSync(part, { read: true, write: true });
  handle.syncSync();
  refuseExisting(file);
  Deno.renameSync(part, file);
}

function refuseExisting(file: string): void {
  if (!exists(file)) return;
  throw new ExitError("localData", `${file} exists already: choose another name`);
}

/** What lies in the data folder is part of the next backup. */
function refuseInside(folder: string, file: string): void {
  const above = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : ".";
  const [inner, outer] = [realPath(above), realPath(folder)];
  if (inner !== outer && !inner.startsWith(`${outer}/`)) return;
  throw new ExitError(
    "localData",
    `${file} is in the data folder, and would be part of every later backup: name a place outside of ${folder}`,
  );
}

/** Of what is not there nothing lies in the data folder. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}

function unwritable(file: string, cause: unknown): ExitError {
  if (cause instanceof ExitError) return cause;
  return new ExitError("localData", `${file} cannot be written: ${reason(cause)}`, { cause });
}

/** What the database says of a file that is none is for nobody. */
function unrestorable(file: string, cause: unknown): ExitError {
  const code = cause instanceof AppError ? cause.code : undefined;
  if (code === "unsupported_version") return new ExitError("version", reason(cause), { cause });
  const why = code === "internal"
    ? `${file} is no backup of a Sealpost server, or is damaged; nothing was changed`
    : `${file} could not be restored: ${reason(cause)}`;
  return new ExitError("localData", why, { cause });
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "its folder does not exist";
  return whyNot(cause);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Whether there is such a file. Throws `ExitError` (localData) where this user may not read it. */
function isReadable(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    return file.statSync().isFile;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw new ExitError("localData", `${path} cannot be read: ${reason(cause)}`, { cause });
  }
}
