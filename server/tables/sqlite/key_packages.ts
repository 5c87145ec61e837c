/** Key packages in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Claim, KeyPackage, KeyPackages } from "../tables.ts";

interface Row {
  key: number;
  ref: string;
  last_resort: number;
  bytes: Uint8Array;
}

const columns = "key, ref, last_resort, bytes";

function packageOf(row: Row | undefined): KeyPackage | undefined {
  if (row === undefined) return undefined;
  return { key: row.key, ref: row.ref, lastResort: row.last_resort !== 0, bytes: row.bytes };
}

/** Key packages. */
export class SqliteKeyPackages implements KeyPackages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  put(device: number, item: Omit<KeyPackage, "key"> & { readonly now: number }): void {
    if (item.lastResort) {
      this.#database.prepare("DELETE FROM key_packages WHERE device = ? AND last_resort = 1")
        .run(device);
    }
    this.#database.prepare(
      `INSERT INTO key_packages (device, ref, last_resort, bytes, stored_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (device, ref) DO NOTHING`,
    ).run(device, item.ref, item.lastResort ? 1 : 0, item.bytes, item.now);
  }

  count(device: number): number {
    return this.#database.prepare(
      `SELECT count(*) AS n FROM key_packages
       WHERE device = ? AND last_resort = 0 AND claimed_for IS NULL`,
    ).get<{ n: number }>(device)?.n ?? 0;
  }

  lastResortAt(device: number): number | null {
    return this.#database.prepare(
      "SELECT stored_at FROM key_packages WHERE device = ? AND last_resort = 1",
    ).get<{ stored_at: number }>(device)?.stored_at ?? null;
  }

  claimed(device: number, claim: Claim): KeyPackage | undefined {
    return packageOf(
      this.#database.prepare(
        `SELECT ${columns} FROM key_packages
         WHERE device = ? AND last_resort = 0 AND claimed_for = ? AND claimed_by = ?`,
      ).get<Row>(device, claim.conversation, claim.account),
    );
  }

  reserved(device: number, account: number): number {
    return this.#database.prepare(
      `SELECT count(*) AS n FROM key_packages
       WHERE device = ? AND last_resort = 0 AND claimed_for IS NOT NULL AND claimed_by = ?`,
    ).get<{ n: number }>(device, account)?.n ?? 0;
  }

  next(device: number): KeyPackage | undefined {
    return packageOf(
      this.#database.prepare(
        `SELECT ${columns} FROM key_packages
         WHERE device = ? AND last_resort = 0 AND claimed_for IS NULL ORDER BY key LIMIT 1`,
      ).get<Row>(device),
    );
  }

  lastResort(device: number): KeyPackage | undefined {
    return packageOf(
      this.#database.prepare(
        `SELECT ${columns} FROM key_packages WHERE device = ? AND last_resort = 1`,
      ).get<Row>(device),
    );
  }

  claim(key: number, claim: Claim & { readonly now: number }): void {
    this.#database.prepare(
      "UPDATE key_packages SET claimed_by = ?, claimed_for = ?, claimed_at = ? WHERE key = ?",
    ).run(claim.account, claim.conversation, claim.now, key);
  }

  consume(device: number, conversation: string): void {
    this.#database.prepare(
      "DELETE FROM key_packages WHERE device = ? AND last_resort = 0 AND claimed_for = ?",
    ).run(device, conversation);
  }

  removeDevice(device: number): void {
    this.#database.prepare("DELETE FROM key_packages WHERE device = ?").run(device);
  }

  expire(limits: { readonly claimedBefore: number; readonly storedBefore: number }): number {
    const old = this.#database.prepare(
      "DELETE FROM key_packages WHERE stored_at < ? AND last_resort = 0",
    ).run(limits.storedBefore);
    this.#database.prepare(
      `UPDATE key_packages SET claimed_by = NULL, claimed_for = NULL, claimed_at = NULL
       WHERE claimed_at < ?`,
    ).run(limits.claimedBefore);
    return old.changes;
  }
}
