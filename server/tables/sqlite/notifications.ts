/** Notifications in SQLite: stored ones, and those of messages, which are part of the members. */
import type { Database } from "../../../lib/sql/database.ts";
import type {
  MessageNotification,
  NotificationQuery,
  Notifications,
  StoredNotification,
} from "../tables.ts";

interface Row {
  number: number;
  kind: StoredNotification["kind"];
  ts: number;
  seen: number;
  device: string | null;
  label: string | null;
  count: number | null;
  conversation: string | null;
  by_account: number | null;
  role: StoredNotification["role"];
}

const columns = "number, kind, ts, seen, device, label, count, conversation, by_account, role";

function notificationOf({ by_account: from, ...row }: Row): StoredNotification {
  return { ...row, from, seen: row.seen !== 0 };
}

/** Notifications. */
export class SqliteNotifications implements Notifications {
  readonly #database: Database;
  /** Writes working copies of conversations, whose members are about to be listed. */
  readonly #flushConversations: () => void;

  constructor(database: Database, flushConversations: () => void) {
    this.#database = database;
    this.#flushConversations = flushConversations;
  }

  add(account: number, notification: StoredNotification): void {
    this.#database.prepare(
      `INSERT INTO notifications (account, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      account,
      notification.number,
      notification.kind,
      notification.ts,
      notification.seen ? 1 : 0,
      notification.device,
      notification.label,
      notification.count,
      notification.conversation,
      notification.from,
      notification.role,
    );
  }

  removeAll(account: number): void {
    this.#database.prepare("DELETE FROM notifications WHERE account = ?").run(account);
  }

  unseen(account: number, kind: StoredNotification["kind"]): StoredNotification | undefined {
    const row = this.#database.prepare(
      `SELECT ${columns} FROM notifications
       WHERE account = ? AND kind = ? AND seen = 0 ORDER BY number DESC LIMIT 1`,
    ).get<Row>(account, kind);
    return row === undefined ? undefined : notificationOf(row);
  }

  update(
    account: number,
    number: number,
    change: { readonly ts: number; readonly count: number },
  ): void {
    this.#database.prepare(
      "UPDATE notifications SET ts = ?, count = ? WHERE account = ? AND number = ?",
    ).run(change.ts, change.count, account, number);
  }

  replace(account: number, kind: StoredNotification["kind"], conversation: string): void {
    this.#database.prepare(
      "DELETE FROM notifications WHERE account = ? AND kind = ? AND conversation = ? AND seen = 0",
    ).run(account, kind, conversation);
  }

  list(account: number, query: NotificationQuery): StoredNotification[] {
    return this.#database.prepare(
      `SELECT ${columns} FROM notifications WHERE account = ? AND number > ? AND seen <= ?
       ORDER BY number LIMIT ?`,
    ).all<Row>(account, query.after, query.unseen ? 0 : 1, query.limit).map(notificationOf);
  }

  ofMessages(account: number, query: NotificationQuery): MessageNotification[] {
    this.#flushConversations();
    return this.#database.prepare(
      `SELECT m.notice AS number, c.conversation, m.notice_from AS "from", m.notice_count AS count,
              m.notice_ts AS ts, m.notice_seen AS seen
       FROM members m JOIN conversations c ON c.key = m.conversation
       WHERE m.account = ? AND m.notice > ? AND m.notice_seen <= ? ORDER BY m.notice LIMIT ?`,
    ).all<Omit<MessageNotification, "seen"> & { seen: number }>(
      account,
      query.after,
      query.unseen ? 0 : 1,
      query.limit,
    ).map((row) => ({ ...row, seen: row.seen !== 0 }));
  }

  see(account: number, through: number): number[] {
    this.#database.prepare(
      "UPDATE notifications SET seen = 1 WHERE account = ? AND number <= ? AND seen = 0",
    ).run(account, through);
    this.#flushConversations();
    return this.#database.prepare(
      `SELECT conversation FROM members
       WHERE account = ? AND notice > 0 AND notice <= ? AND notice_seen = 0`,
    ).all<{ conversation: number }>(account, through).map((row) => row.conversation);
  }

  expire(before: number): number {
    return this.#database.prepare("DELETE FROM notifications WHERE ts < ?").run(before).changes;
  }
}
