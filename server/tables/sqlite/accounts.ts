/** Accounts in SQLite. */
import { AppError } from "../../../lib/base/errors.ts";
import { canonicalName } from "../../../lib/crypto/names.ts";
import type { Database } from "../../../lib/sql/database.ts";
import type { Account, Accounts, NewAccount, NewRemoteAccount, Totals } from "../tables.ts";
import { Cache } from "./cache.ts";

interface Row {
  key: number;
  account: string;
  name: string;
  account_key: string;
  created_at: number;
  disabled: number;
  deleted_at: number | null;
  entry: number;
  peer: number | null;
  last_seen: number | null;
  notifications: number;
}

const columns =
  "key, account, name, account_key, created_at, disabled, deleted_at, entry, peer, last_seen, notifications";
const most = 20_000;

/** Working copies of accounts, and sums over their conversations. */
export class SqliteAccounts implements Accounts {
  readonly #database: Database;
  /** Writes working copies of conversations, over which sums are about to be taken. */
  readonly #flushConversations: () => void;
  readonly #copies = new Cache<number, Account>(most);
  readonly #keys = new Cache<string, number>(most);
  readonly #queued = new Cache<number, number>(most);
  readonly #changed = new Set<Account>();

  constructor(database: Database, flushConversations: () => void) {
    this.#database = database;
    this.#flushConversations = flushConversations;
  }

  byId(account: string): Account | undefined {
    const found = this.anyById(account);
    return found?.peer === null ? found : undefined;
  }

  anyById(account: string): Account | undefined {
    return this.#lookUp(`id ${account}`, "account", account);
  }

  byName(name: string): Account | undefined {
    const canonical = canonicalName(name);
    const found = this.#lookUp(`name ${canonical}`, "canonical", canonical);
    return found?.peer === null ? found : undefined;
  }

  byKey(key: number): Account {
    const copy = this.#copies.get(key) ?? this.#load("key", key);
    if (copy === undefined) throw missing("account");
    return copy;
  }

