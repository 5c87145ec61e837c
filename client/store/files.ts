/** Files of the profile: written whole or not at all, readable by their owner alone. */
import { toHex } from "../../lib/base/bytes.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";

const fileMode = 0o600;
const folderMode = 0o700;

/** Makes a folder (and what is above it) that only its owner can enter. Throws `ExitError` (localData). */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: folderMode });
    if (Deno.build.os !== "windows") Deno.chmodSync(path, folderMode);
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/**
 * Replaces `path` by a file with these contents in one step that survives a crash: afterwards either the old contents
 * are there or the new ones. Throws `ExitError` (localData).
 */
export function writeFile(path: string, contents: Uint8Array): void {
  const temporary = `${path}.${toHex(crypto.getRandomValues(new Uint8Array(6)))}.tmp`;
  try {
    writeThrough(temporary, contents);
    Deno.renameSync(temporary, path);
    syncFolder(folderOf(path));
  } catch (cause) {
    removeIfThere(temporary);
    throw notWritable(path, cause);
  }
}

/** The file's bytes, or undefined when there is none. Throws `ExitError` (localData) when it cannot be read. */
export function readFile(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw notReadable(path, cause);
  }
}

/** Whether there is such a file or folder. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    if (thrown instanceof Deno.errors.NotADirectory) return false;
    throw notReadable(path, thrown);
  }
}

function notReadable(path: string, cause: unknown): ExitError {
  const why = cause instanceof Deno.errors.NotADirectory
    ? "something above it is a file, not a folder"
    : "check its owner and permissions";
  return new ExitError("localData", `${path} cannot be read: ${why}`, { cause });
}

/** Removes a file or a whole folder; nothing happens when there is none. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw notWritable(path, thrown);
  }
}

/** Makes renames and removals in the folder durable, where the system lets a folder be opened. */
export function syncFolder(path: string): void {
  if (Deno.build.os === "windows") return;
  const folder = Deno.openSync(path);
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}

/** The folder that `path` is in. */
export function folderOf(path: string): string {
  const cut = path.replace(/[/\\]+$/, "").search(/[/\\][^/\\]*$/);
  return cut < 0 ? "." : path.slice(0, Math.max(cut, 1));
}

function writeThrough(path: string, contents: Uint8Array): void {
  const file = Deno.openSync(path, { write: true, createNew: true, mode: fileMode });
  try {
    for (let at = 0; at < contents.length;) at += file.writeSync(contents.subarray(at));
    file.syncSync();
  } finally {
    file.close();
  }
}

function notWritable(path: string, cause: unknown): ExitError {
  const text = `${path} cannot be written: check the folder's owner, permissions and free space`;
  return new ExitError("localData", text, { cause });
}
