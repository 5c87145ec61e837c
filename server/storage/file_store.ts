/**
 * The bytes of files, each in a file of its own beside the database. Reading and writing happen on other threads than the
 * database's transactions, so that neither waits for the other. The rows are the truth: a file without a row is swept.
 */
import { giveBack } from "../../lib/base/bytes.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { isUuid } from "../../lib/base/ids.ts";
import { fileLimits } from "../../lib/base/limits.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import type { FileBytes, Outcome, Refused } from "../operations/contract.ts";
import { type Disk, type DiskFile, isDiskFull } from "./disk.ts";

/** What the store tells the side of the rows. */
export interface FileStoreEvents {
  /** Bytes up to `synced` will survive a crash of the machine. */
  progress(file: string, synced: number): void;
  /** The disk is full: the upload is given up, and its row has to go. */
  abandoned(file: string): void;
  trouble(what: string, thrown: unknown): void;
}

interface Upload {
  readonly disk: DiskFile;
  length: number;
  synced: number;
}

const refuse = (code: Refused["code"]): Refused => ({ ok: false, code });

/** The store of one data folder. */
export class FileStore implements FileBytes {
  readonly #disk: Disk;
  readonly #events: FileStoreEvents;
  /** Open uploads; the one used longest ago first. */
  readonly #uploads = new Map<string, Upload>();
  readonly #locks = new KeyedMutex();

  constructor(disk: Disk, events: FileStoreEvents) {
    this.#disk = disk;
    this.#events = events;
  }

  open({ file, synced }: { file: string; synced: number }): Promise<Outcome<{ offset: number }>> {
    return this.#locked(file, async () => {
      const known = this.#uploads.get(file);
      if (known !== undefined) {
        await this.#sync(file, known);
        return { ok: true, offset: known.length };
      }
      const opened = await this.#openAt(file, synced);
      if (opened.length === 0) await this.#disk.syncNames();
      this.#uploads.set(file, { ...opened, synced: opened.length });
      await this.#closeIdlest();
      return { ok: true, offset: opened.length };
    });
  }

  write(
    { file, offset, size, bytes }: {
      file: string;
      offset: number;
      size: number;
      bytes: Uint8Array;
    },
  ): Promise<Outcome<{ offset: number }>> {
    return this.#locked(file, async () => {
      const upload = this.#used(file);
      if (upload === undefined) return refuse("not_found");
      const end = offset + bytes.length;
      // A repeat after a lost answer: it is there already.
      if (end <= upload.length) return { ok: true, offset: upload.length };
      if (offset !== upload.length) return refuse("wrong_offset");
      if (end > size) return refuse("too_large");
      await this.#append(upload, bytes);
      giveBack(bytes);
      if (upload.length - upload.synced >= fileLimits.unsyncedBytes) await this.#sync(file, upload);
      return { ok: true, offset: upload.length };
    });
  }

  seal({ file, size }: { file: string; size: number }): Promise<Outcome<Record<never, never>>> {
    return this.#locked(file, async () => {
      const upload = this.#used(file);
      if (upload === undefined) return refuse("not_found");
      if (upload.length !== size) return refuse("wrong_offset");
      await this.#sync(file, upload);
      this.#close(file);
      return { ok: true };
    });
  }

  async read(
    { file, offset, length }: { file: string; offset: number; length: number },
  ): Promise<Outcome<{ bytes: Uint8Array<ArrayBuffer> }>> {
    try {
      return { ok: true, bytes: await this.#disk.read(file, { offset, length }) };
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return refuse("not_found");
      throw asAppError(thrown);
    }
  }

  /** The row is gone. */
  discard(file: string): Promise<void> {
    return this.#locks.run(file, async () => {
      this.#close(file);
      await this.#disk.remove(file);
    }).catch((thrown: unknown) => this.#events.trouble("file.discard", thrown));
  }

  /** Deletes what a crash left behind: files without a row. `hasRow` is asked after a file was seen. */
  async sweep(hasRow: (file: string) => boolean): Promise<void> {
    try {
      for await (const name of this.#disk.names()) {
        if (isUuid(name) && !hasRow(name)) await this.discard(name);
      }
    } catch (thrown) {
      this.#events.trouble("file.sweep", thrown);
    }
  }

  /** Closes what is open. What was not synced may be lost with the machine, and is not counted on. */
  async close(): Promise<void> {
    for (const [file, upload] of [...this.#uploads]) {
      await this.#locked(file, async () => {
        await this.#sync(file, upload);
        this.#close(file);
        return { ok: true };
      }).catch((thrown: unknown) => this.#events.trouble("file.close", thrown));
    }
  }

  /** Where less is there than the row says, a full disk took it: the upload begins anew. */
  async #openAt(file: string, keep: number): Promise<{ disk: DiskFile; length: number }> {
    try {
      return { disk: await this.#disk.open(file, keep), length: keep };
    } catch (thrown) {
      const { NotFound, UnexpectedEof } = Deno.errors;
      const lost = thrown instanceof NotFound || thrown instanceof UnexpectedEof;
      if (!lost || keep === 0) throw thrown;
      return { disk: await this.#disk.open(file, 0), length: 0 };
    }
  }

  async #append(upload: Upload, bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await upload.disk.write(bytes.subarray(at));
      upload.length += bytes.length;
    } catch (thrown) {
      // Half a piece must not be taken for the beginning of the next.
      await upload.disk.truncate(upload.length).catch(() => undefined);
      throw thrown;
    }
  }

  async #sync(file: string, upload: Upload): Promise<void> {
    if (upload.synced === upload.length) return;
    const { length } = upload;
    await upload.disk.sync();
    upload.synced = length;
    this.#events.progress(file, length);
  }

  #used(file: string): Upload | undefined {
    const upload = this.#uploads.get(file);
    if (upload === undefined) return undefined;
    this.#uploads.delete(file);
    this.#uploads.set(file, upload);
    return upload;
  }

  /** Whoever owns it is told `not_found` at the next piece, and begins again where it stands. */
  async #closeIdlest(): Promise<void> {
    if (this.#uploads.size <= fileLimits.openFiles) return;
    const [idlest] = this.#uploads;
    if (idlest === undefined) return;
    const [file, upload] = idlest;
    await this.#sync(file, upload);
    this.#close(file);
  }

  #close(file: string): void {
    this.#uploads.get(file)?.disk.close();
    this.#uploads.delete(file);
  }

  /** One at a time for each file, in the order of the calls. A full disk gives the upload up. */
  async #locked<T>(file: string, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return await this.#locks.run(file, async () => {
      try {
        return await work();
      } catch (thrown) {
        const full = isDiskFull(thrown);
        this.#close(file);
        if (!full) throw asAppError(thrown);
        // At once: the row can go only when there is room for that.
        await this.#disk.remove(file).catch(() => undefined);
        this.#events.abandoned(file);
        throw new AppError("storage_full", { fault: "environment", cause: thrown });
      }
    });
  }
}
