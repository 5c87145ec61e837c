/**
 * Reading the archive: the last batch first, then backwards, each one checked against what a later one says of it. What
 * has been taken in is remembered, so that reading goes on where it ended, and so that a server that shows less than it
 * did, or something else, is found out.
 */
import { reach } from "../../../lib/base/crashpoint.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { archiveLimits } from "../../../lib/base/limits.ts";
import { afterThisTurn } from "../../../lib/base/turn.ts";
import type { BatchMark, KnownBatch } from "../../store/archive.ts";
import type { ArchiveStore } from "../../store/archive.ts";
import { follow } from "../content/facts.ts";
import type { Core } from "../core.ts";
import { type ArchiveBatch, batchHash, openBatch } from "./codec.ts";
import type { Restorer } from "./restorer.ts";

/** A batch as the server gave it. */
export interface FetchedBatch {
  readonly position: number;
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** What the server says of the archive. */
export interface ArchiveHead {
  readonly position: number;
  readonly revision: number;
  readonly bytes: number;
  readonly most: number;
}

/** What reading needs. */
export interface ReaderOptions {
  readonly store: ArchiveStore;
  readonly key: Uint8Array;
  readonly restorer: Restorer;
  /** Something was taken in. */
  readonly progress: () => void;
}

/** The archive is not the one that this device knew. */
export class OtherArchive extends Error {}

/** Reads an archive. */
export class ArchiveReader {
  readonly #core: Core;
  readonly #options: ReaderOptions;
  /** The last batch, opened. */
  #tail: { readonly mark: BatchMark; readonly batch: ArchiveBatch } | undefined;

  constructor(core: Core, options: ReaderOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Asks for the end of the archive, and takes in everything that is not here yet. Rejects when it cannot be reached. */
  async read(signal?: AbortSignal): Promise<ArchiveHead> {
    // Looked at before the server is asked: another process on this profile may write meanwhile.
    const known = this.#options.store.tail();
    const { message } = await this.#core.server.request({ type: "archive.head" });
    try {
      if (isOlder(message, known)) throw new OtherArchive("it is older than what it was");
      await this.#readTo(message, signal);
    } catch (thrown) {
      if (!(thrown instanceof OtherArchive)) throw thrown;
      this.#startAnew(thrown.message);
      await this.#readAnew(message, signal);
    }
    return message;
  }

  /** What contradicts itself is no archive at all. */
  async #readAnew(head: ArchiveHead, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#readTo(head, signal);
    } catch (thrown) {
      throw thrown instanceof OtherArchive ? unreadable(thrown.message) : thrown;
    }
  }

  /** The batch at a position, as it must be. Rejects with `tampered` when the server gives another one, or none. */
  async batch(
    position: number,
  ): Promise<{ readonly mark: BatchMark; readonly batch: ArchiveBatch }> {
    const known = this.#options.store.batch(position);
    if (known === undefined || known.wanted !== 0) throw new AppError("archive_conflict");
    if (this.#tail?.mark.position === position && this.#tail.mark.hash === known.hash) {
      return this.#tail;
    }
    const [found] = await this.#fetch([position]);
    if (found === undefined || batchHash(found.bytes) !== known.hash) {
      // Another device may have written meanwhile; whoever asks reads the archive again.
      throw new AppError("archive_conflict");
    }
    return { mark: known, batch: this.#open(found) };
  }

  /** Remembers the last batch, which this device has just written. */
  wrote(mark: BatchMark, batch: ArchiveBatch): void {
    this.#tail = { mark, batch };
  }

  async #readTo(head: ArchiveHead, signal: AbortSignal | undefined): Promise<void> {
    const { store } = this.#options;
    const known = store.tail();
    if (head.position === 0) return;
    const isKnown = known?.position === head.position && known.revision === head.revision;
    if (!isKnown || this.#tail === undefined) await this.#readTail(head.position);
    for (;;) {
      const wanted = store.wanted(archiveLimits.batchesAtOnce);
      if (wanted.length === 0) return;
      if (!await this.#readSome(wanted)) return await this.#again(signal);
      signal?.throwIfAborted();
      // Others have their turn between batches: there may be many.
      await new Promise<void>((resolve) => afterThisTurn(resolve));
    }
  }

  /** A batch was newer than expected: another device has written; from the end again. */
  async #again(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { message } = await this.#core.server.request({ type: "archive.head" });
    await this.#readTo(message, signal);
  }

  async #readTail(position: number): Promise<void> {
    const { store } = this.#options;
    const [found] = await this.#fetch([position]);
    if (found === undefined) throw unreadable("the server does not give its last part");
    const mark = markOf(found);
    const known = store.batch(position);
    if (known?.revision === mark.revision && known.hash !== mark.hash) {
      throw new OtherArchive("its last part is another one than it was");
    }
    const batch = this.#open(found);
    this.#checkTrail(known, mark, batch);
    this.#take(mark, batch);
    store.setTotal(batch.total);
    this.#tail = { mark, batch };
    this.#options.progress();
  }

