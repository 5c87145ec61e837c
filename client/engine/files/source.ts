/** The file that is to be sent: opened once, read at any place, watched for changes. */
import { type Bytes } from "../../../lib/base/bytes.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { sanitizeLine } from "../../../lib/base/sanitize.ts";

/** A path as a line of text shows it. */
export const shownPath = (path: string): string => sanitizeLine(path, 300);

/** An open file. */
export class Source {
  readonly #file: Deno.FsFile;
  /** Absolute, without links. */
  readonly path: string;
  /** The last part of the path as it was given. */
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;

  private constructor(
    file: Deno.FsFile,
    facts: Pick<Source, "path" | "name" | "size" | "modifiedAt">,
  ) {
    this.#file = file;
    this.path = facts.path;
    this.name = facts.name;
    this.size = facts.size;
    this.modifiedAt = facts.modifiedAt;
  }

  /**
   * Opens it. Throws `ExitError`: `notFound` when there is none, `usage` for a folder or anything else that is no plain
   * file, `localData` when it cannot be read.
   */
  static async open(path: string): Promise<Source> {
    try {
      // Looked at before it is opened: opening a pipe would wait for a writer.
      refuseOther(path, await Deno.stat(path));
      const file = await Deno.open(path);
      const { size, mtime } = await file.stat();
      const name = path.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) ?? path;
      const modifiedAt = mtime?.getTime() ?? 0;
      return new Source(file, { path: await Deno.realPath(path), name, size, modifiedAt });
    } catch (thrown) {
      throw notReadable(path, thrown);
    }
  }

  /** Exactly `length` bytes from `offset` on. Throws `ExitError` (failed) when they are no longer there. */
  async read(offset: number, length: number): Promise<Bytes> {
    const bytes = new Uint8Array(length);
    try {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      for (let filled = 0; filled < length;) {
        const count = await this.#file.read(bytes.subarray(filled));
        if (count === null) throw this.changed();
        filled += count;
      }
    } catch (thrown) {
      throw notReadable(this.path, thrown);
    }
    return bytes;
  }

  /** Throws `ExitError` (failed) when the file has been changed since it was opened. */
  async checkUnchanged(): Promise<void> {
    const { size, mtime } = await this.#file.stat();
    if (size !== this.size || (mtime?.getTime() ?? 0) !== this.modifiedAt) throw this.changed();
  }

  /** The error for a file that is not what it was. */
  changed(): ChangedError {
    return new ChangedError(
      "failed",
      `${shownPath(this.path)} was changed while it was being sent; nothing was announced. ` +
        "Send it again when it is complete.",
    );
  }

  close(): void {
    this.#file.close();
  }
}

/** The file is not what it was when sending began. */
export class ChangedError extends ExitError {}

function refuseOther(path: string, { isFile, isDirectory }: Deno.FileInfo): void {
  if (isFile) return;
  const what = isDirectory
    ? "is a folder; pack it into an archive and send that"
    : "is no plain file";
  throw new ExitError("usage", `${shownPath(path)} ${what}.`);
}

function notReadable(path: string, thrown: unknown): ExitError {
  if (thrown instanceof ExitError) return thrown;
  const shown = shownPath(path);
  const { NotFound, NotADirectory, PermissionDenied, FilesystemLoop } = Deno.errors;
  if (thrown instanceof NotFound || thrown instanceof NotADirectory) {
    return new ExitError("notFound", `There is no file ${shown}.`, { cause: thrown });
  }
  if (thrown instanceof PermissionDenied) {
    return new ExitError("localData", `${shown} cannot be read: permission denied.`, {
      cause: thrown,
    });
  }
  const loop = thrown instanceof FilesystemLoop;
  const why = loop ? "its links lead in a circle" : thrown instanceof Error ? thrown.message : "";
  return new ExitError("localData", `${shown} cannot be read: ${sanitizeLine(why, 200)}`, {
    cause: thrown,
  });
}
