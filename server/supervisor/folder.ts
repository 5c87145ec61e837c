/** The data folder: private, written so that no crash leaves half a file, used by one server at a time. */
import { ExitError } from "../../lib/base/exit_codes.ts";

/** Makes the folder (0700) where it is missing. Throws `ExitError` (localData). */
export function openFolder(path: string): void {
  withReason(path, () => {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!Deno.statSync(path).isDirectory) throw new Error("it is not a folder");
    Deno.chmodSync(path, 0o700);
  });
}

/** The text of `path`, undefined when there is no such file. Throws `ExitError` (localData). */
export function readOptional(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new ExitError("localData", `${path} cannot be read: ${whyNot(cause)}`, { cause });
  }
}

/**
 * Writes a file (0600) completely or not at all: beside it, to the disk, then in its place. Throws `ExitError`
 * (localData), for a full disk too.
 */
export function writeWhole(folder: string, name: string, text: string): void {
  const path = `${folder}/${name}`;
  const temporary = `${path}.tmp`;
  withReason(folder, () => {
    using file = Deno.openSync(temporary, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
    Deno.renameSync(temporary, path);
    syncFolder(folder);
  });
}

/** Makes a rename durable. */
function syncFolder(folder: string): void {
  using handle = Deno.openSync(folder, { read: true });
  handle.syncSync();
}

/** Runs `work` on the data folder; what fails there ends the command with one line. */
function withReason(folder: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new ExitError(
      "localData",
      `the data folder ${folder} cannot be written: ${
        whyNot(cause)
      }; make room or rights, or choose another with --data`,
      { cause },
    );
  }
}

/** Why a file or folder cannot be read or written, in a few words. */
export function whyNot(cause: unknown): string {
  const refused = cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable;
  if (refused) return "permission denied";
  const isFile = cause instanceof Deno.errors.AlreadyExists ||
    cause instanceof Deno.errors.NotADirectory;
  if (isFile) {
    return "it, or something above it, is a file and not a folder, or a link that leads nowhere";
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  return /no space|os error 28/i.test(text) ? "the disk is full" : text.replace(/\s*\n[\s\S]*/, "");
}