  #lookUp(cacheKey: string, column: "account" | "canonical", value: string): Account | undefined {
    const key = this.#keys.get(cacheKey);
    if (key !== undefined) return this.byKey(key);
    const loaded = this.#load(column, value);
    if (loaded !== undefined) this.#keys.set(cacheKey, loaded.key);
    return loaded;
  }

  #load(column: "key" | "account" | "canonical", value: string | number): Account | undefined {
    const row = this.#database.prepare(`SELECT ${columns} FROM accounts WHERE ${column} = ?`)
      .get<Row>(value);
    return row === undefined ? undefined : this.#keep(row);
  }

  #keep(row: Row): Account {
    const known = this.#copies.get(row.key);
    if (known !== undefined) return known;
    const copy: Account = {
      key: row.key,
      account: row.account,
      name: row.name,
      accountKey: row.account_key,
      createdAt: row.created_at,
      disabled: row.disabled !== 0,
      deletedAt: row.deleted_at,
      entry: row.entry,
      peer: row.peer,
      lastSeen: row.last_seen,
      notifications: row.notifications,
    };
    this.#copies.set(row.key, copy);
    return copy;
  }

  add(account: NewAccount): Account {
    const { lastRowid } = this.#database.prepare(
      `INSERT INTO accounts (account, name, canonical, account_key, record, vault, created_at, entry)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      account.account,
      account.name,
      canonicalName(account.name),
      account.accountKey,
      account.record,
      account.vault,
      account.createdAt,
      account.entry,
    );
    return this.byKey(lastRowid);
  }

  setDisabled(key: number, disabled: boolean): void {
    this.flush();
    this.#database.prepare("UPDATE accounts SET disabled = ? WHERE key = ?")
      .run(disabled ? 1 : 0, key);
    this.#copies.delete(key);
  }

  delete(key: number, at: number): void {
    this.flush();
    this.#database.prepare(
      "UPDATE accounts SET disabled = 1, deleted_at = ?, record = '', vault = x'' WHERE key = ?",
    ).run(at, key);
    this.#copies.delete(key);
  }

  inOrder(after: string | undefined, limit: number): Account[] {
    this.flush();
    return this.#database.prepare(
      `SELECT ${columns} FROM accounts WHERE canonical > ? AND peer IS NULL
       ORDER BY canonical LIMIT ?`,
    ).all<Row>(canonicalName(after ?? ""), limit).map((row) => this.#keep(row));
  }

  remoteByName(name: string, fingerprint: string): Account | undefined {
    const canonical = remoteCanonical(name, fingerprint);
    return this.#lookUp(`name ${canonical}`, "canonical", canonical);
  }

  /** An account of another server has no password here, and no place in this server's log. */
  addRemote(account: NewRemoteAccount): Account {
    const { lastRowid } = this.#database.prepare(
      `INSERT INTO accounts (account, name, canonical, account_key, record, vault, created_at, entry, peer,
         hearsay)
       VALUES (?, ?, ?, ?, '', x'', ?, -1, ?, ?)`,
    ).run(
      account.account,
      account.name,
      remoteCanonical(account.name, account.fingerprint),
      account.accountKey,
      account.createdAt,
      account.peer,
      account.hearsay === true ? 1 : 0,
    );
    return this.byKey(lastRowid);
  }

  isHearsay(key: number): boolean {
    return this.#database.prepare("SELECT 1 AS one FROM accounts WHERE key = ? AND hearsay = 1")
      .get(key) !== undefined;
  }

  confirm(key: number): void {
    this.#database.prepare("UPDATE accounts SET hearsay = 0 WHERE key = ?").run(key);
  }

  displace(key: number): void {
    this.flush();
    this.#database.prepare(
      "UPDATE accounts SET account = ?, canonical = ?, hearsay = 0 WHERE key = ?",
    ).run(crypto.randomUUID(), `displaced@${key}`, key);
    this.#copies.delete(key);
    this.#keys.clear();
  }

  save(account: Account): void {
    this.#changed.add(account);
  }

  record(key: number): string {
    const row = this.#database.prepare("SELECT record FROM accounts WHERE key = ?")
      .get<{ record: string }>(key);
    if (row === undefined) throw missing("account");
    return row.record;
  }

  vault(key: number): Uint8Array {
    const row = this.#database.prepare("SELECT vault FROM accounts WHERE key = ?")
      .get<{ vault: Uint8Array }>(key);
    if (row === undefined) throw missing("account");
    return row.vault;
  }

  setPassword(key: number, secret: { readonly record: string; readonly vault: Uint8Array }): void {
    this.#database.prepare("UPDATE accounts SET record = ?, vault = ? WHERE key = ?")
      .run(secret.record, secret.vault, key);
  }

  list(after: string | undefined, limit: number): Account[] {
    return this.#database.prepare(
      `SELECT ${columns} FROM accounts WHERE canonical > ? AND peer IS NULL AND deleted_at IS NULL
       ORDER BY canonical LIMIT ?`,
    ).all<Row>(after === undefined ? "" : canonicalName(after), limit)
      .map((row) => this.#keep(row));
  }

  totals(key: number): Totals {
    this.#flushConversations();
    const members = this.#database.prepare(
      `SELECT coalesce(sum(unread), 0) AS unread,
              coalesce(sum(notice > 0 AND notice_seen = 0), 0) AS notices
       FROM members WHERE account = ? AND state = 'active'`,
    ).get<{ unread: number; notices: number }>(key);
    const stored = this.#database.prepare(
      "SELECT count(*) AS unseen FROM notifications WHERE account = ? AND seen = 0",
    ).get<{ unseen: number }>(key);
    return {
      unread: members?.unread ?? 0,
      notifications: (members?.notices ?? 0) + (stored?.unseen ?? 0),
    };
  }

  queued(key: number): number {
    const known = this.#queued.get(key);
    if (known !== undefined) return known;
    this.#flushConversations();
    const sum = this.#database.prepare(
      "SELECT coalesce(sum(waiting), 0) AS waiting FROM members WHERE account = ?",
    ).get<{ waiting: number }>(key)?.waiting ?? 0;
    this.#queued.set(key, sum);
    return sum;
  }

  queuedInAll(): number {
    this.#flushConversations();
    return this.#database.prepare("SELECT coalesce(sum(waiting), 0) AS waiting FROM members")
      .get<{ waiting: number }>()?.waiting ?? 0;
  }

  addQueued(key: number, bytes: number): void {
    const known = this.#queued.get(key);
    if (known !== undefined) this.#queued.set(key, known + bytes);
  }

  /** Writes what was saved. */
  flush(): void {
    if (this.#changed.size === 0) return;
    const update = this.#database.prepare(
      "UPDATE accounts SET last_seen = ?, notifications = ? WHERE key = ?",
    );
    for (const each of this.#changed) update.run(each.lastSeen, each.notifications, each.key);
    this.#changed.clear();
  }

  /** Makes room; nothing may be unwritten. */
  rotate(): void {
    this.#copies.rotate();
    this.#keys.rotate();
    this.#queued.rotate();
  }

  /** Forgets everything, after a rollback. */
  forget(): void {
    this.#changed.clear();
    this.#copies.clear();
    this.#keys.clear();
    this.#queued.clear();
  }
}

/** Under which an account of another server is found: no name of this server's own contains an `@`. */
function remoteCanonical(name: string, fingerprint: string): string {
  return `${canonicalName(name)}@${fingerprint}`;
}

/** A key led nowhere: the database contradicts itself. */
export function missing(what: string): AppError {
  return new AppError("internal", { fault: "us", cause: new Error(`${what} is missing`) });
}
