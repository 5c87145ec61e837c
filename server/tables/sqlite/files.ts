/** The rows of files in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Files, FileUse, NewFile, StoredFile } from "../files.ts";

interface Row {
  key: number;
  file: string;
  conversation: number;
  account: number;
  size: number;
  synced: number;
  touched_at: number;
  expires_at: number | null;
}

function storedFile({ touched_at: touchedAt, expires_at: expiresAt, ...row }: Row): StoredFile {
  return { ...row, touchedAt, expiresAt };
}

/** Rows of files. */
export class SqliteFiles implements Files {
  readonly #database: Database;
  /** Bytes of all files; undefined until it was asked for, and after a rollback. */
  #total: number | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  byId(file: string): StoredFile | undefined {
    const row = this.#database.prepare("SELECT * FROM files WHERE file = ?").get<Row>(file);
    return row && storedFile(row);
  }

  add({ file, conversation, account, size, touchedAt }: NewFile): void {
    this.#database.prepare(
      "INSERT INTO files (file, conversation, account, size, touched_at) VALUES (?, ?, ?, ?, ?)",
    ).run(file, conversation, account, size, touchedAt);
    if (this.#total !== undefined) this.#total += size;
  }

  progress(key: number, { synced, at }: { readonly synced: number; readonly at: number }): void {
    this.#database.prepare(
      "UPDATE files SET synced = max(synced, ?), touched_at = ? WHERE key = ?",
    ).run(synced, at, key);
  }

  finish(
    key: number,
    { expiresAt, receivers }: { readonly expiresAt: number; readonly receivers: readonly number[] },
  ): void {
    this.#database.prepare("UPDATE files SET synced = size, expires_at = ? WHERE key = ?")
      .run(expiresAt, key);
    const insert = this.#database.prepare(
      "INSERT OR IGNORE INTO file_receivers (file, account) VALUES (?, ?)",
    );
    for (const account of receivers) insert.run(key, account);
  }

  isReceiver(key: number, account: number): boolean {
    return this.#database.prepare(
      "SELECT 1 AS one FROM file_receivers WHERE file = ? AND account = ?",
    ).get(key, account) !== undefined;
  }

  done(key: number, account: number): { readonly waiting: boolean } {
    this.#database.prepare("UPDATE file_receivers SET done = 1 WHERE file = ? AND account = ?")
      .run(key, account);
    const waiting = this.#database.prepare(
      "SELECT 1 AS one FROM file_receivers WHERE file = ? AND done = 0 LIMIT 1",
    ).get(key);
    return { waiting: waiting !== undefined };
  }

  remove(key: number): void {
    const size = this.#database.prepare("DELETE FROM files WHERE key = ? RETURNING size")
      .get<{ size: number }>(key)?.size ?? 0;
    this.#database.prepare("DELETE FROM file_receivers WHERE file = ?").run(key);
    if (this.#total !== undefined) this.#total -= size;
  }

  use(account: number): FileUse {
    return this.#database.prepare(
      "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM files WHERE account = ?",
    ).get<FileUse>(account) ?? { files: 0, bytes: 0 };
  }

  count(): number {
    return this.#database.prepare("SELECT count(*) AS files FROM files")
      .get<{ files: number }>()?.files ?? 0;
  }

  total(): number {
    return this.#total ??=
      this.#database.prepare("SELECT coalesce(sum(size), 0) AS bytes FROM files")
        .get<{ bytes: number }>()?.bytes ?? 0;
  }

  begun(account: number): StoredFile[] {
    return this.#database.prepare(
      "SELECT * FROM files WHERE account = ? AND expires_at IS NULL ORDER BY touched_at, key",
    ).all<Row>(account).map(storedFile);
  }

  ofAccount(account: number): StoredFile[] {
    return this.#database.prepare("SELECT * FROM files WHERE account = ? ORDER BY key")
      .all<Row>(account).map(storedFile);
  }

  waitingFor(account: number): StoredFile[] {
    return this.#database.prepare(
      `SELECT f.* FROM file_receivers r JOIN files f ON f.key = r.file
       WHERE r.account = ? AND r.done = 0 AND f.account <> r.account ORDER BY f.key`,
    ).all<Row>(account).map(storedFile);
  }

  past(
    { now, idleBefore, limit }: {
      readonly now: number;
      readonly idleBefore: number;
      readonly limit: number;
    },
  ): StoredFile[] {
    const expired = this.#database.prepare(
      "SELECT * FROM files WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
    ).all<Row>(now, limit);
    const idle = this.#database.prepare(
      "SELECT * FROM files WHERE expires_at IS NULL AND touched_at < ? LIMIT ?",
    ).all<Row>(idleBefore, limit);
    return [...expired, ...idle].map(storedFile);
  }

  /** Forgets what was added up, after a rollback. */
  forget(): void {
    this.#total = undefined;
  }
}
