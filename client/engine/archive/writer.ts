/**
 * Writing the archive: what has changed in the profile since the last look goes into the last batch, or into a new one
 * behind it; what it replaces is taken out of the batches where it was, in the same request. Of two devices that write at
 * once one is refused, reads what the other wrote, and finds most of its own there already.
 */
import { reach } from "../../../lib/base/crashpoint.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { archiveLimits, frameLimits } from "../../../lib/base/limits.ts";
import type { ArchiveStore, BatchMark, EntryKey } from "../../store/archive.ts";
import { sameState } from "../../store/archive.ts";
import { Contacts } from "../../store/contacts.ts";
import type { Core } from "../core.ts";
import { type ArchiveBatch, batchHash, sealBatch } from "./codec.ts";
import type { ArchiveHead, ArchiveReader } from "./reader.ts";
import {
  BatchBuilder,
  contactRecord,
  conversationOf,
  digestOf,
  keyOf,
  messageRecord,
  type Record,
  without,
} from "./records.ts";

/** Messages that are looked at in one go. */
const pageRows = 256;

/** A change that is to be archived. */
interface Change {
  readonly record: Record;
  readonly key: EntryKey;
  readonly digest: Uint8Array;
}

/** What one request writes. */
interface Plan {
  readonly changes: readonly Change[];
  /** Something in the last batch is to be taken out. */
  readonly purgesTail: boolean;
  /** Up to which change of messages, and which message, everything is done afterwards. */
  readonly scanned: number;
  readonly at: Place;
  /** Older batches that something is taken out of. */
  readonly touched: ReadonlySet<number>;
}

/** A sealed batch. */
interface Written {
  readonly mark: BatchMark;
  readonly batch: ArchiveBatch;
  readonly bytes: Uint8Array;
}

/** Nothing yet: what the first batch is begun from. */
const empty = {
  trail: [],
  replaced: [],
  conversations: [],
  certificates: [],
  entries: [],
} as const;

/** What the changes of one request may take together; a longer one goes alone. */
const changeBytes = 128 * 1024;

/** How far looking at changed messages has got. */
interface Place {
  readonly revision: number;
  readonly local: number;
}

/** Writes an archive. */
export class ArchiveWriter {
  readonly #core: Core;
  readonly #store: ArchiveStore;
  readonly #key: Uint8Array;
  readonly #reader: ArchiveReader;
  readonly #contacts: Contacts;
  /** Where the next look begins; good as long as the store says the same. */
  #place: { readonly scanned: number; readonly at: Place } | undefined;

  constructor(
    core: Core,
    options: {
      readonly store: ArchiveStore;
      readonly key: Uint8Array;
      readonly reader: ArchiveReader;
    },
  ) {
    this.#core = core;
    this.#store = options.store;
    this.#key = options.key;
    this.#reader = options.reader;
    this.#contacts = new Contacts(core.sealed);
  }

  /**
   * Writes the next of what is to be archived; undefined when there is nothing left. Everything of the archive must have
   * been read. Rejects with `archive_conflict` when another device was quicker, and with what the server says.
   */
  async write(): Promise<ArchiveHead | undefined> {
    const plan = this.#plan();
    if (!hasChanges(plan)) {
      this.#looked(plan);
      return undefined;
    }
    return await this.#writePlan(plan) ?? await this.#writePlan(this.#plan({ touched: 1 }));
  }

