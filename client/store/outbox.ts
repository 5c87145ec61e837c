/** Own messages that the server has not confirmed yet, with the bytes that go out. */
import type { SealedDatabase } from "./sealed.ts";

/** One message on its way. */
export interface Outgoing {
  readonly local: number;
  readonly thread: number;
  readonly id: string;
  /** Whether it makes no line. */
  readonly silent: boolean;
  /** Milliseconds that it stays; undefined: for ever. */
  readonly expireAfter: number | undefined;
  /** What goes out, the same at every try; undefined until it is encrypted. */
  readonly sealed:
    | { readonly bytes: Uint8Array; readonly epoch: number; readonly generation: number }
    | undefined;
}

interface Row {
  readonly local: number;
  readonly thread: number;
  readonly id: string;
  readonly silent: number;
  readonly expire_after: number | null;
  readonly bytes: Uint8Array | null;
  readonly epoch: number | null;
  readonly generation: number | null;
}

const select =
  `SELECT outbox.local, outbox.thread, messages.id, messages.silent, messages.expire_after,
  bytes, epoch, generation
  FROM outbox JOIN messages ON messages.local = outbox.local`;

/** The outbox of one profile. Whatever writes does so in the caller's transaction. */
export class Outbox {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  add(local: number, thread: number): void {
    this.#database.prepare("INSERT OR IGNORE INTO outbox (local, thread) VALUES (?, ?)")
      .run(local, thread);
  }

  /** Threads with something to send. */
  threads(): number[] {
    return this.#database.prepare("SELECT DISTINCT thread FROM outbox ORDER BY thread")
      .all<{ thread: number }>().map(({ thread }) => thread);
  }

  count(): number {
    return this.#database.prepare("SELECT count(*) AS count FROM outbox")
      .get<{ count: number }>()?.count ?? 0;
  }

  /** Whether something waits in the thread that makes a line. */
  hasWords(thread: number): boolean {
    return this.#database.prepare(
      `SELECT 1 AS one FROM outbox JOIN messages ON messages.local = outbox.local
       WHERE outbox.thread = ? AND messages.silent = 0 LIMIT 1`,
    ).get<{ one: number }>(thread) !== undefined;
  }

  /** What is encrypted and not confirmed, in the order in which it was encrypted. */
  encrypted(thread: number): Outgoing[] {
    return this.#database.prepare(
      `${select} WHERE outbox.thread = ? AND bytes IS NOT NULL ORDER BY epoch, generation`,
    ).all<Row>(thread).map(outgoing);
  }

  /** What still has to be encrypted, oldest first. */
  waiting(thread: number, limit: number): Outgoing[] {
    return this.#database.prepare(
      `${select} WHERE outbox.thread = ? AND bytes IS NULL ORDER BY outbox.local LIMIT ?`,
    ).all<Row>(thread, limit).map(outgoing);
  }

  /** Whether that message has not been confirmed. */
  has(local: number): boolean {
    return this.#database.prepare("SELECT 1 AS one FROM outbox WHERE local = ?").get(local) !==
      undefined;
  }

  /** Whether that message still waits to be encrypted. */
  isUntouched(local: number): boolean {
    return this.#database.prepare("SELECT 1 AS one FROM outbox WHERE local = ? AND bytes IS NULL")
      .get(local) !== undefined;
  }

  /** Keeps the encrypted form. */
  seal(local: number, sealed: NonNullable<Outgoing["sealed"]>): void {
    this.#database.prepare(
      "UPDATE outbox SET bytes = ?, epoch = ?, generation = ? WHERE local = ? AND bytes IS NULL",
    ).run(sealed.bytes, sealed.epoch, sealed.generation, local);
  }

  /** Forgets an encrypted form that the server has definitely refused: it will be encrypted again. */
  unseal(local: number, refused: { epoch: number; generation: number }): void {
    this.#database.prepare(`UPDATE outbox SET bytes = NULL, epoch = NULL, generation = NULL
      WHERE local = ? AND epoch = ? AND generation = ?`)
      .run(local, refused.epoch, refused.generation);
  }

  /** Forgets the encrypted forms of epochs after `epoch`, which is gone; -1 for all of the thread. */
  unsealAfter(thread: number, epoch: number): void {
    this.#database.prepare(`UPDATE outbox SET bytes = NULL, epoch = NULL, generation = NULL
      WHERE thread = ? AND epoch > ?`).run(thread, epoch);
  }

  /** Whether the message waits with another encrypted form, or none: what it was sent as counts no more. */
  isReplaced({ local, sealed }: Outgoing): boolean {
    const row = this.#database.prepare("SELECT epoch, generation FROM outbox WHERE local = ?")
      .get<{ epoch: number | null; generation: number | null }>(local);
    return row !== undefined &&
      (row.epoch !== sealed?.epoch || row.generation !== sealed.generation);
  }

  /** Forgets a message: it is confirmed, or has failed. */
  remove(local: number): void {
    this.#database.prepare("DELETE FROM outbox WHERE local = ?").run(local);
  }
}

function outgoing(row: Row): Outgoing {
  const { local, thread, id, silent, bytes, epoch, generation } = row;
  const sealed = bytes === null || epoch === null || generation === null
    ? undefined
    : { bytes, epoch, generation };
  return {
    local,
    thread,
    id,
    silent: silent === 1,
    expireAfter: row.expire_after ?? undefined,
    sealed,
  };
}
