/** What a profile knows of its account's archive. Whatever writes does so in the caller's transaction. */
import { equalBytes } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** A batch as far as it is known here. */
export interface KnownBatch {
  readonly position: number;
  /** The revision that was taken in; 0 for none. */
  readonly revision: number;
  /** SHA-256 of its sealed bytes, base64url. */
  readonly hash: string;
  /** The revision that is to be taken in; 0 for none, -1 for any. */
  readonly wanted: number;
  readonly wantedHash: string;
}

/** A batch's place and what it must be. */
export interface BatchMark {
  readonly position: number;
  readonly revision: number;
  readonly hash: string;
}

/** Where something is in the archive. */
export interface EntryPlace {
  readonly position: number;
  readonly digest: Uint8Array;
  /** Up to which row of its conversation its state takes everything in. */
  readonly asOf: number;
}

/** Something that can be in the archive. */
export interface EntryKey {
  /** "contact", "setting", or the id of a message's conversation. */
  readonly scope: string;
  readonly id: string;
}

/** What `require` found. */
export type Requirement = "known" | "wanted" | "contradiction";

/** Scopes that are no conversations. */
const unlisted = "('contact', 'setting')";

interface BatchRow {
  readonly position: number;
  readonly revision: number;
  readonly hash: string;
  readonly wanted: number;
  readonly wanted_hash: string;
}

interface EntryRow {
  readonly position: number;
  readonly digest: Uint8Array;
  readonly as_of: number;
}

/** The archive as one profile knows it. */
export class ArchiveStore {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** The last batch. */
  tail(): KnownBatch | undefined {
    return this.#batch("ORDER BY position DESC LIMIT 1");
  }

  batch(position: number): KnownBatch | undefined {
    return this.#batch("WHERE position = ?", position);
  }

