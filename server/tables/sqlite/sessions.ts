/** The registry of live sessions: a table that is emptied at start, and maps over it for the many look-ups. */
import type { Database } from "../../../lib/sql/database.ts";
import type { SessionKey } from "../../operations/contract.ts";
import type { Session, Sessions } from "../tables.ts";

interface Row {
  gateway: number;
  session: string;
  device: string;
  device_key: number;
  account: number;
  instance: string;
  receive: number;
  host: number;
  since: number;
}

const textOf = (session: SessionKey) => `${session.gateway} ${session.session}`;

/** Adds or removes `value` in the list under `key`; empty lists take no memory. */
function change<K>(lists: Map<K, Session[]>, key: K, edit: (list: Session[]) => Session[]): void {
  const list = edit(lists.get(key) ?? []);
  if (list.length === 0) lists.delete(key);
  else lists.set(key, list);
}

/** Live sessions. */
export class SqliteSessions implements Sessions {
  readonly #database: Database;
  readonly #all = new Map<string, Session>();
  readonly #byDevice = new Map<string, Session[]>();
  readonly #byAccount = new Map<number, Session[]>();
  readonly #hosts = new Set<number>();
  #lastHost = 0;

  constructor(database: Database) {
    this.#database = database;
    this.reload();
  }

  get hosts(): { has(host: number): boolean } {
    return this.#hosts;
  }

  get lastHost(): number {
    return this.#lastHost;
  }

  get(session: SessionKey): Session | undefined {
    return this.#all.get(textOf(session));
  }

  ofDevice(device: string): readonly Session[] {
    return this.#byDevice.get(device) ?? [];
  }

  ofAccount(account: number): readonly Session[] {
    return this.#byAccount.get(account) ?? [];
  }

  isReceiving(device: string): boolean {
    return this.#byDevice.get(device)?.some((session) => session.receive) ?? false;
  }

  add(session: Session): void {
    this.#database.prepare(
      `INSERT INTO sessions (gateway, session, device, instance, receive, host, since)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      session.gateway,
      session.session,
      session.deviceKey,
      session.instance,
      session.receive ? 1 : 0,
      session.host,
      session.since,
    );
    this.#remember(session);
    this.#lastHost = session.host;
  }

  #remember(session: Session): void {
    this.#all.set(textOf(session), session);
    change(this.#byDevice, session.device, (list) => [...list, session]);
    change(this.#byAccount, session.account, (list) => [...list, session]);
    this.#hosts.add(session.host);
  }

  remove(key: SessionKey): void {
    const session = this.get(key);
    if (session === undefined) return;
    this.#database.prepare("DELETE FROM sessions WHERE gateway = ? AND session = ?")
      .run(key.gateway, key.session);
    this.#drop(session);
  }

  #drop(session: Session): void {
    this.#all.delete(textOf(session));
    change(this.#byDevice, session.device, (list) => list.filter((each) => each !== session));
    change(this.#byAccount, session.account, (list) => list.filter((each) => each !== session));
    this.#hosts.delete(session.host);
  }

  setReceive(key: SessionKey, receive: boolean): void {
    const session = this.get(key);
    if (session === undefined || session.receive === receive) return;
    this.#database.prepare("UPDATE sessions SET receive = ? WHERE gateway = ? AND session = ?")
      .run(receive ? 1 : 0, key.gateway, key.session);
    this.#drop(session);
    this.#remember({ ...session, receive });
  }

  online(): Iterable<number> {
    return this.#byAccount.keys();
  }

  clear(): void {
    this.#database.prepare("DELETE FROM sessions").run();
    this.reload();
  }

  /** Takes the maps from the table again, after a rollback. */
  reload(): void {
    this.#all.clear();
    this.#byDevice.clear();
    this.#byAccount.clear();
    this.#hosts.clear();
    const rows = this.#database.prepare(
      `SELECT s.gateway, s.session, d.device, s.device AS device_key, d.account, s.instance,
              s.receive, s.host, s.since
       FROM sessions s JOIN devices d ON d.key = s.device ORDER BY s.since`,
    ).all<Row>();
    for (const row of rows) {
      const { device_key: deviceKey, receive, ...rest } = row;
      this.#remember({ ...rest, deviceKey, receive: receive !== 0 });
    }
  }
}
