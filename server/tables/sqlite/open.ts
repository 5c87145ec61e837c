/** All tables over one SQLite file, and its transactions. */
import type { Database } from "../../../lib/sql/database.ts";
import { sqlError } from "../../../lib/sql/errors.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import type { Backend, Tables } from "../tables.ts";
import { SqliteAccounts } from "./accounts.ts";
import { SqliteArchives } from "./archive.ts";
import { SqliteAttempts } from "./attempts.ts";
import { SqliteClock } from "./clock.ts";
import { SqliteContacts } from "./contacts.ts";
import { SqliteConversations } from "./conversations.ts";
import { SqliteDevices } from "./devices.ts";
import { SqliteDirectory } from "./directory.ts";
import { SqliteFollowing } from "./following.ts";
import { SqliteFiles } from "./files.ts";
import { SqliteInvites } from "./invites.ts";
import { SqliteKeyPackages } from "./key_packages.ts";
import { SqliteLobby } from "./lobby.ts";
import { SqliteLog } from "./log.ts";
import { SqliteNotifications } from "./notifications.ts";
import { migrations } from "./schema.ts";
import { SqliteRepairs } from "./repairs.ts";
import { SqlitePeers } from "./peers.ts";
import { SqliteSessions } from "./sessions.ts";

class SqliteBackend implements Backend {
  readonly #database: Database;
  readonly #accounts: SqliteAccounts;
  readonly #devices: SqliteDevices;
  readonly #sessions: SqliteSessions;
  readonly #conversations: SqliteConversations;
  readonly #files: SqliteFiles;
  readonly #peers: SqlitePeers;
  readonly tables: Tables;

  constructor(database: Database) {
    this.#database = database;
    this.#conversations = new SqliteConversations(database);
    const flushConversations = () => this.#conversations.flush();
    this.#accounts = new SqliteAccounts(database, flushConversations);
    this.#devices = new SqliteDevices(database);
    this.#sessions = new SqliteSessions(database);
    this.#files = new SqliteFiles(database);
    this.#peers = new SqlitePeers(database);
    this.tables = {
      accounts: this.#accounts,
      devices: this.#devices,
      sessions: this.#sessions,
      keyPackages: new SqliteKeyPackages(database),
      conversations: this.#conversations,
      log: new SqliteLog(database),
      repairs: new SqliteRepairs(database),
      lobby: new SqliteLobby(database),
      notifications: new SqliteNotifications(database, flushConversations),
      contacts: new SqliteContacts(database),
      directory: new SqliteDirectory(database),
      attempts: new SqliteAttempts(database),
      archive: new SqliteArchives(database),
      clock: new SqliteClock(database),
      files: this.#files,
      invites: new SqliteInvites(database),
      peers: this.#peers,
      following: new SqliteFollowing(database, flushConversations),
    };
  }

  begin(): void {
    this.#database.begin();
  }

  #flush(): void {
    this.#conversations.flush();
    this.#accounts.flush();
    this.#peers.flush();
  }

  commit(): void {
    this.#flush();
    this.#database.commit();
    this.#accounts.rotate();
    this.#devices.rotate();
    this.#conversations.rotate();
  }

  rollback(): void {
    this.#database.rollback();
    this.#forget();
  }

  #forget(): void {
    this.#accounts.forget();
    this.#devices.forget();
    this.#conversations.forget();
    this.#files.forget();
    this.#sessions.reload();
    this.#peers.forget();
  }

  savepoint<T>(work: () => T): T {
    this.#flush();
    try {
      return this.#database.savepoint(() => {
        const result = work();
        this.#flush();
        return result;
      });
    } catch (thrown) {
      this.#forget();
      throw thrown;
    }
  }

  close(): void {
    try {
      this.#database.checkpoint();
    } catch (thrown) {
      // Without room for it: what is committed stands in the log, which stays, and the next start takes it in.
      if (sqlError(thrown).code !== "storage_full") throw thrown;
    }
    this.#database.close();
  }
}

/**
 * Opens (or makes) the server's database at `path` and empties the registry of sessions. Throws `AppError` with a text
 * for the operator when the file cannot be used; it is unchanged then.
 */
export function openSqliteBackend(path: string): Backend {
  const database = openDatabase(path, { migrations, cacheKiB: 64 * 1024 });
  const backend = new SqliteBackend(database);
  backend.begin();
  backend.tables.sessions.clear();
  backend.commit();
  return backend;
}
