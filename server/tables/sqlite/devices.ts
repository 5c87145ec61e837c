/** Devices in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Device, Devices, NewDevice } from "../tables.ts";
import { missing } from "./accounts.ts";
import { Cache } from "./cache.ts";

interface Row {
  key: number;
  device: string;
  account: number;
  account_id: string;
  peer: number | null;
  label: string;
  certificate: string;
  created_at: number;
  revocation: string | null;
  revoked_at: number | null;
  last_seen: number | null;
}

const select =
  `SELECT d.key, d.device, d.account, a.account AS account_id, a.peer, d.label, d.certificate,
  d.created_at, d.revocation, d.revoked_at, d.last_seen
  FROM devices d JOIN accounts a ON a.key = d.account`;
const most = 20_000;

/** Devices; rows are written at once and remembered. */
export class SqliteDevices implements Devices {
  readonly #database: Database;
  readonly #rows = new Cache<number, Device>(most);
  readonly #keys = new Cache<string, number>(most);

  constructor(database: Database) {
    this.#database = database;
  }

  byId(device: string): Device | undefined {
    const found = this.anyById(device);
    return found?.peer === null ? found : undefined;
  }

  anyById(device: string): Device | undefined {
    const key = this.#keys.get(device);
    if (key !== undefined) return this.byKey(key);
    const row = this.#database.prepare(`${select} WHERE d.device = ?`).get<Row>(device);
    return row === undefined ? undefined : this.#keep(row);
  }

  byKey(key: number): Device {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#database.prepare(`${select} WHERE d.key = ?`).get<Row>(key);
    if (row === undefined) throw missing("device");
    return this.#keep(row);
  }

  #keep(row: Row): Device {
    const device: Device = {
      key: row.key,
      device: row.device,
      account: row.account,
      accountId: row.account_id,
      peer: row.peer,
      label: row.label,
      certificate: row.certificate,
      createdAt: row.created_at,
      revocation: row.revocation,
      revokedAt: row.revoked_at,
      lastSeen: row.last_seen,
    };
    this.#rows.set(row.key, device);
    this.#keys.set(row.device, row.key);
    return device;
  }

  ofAccount(account: number): Device[] {
    return this.#database.prepare(`${select} WHERE d.account = ? ORDER BY d.key`).all<Row>(account)
      .map((row) => this.#keep(row));
  }

  add(device: NewDevice): Device {
    const { lastRowid } = this.#database.prepare(
      "INSERT INTO devices (device, account, label, certificate, created_at) VALUES (?, ?, ?, ?, ?)",
    ).run(device.device, device.account, device.label, device.certificate, device.createdAt);
    return this.byKey(lastRowid);
  }

  revoke(key: number, revocation: { readonly text: string; readonly at: number }): void {
    this.#database.prepare("UPDATE devices SET revocation = ?, revoked_at = ? WHERE key = ?")
      .run(revocation.text, revocation.at, key);
    this.#rows.delete(key);
  }

  displace(key: number): void {
    this.#database.prepare("UPDATE devices SET device = ? WHERE key = ?")
      .run(`displaced ${key}`, key);
    this.forget();
  }

  setLastSeen(key: number, at: number): void {
    this.#database.prepare("UPDATE devices SET last_seen = ? WHERE key = ?").run(at, key);
    this.#rows.delete(key);
  }

  setLabel(key: number, label: string): void {
    this.#database.prepare("UPDATE devices SET label = ? WHERE key = ?").run(label, key);
    this.#rows.delete(key);
  }

  /** Makes room. */
  rotate(): void {
    this.#rows.rotate();
    this.#keys.rotate();
  }

  /** Forgets everything, after a rollback. */
  forget(): void {
    this.#rows.clear();
    this.#keys.clear();
  }
}