  /** The latest batches that are to be taken in, newest first. */
  wanted(limit: number): KnownBatch[] {
    return this.#database.prepare(
      `SELECT * FROM archive_batches WHERE wanted <> 0 AND damaged = 0
       ORDER BY position DESC LIMIT ?`,
    ).all<BatchRow>(limit).map(knownBatch);
  }

  /** A batch that was taken in, or written. */
  taken({ position, revision, hash }: BatchMark): void {
    this.#database.prepare(
      `INSERT INTO archive_batches (position, revision, hash, wanted, wanted_hash)
       VALUES (?, ?, ?, 0, '')
       ON CONFLICT (position) DO UPDATE SET revision = excluded.revision, hash = excluded.hash,
         wanted = 0, wanted_hash = '', damaged = 0`,
    ).run(position, revision, hash);
  }

  /** A later batch says what this one must be; an older word than what is known already changes nothing. */
  require({ position, revision, hash }: BatchMark): Requirement {
    const known = this.batch(position);
    if (known !== undefined) {
      if (revision === known.revision) return hash === known.hash ? "known" : "contradiction";
      if (revision === known.wanted) return hash === known.wantedHash ? "wanted" : "contradiction";
      if (revision < Math.max(known.revision, known.wanted)) return "known";
    }
    this.#want({ position, revision, hash });
    return "wanted";
  }

  /** There must be a batch, but nobody says any more which revision: what says it is damaged. */
  requireAny(position: number): void {
    if (position > 0 && this.batch(position) === undefined) {
      this.#want({ position, revision: -1, hash: "" });
    }
  }

  #want({ position, revision, hash }: BatchMark): void {
    this.#database.prepare(
      `INSERT INTO archive_batches (position, revision, hash, wanted, wanted_hash)
       VALUES (?, 0, '', ?, ?)
       ON CONFLICT (position) DO UPDATE SET wanted = excluded.wanted,
         wanted_hash = excluded.wanted_hash`,
    ).run(position, revision, hash);
  }

  damaged(position: number): void {
    this.#database.prepare("UPDATE archive_batches SET damaged = 1 WHERE position = ?")
      .run(position);
  }

  damagedCount(): number {
    return this.#count("SELECT count(*) AS count FROM archive_batches WHERE damaged = 1");
  }

  /** Perhaps it was an accident: damaged batches are asked for once more. */
  retryDamaged(): void {
    this.#database.prepare("UPDATE archive_batches SET damaged = 0 WHERE damaged = 1").run();
  }

  entry({ scope, id }: EntryKey): EntryPlace | undefined {
    const row = this.#database.prepare(
      "SELECT position, digest, as_of FROM archive_entries WHERE scope = ? AND id = ?",
    ).get<EntryRow>(scope, id);
    return row && { position: row.position, digest: row.digest, asOf: row.as_of };
  }

  setEntry({ scope, id }: EntryKey, { position, digest, asOf }: EntryPlace): void {
    this.#database.prepare(
      `INSERT INTO archive_entries (scope, id, position, digest, as_of) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (scope, id) DO UPDATE SET position = excluded.position,
         digest = excluded.digest, as_of = excluded.as_of`,
    ).run(scope, id, position, digest, asOf);
  }

  removeEntry({ scope, id }: EntryKey): void {
    this.#database.prepare("DELETE FROM archive_entries WHERE scope = ? AND id = ?").run(scope, id);
  }

  /** What is in a batch and in no later one. */
  entriesAt(position: number): EntryKey[] {
    return this.#database.prepare("SELECT scope, id FROM archive_entries WHERE position = ?")
      .all<EntryKey>(position);
  }

  /** How many messages are in the archive, as far as known here. */
  messages(): number {
    return this.#count(
      `SELECT count(*) AS count FROM archive_entries WHERE scope NOT IN ${unlisted}`,
    );
  }

  messagesOf(conversation: string): number {
    return this.#count(
      "SELECT count(*) AS count FROM archive_entries WHERE scope = ?",
      conversation,
    );
  }

  /** Batches that hold messages of conversations which are not to be archived. */
  toPurge(limit: number): number[] {
    return this.#database.prepare(
      `SELECT DISTINCT e.position FROM archive_settings s JOIN archive_entries e
         ON e.scope = s.conversation WHERE s.kept = 0 ORDER BY e.position LIMIT ?`,
    ).all<{ position: number }>(limit).map(({ position }) => position);
  }

  /** Whether messages of the conversation are archived: undefined when nobody has said. */
  kept(conversation: string): boolean | undefined {
    const row = this.#database.prepare("SELECT kept FROM archive_settings WHERE conversation = ?")
      .get<{ kept: number }>(conversation);
    return row && row.kept === 1;
  }

  setKept(conversation: string, kept: boolean): void {
    this.#database.prepare(
      `INSERT INTO archive_settings (conversation, kept) VALUES (?, ?)
       ON CONFLICT (conversation) DO UPDATE SET kept = excluded.kept`,
    ).run(conversation, kept ? 1 : 0);
  }

  /** What was said of conversations. */
  settings(): { readonly conversation: string; readonly kept: boolean }[] {
    return this.#database.prepare("SELECT conversation, kept FROM archive_settings")
      .all<{ conversation: string; kept: number }>()
      .map(({ conversation, kept }) => ({ conversation, kept: kept === 1 }));
  }

  /** Whether nothing of the archive is still to come, and it was looked for, or is known to have held nothing. */
  isHere(): boolean {
    return this.wanted(1).length === 0 && (this.tail() !== undefined || this.scanned >= 0);
  }

  /** The archive holds nothing: there is nothing that would have to come from it. */
  holdsNothing(): void {
    this.setScanned(Math.max(0, this.scanned));
  }

  /** Up to which change of messages everything is archived. */
  get scanned(): number {
    return this.#state().scanned;
  }

  setScanned(revision: number): void {
    this.#database.prepare("UPDATE archive_state SET scanned = ? WHERE one = 1").run(revision);
  }

  /** How many messages the archive holds by what its last batch says. */
  get total(): number {
    return this.#state().total;
  }

  setTotal(total: number): void {
    this.#database.prepare("UPDATE archive_state SET total = ? WHERE one = 1").run(total);
  }

  /** Forgets everything about the archive but what is wished of it: it is read anew, and what is missing is written. */
  reset(): void {
    this.#database.prepare("DELETE FROM archive_batches").run();
    this.#database.prepare("DELETE FROM archive_entries").run();
    this.#database.prepare("UPDATE archive_state SET scanned = -1, total = 0 WHERE one = 1").run();
  }

  #state(): { readonly scanned: number; readonly total: number } {
    return this.#database.prepare("SELECT scanned, total FROM archive_state WHERE one = 1")
      .get<{ scanned: number; total: number }>() ?? { scanned: -1, total: 0 };
  }

  #batch(rest: string, ...values: number[]): KnownBatch | undefined {
    const row = this.#database.prepare(`SELECT * FROM archive_batches ${rest}`)
      .get<BatchRow>(...values);
    return row && knownBatch(row);
  }

  #count(sql: string, ...values: string[]): number {
    return this.#database.prepare(sql).get<{ count: number }>(...values)?.count ?? 0;
  }
}

/** Whether two keyed hashes are of the same state. */
export function sameState(a: Uint8Array, b: Uint8Array): boolean {
  return equalBytes(a, b);
}

function knownBatch(row: BatchRow): KnownBatch {
  const { position, revision, hash, wanted } = row;
  return { position, revision, hash, wanted, wantedHash: row.wanted_hash };
}
