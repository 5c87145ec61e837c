/** Whom accounts know and whom they have blocked, in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Blocked, BlockedServer, Contacts } from "../tables.ts";

/** Contacts and blocks. */
export class SqliteContacts implements Contacts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  knows(account: number, other: number): boolean {
    return this.#has("contacts", account, other);
  }

  learn(account: number, other: number, now: number): void {
    this.#add("contacts", { account, other, now });
  }

  forget(account: number, other: number): void {
    this.#remove("contacts", account, other);
  }

  blocks(account: number, other: number): boolean {
    return this.#has("blocks", account, other) ||
      this.#database.prepare(
          `SELECT 1 FROM blocked_servers b JOIN accounts a ON a.peer = b.peer
           WHERE b.account = ? AND a.key = ?`,
        ).get(account, other) !== undefined;
  }

  block(account: number, other: number, now: number): void {
    this.#add("blocks", { account, other, now });
  }

  unblock(account: number, other: number): void {
    this.#remove("blocks", account, other);
  }

  removeAll(account: number): void {
    this.#database.prepare("DELETE FROM blocked_servers WHERE account = ?").run(account);
    for (const table of ["contacts", "blocks"] as const) {
      this.#database.prepare(`DELETE FROM ${table} WHERE account = ? OR other = ?`)
        .run(account, account);
    }
  }

  blocksServer(account: number, peer: number): boolean {
    return this.#database.prepare("SELECT 1 FROM blocked_servers WHERE account = ? AND peer = ?")
      .get(account, peer) !== undefined;
  }

  blockServer(account: number, peer: number, now: number): void {
    this.#database.prepare("INSERT OR IGNORE INTO blocked_servers VALUES (?, ?, ?)")
      .run(account, peer, now);
    this.#database.prepare(
      `DELETE FROM contacts WHERE account = ? AND other IN (SELECT key FROM accounts WHERE peer = ?)`,
    ).run(account, peer);
  }

  unblockServer(account: number, peer: number): void {
    this.#database.prepare("DELETE FROM blocked_servers WHERE account = ? AND peer = ?")
      .run(account, peer);
  }

  blockedServers(account: number): BlockedServer[] {
    return this.#database.prepare(
      "SELECT peer, since FROM blocked_servers WHERE account = ? ORDER BY peer",
    ).all<BlockedServer & object>(account).map((row) => ({ ...row }));
  }

  blockedCount(account: number): number {
    return this.#database.prepare("SELECT count(*) AS n FROM blocks WHERE account = ?")
      .get<{ n: number }>(account)?.n ?? 0;
  }

  blocked(account: number, after: string | undefined, limit: number): Blocked[] {
    return this.#database.prepare(
      `SELECT b.other, b.since FROM blocks b JOIN accounts a ON a.key = b.other
       WHERE b.account = ? AND a.account > ? ORDER BY a.account LIMIT ?`,
    ).all<Blocked & object>(account, after ?? "", limit).map((row) => ({ ...row }));
  }

  #has(table: Table, account: number, other: number): boolean {
    return this.#database.prepare(`SELECT 1 FROM ${table} WHERE account = ? AND other = ?`)
      .get(account, other) !== undefined;
  }

  #add(table: Table, row: { account: number; other: number; now: number }): void {
    this.#database.prepare(
      `INSERT OR IGNORE INTO ${table} (account, other, since) VALUES (?, ?, ?)`,
    ).run(row.account, row.other, row.now);
  }

  #remove(table: Table, account: number, other: number): void {
    this.#database.prepare(`DELETE FROM ${table} WHERE account = ? AND other = ?`)
      .run(account, other);
  }
}

type Table = "contacts" | "blocks";
