/** Archives in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { ArchiveHead, Archives, StoredBatch } from "../archive.ts";

const none: ArchiveHead = { position: 0, revision: 0, bytes: 0 };

/** Archives. */
export class SqliteArchives implements Archives {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  head(account: number): ArchiveHead {
    return this.#database.prepare(
      `SELECT h.position, b.revision, h.bytes FROM archives h
       JOIN archive_batches b ON b.account = h.account AND b.position = h.position
       WHERE h.account = ?`,
    ).get<ArchiveHead>(account) ?? none;
  }

  revisionOf(account: number, position: number): number | undefined {
    return this.#database.prepare(
      "SELECT revision FROM archive_batches WHERE account = ? AND position = ?",
    ).get<{ revision: number }>(account, position)?.revision;
  }

  sizeOf(account: number, position: number): number | undefined {
    return this.#database.prepare(
      "SELECT length(bytes) AS size FROM archive_batches WHERE account = ? AND position = ?",
    ).get<{ size: number }>(account, position)?.size;
  }

  read(account: number, position: number): StoredBatch | undefined {
    return this.#database.prepare(
      "SELECT position, revision, bytes FROM archive_batches WHERE account = ? AND position = ?",
    ).get<StoredBatch>(account, position);
  }

  remove(account: number): void {
    this.#database.prepare("DELETE FROM archive_batches WHERE account = ?").run(account);
    this.#database.prepare("DELETE FROM archives WHERE account = ?").run(account);
  }

  put(account: number, batch: StoredBatch & { readonly at: number }): void {
    const { position, revision, at, bytes } = batch;
    const grown = bytes.length - (this.sizeOf(account, position) ?? 0);
    this.#database.prepare(
      `INSERT INTO archive_batches (account, position, revision, at, bytes) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (account, position) DO UPDATE SET revision = excluded.revision,
         at = excluded.at, bytes = excluded.bytes`,
    ).run(account, position, revision, at, bytes);
    this.#database.prepare(
      `INSERT INTO archives (account, position, bytes) VALUES (?, ?, ?)
       ON CONFLICT (account) DO UPDATE SET position = max(position, excluded.position),
         bytes = bytes + excluded.bytes`,
    ).run(account, position, grown);
  }
}