  /** Undefined when it is too much for one request. */
  async #writePlan(plan: Plan): Promise<ArchiveHead | undefined> {
    const replaced = await this.#replacements(plan);
    const tail = await this.#tail(plan, replaced);
    const all = [...replaced, tail];
    const size = all.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (size > frameLimits.bodyBytes && plan.touched.size > 1) return undefined;
    const { message } = await this.#core.server.request({
      type: "archive.append",
      batches: all.map(({ mark, bytes }) => ({
        position: mark.position,
        revision: mark.revision,
        length: bytes.length,
      })),
      body: size,
    }, all.map(({ bytes }) => bytes));
    reach("client:archived");
    this.#stored(plan, all, tail);
    return message;
  }

  /** Whether something waits to be archived or to be taken out. */
  hasWork(): boolean {
    const plan = this.#plan();
    if (hasChanges(plan)) return true;
    this.#looked(plan);
    return false;
  }

  #looked({ at, scanned }: Plan): void {
    if (scanned > this.#store.scanned) this.#store.setScanned(scanned);
    this.#place = { scanned: this.#store.scanned, at };
  }

  #plan(limit = { touched: archiveLimits.replacedAtOnce as number }): Plan {
    const changes: Change[] = [];
    const touched = new Set<number>(this.#store.toPurge(limit.touched));
    const tail = this.#store.tail()?.position ?? 0;
    const purgesTail = touched.delete(tail);
    let bytes = 0;
    const take = (record: Record): boolean => {
      const change = this.#change(record);
      if (change === undefined) return true;
      const at = this.#store.entry(change.key)?.position;
      const older = at !== undefined && at !== tail && !touched.has(at) ? at : undefined;
      if (older !== undefined && touched.size >= limit.touched) return false;
      const size = JSON.stringify(record).length;
      const most = changes.length === 0 ? Infinity : changeBytes;
      if (changes.length >= archiveLimits.batchMessages || bytes + size > most) return false;
      if (older !== undefined) touched.add(older);
      changes.push(change);
      bytes += size;
      return true;
    };
    for (const record of this.#smallThings()) take(record);
    return { changes, purgesTail, touched, ...this.#scan(take) };
  }

  /** Offers messages that have changed, until one is not taken. Everything up to `at` was taken or passed over. */
  #scan(take: (record: Record) => boolean): { readonly at: Place; readonly scanned: number } {
    const { scanned } = this.#store;
    let at = this.#place?.scanned === scanned
      ? this.#place.at
      : { revision: scanned, local: Number.MAX_SAFE_INTEGER };
    for (;;) {
      const page = this.#core.messages.since(at, pageRows);
      for (const { local, revision, ...message } of page) {
        const thread = this.#core.threads.get(message.thread);
        const record = thread && messageRecord(message, thread);
        // Others of the same change may wait still.
        if (record !== undefined && !take(record)) return { at, scanned: revision - 1 };
        at = { revision, local };
      }
      if (page.length < pageRows) return { at, scanned: at.revision };
    }
  }

  /** Contacts and what was said of conversations: few, so all are looked at. */
  *#smallThings(): Generator<Record> {
    for (const contact of this.#contacts.all()) yield contactRecord(contact);
    for (const { conversation, kept } of this.#store.settings()) {
      const thread = this.#core.threads.byConversation(conversation);
      const known = thread && conversationOf(thread);
      if (known !== undefined) yield { kind: "setting", conversation: known, kept };
    }
  }

  /** What of a record is not in the archive; undefined when it is there, or must not be. */
  #change(record: Record): Change | undefined {
    const { sealed } = this.#core;
    const key = keyOf(sealed, record);
    if (record.kind === "message" && this.#store.kept(key.scope) === false) return undefined;
    const place = this.#store.entry(key);
    // Another device has seen more of the conversation than this one: what it archived is newer.
    if (place !== undefined && record.kind === "message" && record.asOf < place.asOf) {
      return undefined;
    }
    // Of what was deleted before it was archived nothing is told.
    if (place === undefined && record.kind === "message" && record.content.deleted) {
      return undefined;
    }
    const digest = digestOf(sealed, record);
    return place !== undefined && sameState(place.digest, digest)
      ? undefined
      : { record, key, digest };
  }

  /** Whether a record is not to stay where it is: because of a newer state of it, or because nothing of its kind may. */
  #isOut({ changes }: Plan): (record: Record) => boolean {
    const names = new Set(changes.map(({ key }) => `${key.scope}:${key.id}`));
    return (record) => {
      const { scope, id } = keyOf(this.#core.sealed, record);
      const unwanted = record.kind === "message" && this.#store.kept(scope) === false;
      return unwanted || names.has(`${scope}:${id}`);
    };
  }

  async #replacements(plan: Plan): Promise<Written[]> {
    const replaced: Written[] = [];
    for (const position of [...plan.touched].sort((a, b) => a - b)) {
      const { mark, batch } = await this.#reader.batch(position);
      replaced.push(this.#seal(
        { position, revision: mark.revision + 1 },
        { ...without(batch, this.#isOut(plan)), trail: [...batch.trail, mark.hash] },
      ));
    }
    return replaced;
  }

  /** The last batch with the changes in it; a new one when the last is full. */
  async #tail(plan: Plan, replaced: Written[]): Promise<Written> {
    const known = this.#store.tail();
    const last = known && await this.#reader.batch(known.position);
    const kept = last && without(last.batch, this.#isOut(plan));
    const marks = replaced.map(({ mark }) => mark);
    const builder = new BatchBuilder(kept ?? empty);
    const begun = last !== undefined && isFull(builder, last.batch, plan.changes.length);
    const target = begun ? new BatchBuilder(empty) : builder;
    for (const { record } of plan.changes) target.add(record);
    const total = this.#totalAfter(plan);
    if (last === undefined || !begun) {
      const trail = last === undefined ? [] : [...last.batch.trail, last.mark.hash];
      const before = last?.batch.replaced ?? [];
      const previous = last?.batch.previous;
      return this.#seal({
        position: last?.mark.position ?? 1,
        revision: (last?.mark.revision ?? 0) + 1,
      }, {
        ...(previous === undefined ? {} : { previous }),
        trail,
        replaced: [...before, ...marks],
        total,
        ...target.parts,
      });
    }
    const { revision, hash } = this.#lastBefore(plan, { ...last, kept, replaced });
    return this.#seal({ position: last.mark.position + 1, revision: 1 }, {
      previous: { revision, hash },
      trail: [],
      replaced: marks,
      total,
      ...target.parts,
    });
  }

  /** The batch before a new one: replaced in the same request when something is taken out of it. */
  #lastBefore(
    plan: Plan,
    last: {
      readonly mark: BatchMark;
      readonly batch: ArchiveBatch;
      readonly kept: ArchiveBatch | undefined;
      readonly replaced: Written[];
    },
  ): BatchMark {
    const { mark, batch, kept, replaced } = last;
    if (kept === undefined || kept.entries.length === batch.entries.length) return mark;
    const trail = [...batch.trail, mark.hash];
    const place = { position: mark.position, revision: mark.revision + 1 };
    const written = this.#seal(place, { ...without(batch, this.#isOut(plan)), trail });
    replaced.push(written);
    return written.mark;
  }

  #totalAfter(plan: Plan): number {
    const fresh =
      plan.changes.filter(({ record, key }) =>
        record.kind === "message" && this.#store.entry(key) === undefined
      ).length;
    const gone = this.#goneWith(plan).length;
    return this.#store.messages() + fresh - gone;
  }

  /** What is taken out and put nowhere else. */
  #goneWith(plan: Plan): EntryKey[] {
    const tail = this.#store.tail()?.position;
    const positions = new Set(plan.touched);
    if (tail !== undefined) positions.add(tail);
    return [...positions].flatMap((position) => this.#store.entriesAt(position))
      .filter(({ scope }) => this.#store.kept(scope) === false);
  }

  #seal(place: { position: number; revision: number }, batch: ArchiveBatch): Written {
    const bytes = sealBatch(this.#key, { account: this.#core.own.account, ...place }, batch);
    return { mark: { ...place, hash: batchHash(bytes) }, batch, bytes };
  }

  #stored(plan: Plan, all: readonly Written[], tail: Written): void {
    const gone = this.#goneWith(plan);
    this.#core.sealed.database.transaction(() => {
      for (const { mark } of all) this.#store.taken(mark);
      for (const key of gone) this.#store.removeEntry(key);
      for (const { record, key, digest } of plan.changes) {
        const asOf = record.kind === "message" ? record.asOf : 0;
        this.#store.setEntry(key, { position: tail.mark.position, digest, asOf });
      }
      this.#store.setScanned(Math.max(plan.scanned, this.#store.scanned));
      this.#store.setTotal(tail.batch.total);
    });
    this.#place = { scanned: this.#store.scanned, at: plan.at };
    this.#reader.wrote(tail.mark, tail.batch);
  }
}

function hasChanges({ changes, touched, purgesTail }: Plan): boolean {
  return changes.length > 0 || touched.size > 0 || purgesTail;
}

/** Whether a new batch is to be begun: this one has enough in it, or was written often enough. */
function isFull(builder: BatchBuilder, batch: ArchiveBatch, more: number): boolean {
  const { batchMessages, batchTargetBytes } = archiveLimits;
  return (builder.length > 0 && builder.length + more > batchMessages) ||
    builder.bytes > batchTargetBytes || batch.trail.length >= 2 * batchMessages;
}

/** Throws `AppError("archive_conflict")` on: whoever reads the archive again can go on. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === "archive_conflict";
}
