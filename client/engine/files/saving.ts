/**
 * A file on its way to its folder. It grows under a hidden name beside its place and gets its name when it is complete and
 * checked, without ever replacing anything. Mode 0600 from the first byte.
 */
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { folderOf, syncFolder } from "../../store/files.ts";
import type { SavePlace } from "../api_files.ts";
import { numberedName, safeFileName } from "./names.ts";
import { shownPath } from "./source.ts";

/** Names that are tried before giving up. */
const mostNames = 10_000;

/** How long another process may take to let go of a part, in milliseconds. */
const lockMs = 500;

/** Opens the part for writing; tests put another in its place. */
export type OpenPart = (path: string, options: Deno.OpenOptions) => Promise<Deno.FsFile>;

/** Where the file of that name goes. */
export interface Destination {
  readonly folder: string;
  /** Safe. */
  readonly name: string;
  /** Whether another name may be taken when this one is. */
  readonly numbered: boolean;
}

/** Throws `ExitError`: `notFound` for a folder that is not there, `localData` for a name that is taken or forbidden. */
export async function destinationOf(place: SavePlace, name: string): Promise<Destination> {
  if (place.kind === "folder") return await inFolder(place.path, name);
  const known = await look(place.path);
  if (known?.isDirectory) return await inFolder(place.path, name);
  if (known !== undefined) throw taken(place.path);
  const folder = folderOf(place.path);
  await needFolder(folder);
  const last = place.path.split(/[/\\]/).at(-1) ?? "";
  if (last === "" || last === "." || last === "..") {
    throw new ExitError("notFound", `There is no folder ${shownPath(place.path)}.`);
  }
  return { folder, name: last, numbered: false };
}

async function inFolder(folder: string, name: string): Promise<Destination> {
  await needFolder(folder);
  return { folder, name: safeFileName(name), numbered: true };
}

async function look(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (thrown) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (thrown instanceof NotFound || thrown instanceof NotADirectory) return undefined;
    throw notSaved(path, thrown);
  }
}

async function needFolder(path: string): Promise<void> {
  if ((await look(path))?.isDirectory) return;
  throw new ExitError("notFound", `There is no folder ${shownPath(path)} to save into.`);
}

function taken(path: string): ExitError {
  return new ExitError("localData", `${shownPath(path)} exists already; choose another name.`);
}

/** What is here of a file so far. */
export class Part {
  readonly #file: Deno.FsFile;
  readonly path: string;
  #closed = false;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Opens the part, or makes an empty one, for this process alone. Throws `ExitError` (localData). */
  static async open(path: string, open: OpenPart = Deno.open): Promise<Part> {
    const options = { read: true, write: true, mode: 0o600 };
    for (;;) {
      const known = await Deno.lstat(path).catch(() => undefined);
      if (known !== undefined && !known.isFile) throw taken(path);
      const file = await open(path, known ? options : { ...options, createNew: true })
        .catch((thrown: unknown) => {
          if (thrown instanceof Deno.errors.AlreadyExists) return undefined;
          throw notSaved(path, thrown);
        });
      if (file === undefined) continue;
      await lock(path, file);
      // Whoever had it before may have finished with it, and it is another file now or none.
      if (await isAt(path, file)) return new Part(path, file);
      file.close();
    }
  }

  async length(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  /** Whether there is nothing in it worth keeping. */
  async isEmpty(): Promise<boolean> {
    return !this.#closed && await this.length() === 0;
  }

  /** Forgets what lies beyond. */
  async cut(length: number): Promise<void> {
    await this.#file.truncate(length);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    await this.#file.seek(offset, Deno.SeekMode.Start);
    for (let filled = 0; filled < length;) {
      const count = await this.#file.read(bytes.subarray(filled));
      if (count === null) return bytes.subarray(0, filled);
      filled += count;
    }
    return bytes;
  }

  /** Adds bytes at `offset`, which is its end. Throws `ExitError` (localData), and then nothing of it is left. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    } catch (thrown) {
      await this.remove();
      throw notSaved(this.path, thrown);
    }
  }

  /** Gives it its name. Throws `ExitError` (localData) when that is taken; the part stays then. */
  async finish(destination: Destination): Promise<string> {
    try {
      await this.#file.sync();
    } catch (thrown) {
      await this.remove();
      throw notSaved(this.path, thrown);
    }
    const path = await this.#name(destination);
    await this.remove();
    syncFolder(destination.folder);
    return path;
  }

  async #name({ folder, name, numbered }: Destination): Promise<string> {
    for (let count = 0; count < (numbered ? mostNames : 1); count++) {
      const path = `${folder.replace(/(?<=.)\/+$/, "")}/${numberedName(name, count)}`;
      try {
        await nameAnew(this.path, path);
        return path;
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.AlreadyExists)) throw notSaved(path, thrown);
      }
    }
    throw taken(`${folder}/${name}`);
  }

  /** Leaves it for another time. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  /** Leaves nothing of it. */
  async remove(): Promise<void> {
    this.close();
    await Deno.remove(this.path).catch((thrown: unknown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) throw notSaved(this.path, thrown);
    });
  }
}

/** A second name cannot replace anything; where there are none (some USB sticks), an empty file takes the place first. */
async function nameAnew(part: string, path: string): Promise<void> {
  try {
    await Deno.link(part, path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) throw thrown;
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
    await Deno.rename(part, path);
  }
}

/** Whether `path` still leads to this very file. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const [here, there] = [await file.stat(), await Deno.lstat(path).catch(() => undefined)];
  return there?.isFile === true && here.ino === there.ino && here.dev === there.dev;
}

async function lock(path: string, file: Deno.FsFile): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), lockMs);
  const locked = file.lock(true).then(() => "locked" as const);
  const outcome = await Promise.race([locked, late]).finally(() => clearTimeout(timer));
  if (outcome === "locked") return;
  // Whenever it is granted after all, nobody wants it any more.
  void locked.then(() => file.close(), () => file.close());
  throw new ExitError(
    "localData",
    `${shownPath(path)} is in use: another process is saving the same file.`,
  );
}

function notSaved(path: string, thrown: unknown): ExitError {
  if (thrown instanceof ExitError) return thrown;
  const shown = shownPath(folderOf(path));
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    const text = `The disk is full: nothing was saved in ${shown}. Make room and try again.`;
    return new ExitError("localData", text, { cause: thrown });
  }
  const why = thrown instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : thrown instanceof Error
    ? shownPath(thrown.message)
    : "it cannot be written";
  return new ExitError("localData", `Nothing was saved in ${shown}: ${why}.`, { cause: thrown });
}
