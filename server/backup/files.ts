/** The files of a data folder that belong into a backup beside the database, and their way into it and out of it. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Database } from "../../lib/sql/database.ts";

/** What is made anew at every start, belongs to one machine, or is the database itself. */
const left = /^(sealpost\.db.*|lock|admin\.(sock|path)|server\.log.*|.*\.(tmp|part))$/;

/** Bytes of one row: a file larger than that takes several. */
const partBytes = 1024 * 1024;

const schema = `CREATE TABLE backup_files (
  name TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (name, part)
) STRICT`;

/** Names of the files under a data folder that a backup takes, relative to it, in order. */
export function filesToKeep(folder: string, under = ""): string[] {
  const names: string[] = [];
  for (const { name, isFile, isDirectory } of Deno.readDirSync(`${folder}/${under}`)) {
    if (left.test(name)) continue;
    if (isFile) names.push(`${under}${name}`);
    if (isDirectory) names.push(...filesToKeep(folder, `${under}${name}/`));
  }
  return names.sort();
}

/** Puts the files into the copy, part by part. One that is deleted meanwhile is left out. */
export function packFiles(copy: Database, folder: string): number {
  copy.exec(schema);
  let count = 0;
  for (const name of filesToKeep(folder)) {
    if (copy.transaction(() => packFile(copy, folder, name))) count++;
  }
  return count;
}

function packFile(copy: Database, folder: string, name: string): boolean {
  const add = copy.prepare("INSERT INTO backup_files (name, part, bytes) VALUES (?, ?, ?)");
  try {
    using file = Deno.openSync(`${folder}/${name}`, { read: true });
    for (let part = 0;; part++) {
      const bytes = readPart(file);
      if (bytes.length > 0 || part === 0) add.run(name, part, bytes);
      if (bytes.length < partBytes) return true;
    }
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function readPart(file: Deno.FsFile): Uint8Array {
  const bytes = new Uint8Array(partBytes);
  let length = 0;
  while (length < partBytes) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** Writes the backup's files (0600) into a folder. Throws `ExitError` (localData) at a name that leads out of it. */
export function unpackFiles(copy: Database, folder: string): void {
  const names = copy.prepare("SELECT DISTINCT name FROM backup_files ORDER BY name")
    .all<{ name: string }>();
  for (const { name } of names) {
    if (!/^(?:[\w.-]+\/)*[\w.-]+$/.test(name) || name.split("/").includes("..")) {
      throw new ExitError("localData", `the backup holds a file with an unusable name`);
    }
    unpackFile(copy, folder, name);
  }
}

function unpackFile(copy: Database, folder: string, name: string): void {
  const path = `${folder}/${name}`;
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  const read = copy.prepare("SELECT bytes FROM backup_files WHERE name = ? AND part = ?");
  for (let part = 0;; part++) {
    const row = read.get<{ bytes: Uint8Array }>(name, part);
    if (row === undefined) break;
    for (let at = 0; at < row.bytes.length;) at += file.writeSync(row.bytes.subarray(at));
  }
  file.syncSync();
}