  /** Takes in the wanted batches that the server gives; false when one of them has moved on. */
  async #readSome(wanted: readonly KnownBatch[]): Promise<boolean> {
    const found = await this.#fetch(wanted.map(({ position }) => position));
    const first = wanted[0];
    if (found.length === 0 && first !== undefined) this.#damaged(first.position, "is not there");
    for (const one of found) {
      const known = wanted.find(({ position }) => position === one.position);
      if (known === undefined) continue;
      if (known.wanted > 0 && one.revision > known.wanted) return false;
      this.#readOne(known, one);
      this.#options.progress();
    }
    return true;
  }

  #readOne(known: KnownBatch, found: FetchedBatch): void {
    const mark = markOf(found);
    const fits = known.wanted === -1 ||
      (known.wanted === mark.revision && known.wantedHash === mark.hash);
    if (!fits) return this.#damaged(mark.position, "is not the one that was written");
    let batch: ArchiveBatch;
    try {
      batch = this.#open(found);
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return this.#damaged(mark.position, thrown.message);
    }
    this.#checkTrail(known, mark, batch);
    this.#take(mark, batch);
  }

  /** What was taken in before must be among the earlier revisions of what is there now. */
  #checkTrail(known: KnownBatch | undefined, mark: BatchMark, batch: ArchiveBatch): void {
    if (known === undefined || known.revision === 0 || known.revision >= mark.revision) return;
    if (batch.trail[known.revision - 1] === known.hash) return;
    throw new OtherArchive("it goes on from something else than it was");
  }

  /** Stores everything of a batch, and what it says of others, in one transaction. */
  #take(mark: BatchMark, batch: ArchiveBatch): void {
    const { store, restorer } = this.#options;
    const effects = this.#core.sealed.database.transaction(() => {
      // Another process on this profile has taken in or written a later one.
      if ((store.batch(mark.position)?.revision ?? 0) > mark.revision) return [];
      store.taken(mark);
      const before = mark.position - 1;
      const said = [...batch.replaced];
      if (batch.previous !== undefined) said.push({ position: before, ...batch.previous });
      for (const one of said.toReversed()) {
        if (store.require(one) !== "contradiction") continue;
        throw new OtherArchive("two of its parts contradict each other");
      }
      return restorer.restore(mark.position, batch);
    });
    reach("client:restored");
    follow(this.#core, effects);
    this.#core.changed();
  }

  #damaged(position: number, how: string): void {
    const { store } = this.#options;
    const { sealed, logger } = this.#core;
    logger.log("warning", "archive_damaged", { position, how });
    sealed.database.transaction(() => {
      store.damaged(position);
      store.requireAny(position - 1);
    });
  }

  /** Forgets what was known of the archive: what this device has and the server's archive does not is archived again. */
  #startAnew(how: string): void {
    const { sealed, warn, logger } = this.#core;
    logger.log("error", "archive_not_as_it_was", { how });
    warn(
      `the server shows another archive than before: ${how}; what is here stays here, ` +
        "and what is missing there is archived again",
    );
    this.#tail = undefined;
    sealed.database.transaction(() => this.#options.store.reset());
  }

  #open(found: FetchedBatch): ArchiveBatch {
    const { position, revision, bytes } = found;
    const place = { account: this.#core.own.account, position, revision };
    return openBatch(this.#options.key, place, bytes);
  }

  async #fetch(positions: number[]): Promise<FetchedBatch[]> {
    const { message, body } = await this.#core.server.request({ type: "archive.fetch", positions });
    let offset = 0;
    return message.batches.map(({ position, revision, length }) => {
      offset += length;
      return { position, revision, bytes: body.subarray(offset - length, offset) };
    });
  }
}

function markOf({ position, revision, bytes }: FetchedBatch): BatchMark {
  return { position, revision, hash: batchHash(bytes) };
}

function isOlder(head: ArchiveHead, known: KnownBatch | undefined): boolean {
  if (known === undefined || known.revision === 0) return false;
  return head.position < known.position ||
    (head.position === known.position && head.revision < known.revision);
}

function unreadable(why: string): AppError {
  return new AppError("tampered", { text: `the archive cannot be read: ${why}` });
}
