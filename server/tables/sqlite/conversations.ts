/** Conversations in SQLite: loaded whole, changed as working copies, written once per transaction. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Conversation, Member, Seat } from "../../domain/conversation.ts";
import { horizon } from "../../domain/progress.ts";
import type { Conversations, Verdict } from "../tables.ts";
import { missing } from "./accounts.ts";
import { Cache } from "./cache.ts";
import { deleteRows } from "./log.ts";

interface ConversationRow {
  key: number;
  conversation: string;
  kind: "direct";
  head: number;
  epoch: number;
  incarnation: number;
  trimmed: number;
  last_commit: number;
  last_sender: number;
}

interface MemberRow {
  account: number;
  delivered: number;
  delivered_at: number | null;
  read: number;
  read_at: number | null;
  unread: number;
  waiting: number;
  notice: number;
  notice_count: number;
  notice_ts: number;
  notice_from: number;
  notice_seen: number;
}

interface SeatRow {
  device: number;
  key: string;
  account: number;
  revoked_at: number | null;
  joined: number;
  cursor: number;
  until: number | null;
  last_own: number;
  last_message: string | null;
}

const most = 10_000;
const pairText = (pair: readonly [number, number]) => `${Math.min(...pair)} ${Math.max(...pair)}`;

function memberOf(row: MemberRow): Member {
  return {
    account: row.account,
    delivered: row.delivered,
    deliveredAt: row.delivered_at,
    read: row.read,
    readAt: row.read_at,
    unread: row.unread,
    waiting: row.waiting,
    notice: {
      number: row.notice,
      count: row.notice_count,
      ts: row.notice_ts,
      from: row.notice_from,
      seen: row.notice_seen !== 0,
    },
    changed: false,
  };
}

function seatOf(row: SeatRow): Seat {
  return {
    device: row.device,
    key: row.key,
    account: row.account,
    joined: row.joined,
    cursor: row.cursor,
    until: row.until,
    lastOwn: row.last_own,
    dead: row.revoked_at !== null,
    lastMessage: row.last_message ?? "",
    remembered: 0,
    changed: false,
  };
}

/** Conversations with members and seats. */
export class SqliteConversations implements Conversations {
  readonly #database: Database;
  readonly #copies = new Cache<number, Conversation>(most);
  readonly #keys = new Cache<string, number>(most);
  readonly #changed = new Set<Conversation>();

  constructor(database: Database) {
    this.#database = database;
  }

  byId(conversation: string): Conversation | undefined {
    const known = this.#keys.get(conversation);
    if (known !== undefined) return this.byKey(known);
    const key = this.#keyBy("conversation", conversation);
    if (key === undefined) return undefined;
    this.#keys.set(conversation, key);
    return this.byKey(key);
  }

  byPair(pair: readonly [number, number]): Conversation | undefined {
    const key = this.#keyBy("pair", pairText(pair));
    return key === undefined ? undefined : this.byKey(key);
  }

  #keyBy(column: "conversation" | "pair", value: string): number | undefined {
    return this.#database.prepare(`SELECT key FROM conversations WHERE ${column} = ?`)
      .get<{ key: number }>(value)?.key;
  }

  byKey(key: number): Conversation {
    const known = this.#copies.get(key);
    if (known !== undefined) return known;
    const row = this.#database.prepare("SELECT * FROM conversations WHERE key = ?")
      .get<ConversationRow>(key);
    if (row === undefined) throw missing("conversation");
    const copy = this.#load(row);
    this.#copies.set(key, copy);
    return copy;
  }

  #load(row: ConversationRow): Conversation {
    return {
      key: row.key,
      id: row.conversation,
      kind: row.kind,
      head: row.head,
      epoch: row.epoch,
      incarnation: row.incarnation,
      trimmed: row.trimmed,
      lastCommit: row.last_commit,
      lastSender: row.last_sender,
      members: this.#members(row.key),
      seats: this.#seats(row.key),
      removals: this.#removals(row.key),
      left: new Set(),
    };
  }

  #members(conversation: number): Member[] {
    return this.#database.prepare("SELECT * FROM members WHERE conversation = ? ORDER BY account")
      .all<MemberRow>(conversation).map(memberOf);
  }

  #seats(conversation: number): Map<string, Seat> {
    const rows = this.#database.prepare(
      `SELECT s.device, d.device AS key, d.account, d.revoked_at, s.joined, s.cursor, s.until,
              s.last_own,
              (SELECT max(message) FROM sent t
               WHERE t.device = s.device AND t.conversation = s.conversation) AS last_message
       FROM seats s JOIN devices d ON d.key = s.device WHERE s.conversation = ? ORDER BY s.device`,
    ).all<SeatRow>(conversation);
    return new Map(rows.map((row) => [row.key, seatOf(row)]));
  }

  #removals(conversation: number): Set<string> {
    const rows = this.#database.prepare(
      `SELECT d.device FROM removals r JOIN devices d ON d.key = r.device WHERE r.conversation = ?`,
    ).all<{ device: string }>(conversation);
    return new Set(rows.map((row) => row.device));
  }

  add(conversation: {
    readonly id: string;
    readonly pair: readonly [number, number];
    readonly accounts: readonly number[];
  }): Conversation {
    const { lastRowid: key } = this.#database.prepare(
      "INSERT INTO conversations (conversation, kind, pair) VALUES (?, 'direct', ?)",
    ).run(conversation.id, pairText(conversation.pair));
    const insert = this.#database.prepare(
      "INSERT INTO members (conversation, account) VALUES (?, ?)",
    );
    for (const account of conversation.accounts) insert.run(key, account);
    return this.byKey(key);
  }

  save(conversation: Conversation): void {
    this.#changed.add(conversation);
  }

  setGroupInfo(conversation: number, bytes: Uint8Array): void {
    this.#database.prepare(
      `INSERT INTO group_infos (conversation, bytes) VALUES (?, ?)
       ON CONFLICT (conversation) DO UPDATE SET bytes = excluded.bytes`,
    ).run(conversation, bytes);
  }

  groupInfo(conversation: number): Uint8Array {
    const row = this.#database.prepare("SELECT bytes FROM group_infos WHERE conversation = ?")
      .get<{ bytes: Uint8Array }>(conversation);
    if (row === undefined) throw missing("group info");
    return row.bytes;
  }

  addVerdict(conversation: number, verdict: Verdict): void {
    this.#database.prepare(
      "INSERT INTO verdicts (conversation, epoch, hash, seq, ts, device) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(conversation, verdict.epoch, verdict.hash, verdict.seq, verdict.ts, verdict.device);
  }

  verdict(conversation: number, epoch: number): Verdict | undefined {
    return this.#database.prepare(
      "SELECT hash, epoch, seq, ts, device FROM verdicts WHERE conversation = ? AND epoch = ?",
    ).get<Verdict>(conversation, epoch);
  }

  cutVerdicts(conversation: number, epoch: number): void {
    this.#database.prepare("DELETE FROM verdicts WHERE conversation = ? AND epoch < ?")
      .run(conversation, epoch);
  }

  dropVerdicts(conversation: number, epoch: number): void {
    this.#database.prepare("DELETE FROM verdicts WHERE conversation = ? AND epoch >= ?")
      .run(conversation, epoch);
  }

  queueRemoval(conversation: number, device: number): void {
    this.#database.prepare("INSERT OR IGNORE INTO removals (conversation, device) VALUES (?, ?)")
      .run(conversation, device);
  }

  unqueueRemoval(conversation: number, device: number): void {
    this.#database.prepare("DELETE FROM removals WHERE conversation = ? AND device = ?")
      .run(conversation, device);
  }

  ofAccount(account: number, after: string | undefined, limit: number): Conversation[] {
    return this.#database.prepare(
      `SELECT c.key FROM members m JOIN conversations c ON c.key = m.conversation
       WHERE m.account = ? AND c.conversation > ? ORDER BY c.conversation LIMIT ?`,
    ).all<{ key: number }>(account, after ?? "", limit).map((row) => this.byKey(row.key));
  }

  ofDevice(device: number): Conversation[] {
    this.flush();
    return this.#database.prepare("SELECT conversation AS key FROM seats WHERE device = ?")
      .all<{ key: number }>(device).map((row) => this.byKey(row.key));
  }

  pending(device: number): { conversation: string; cursor: number }[] {
    this.flush();
    return this.#database.prepare(
      `SELECT c.conversation, s.cursor FROM seats s JOIN conversations c ON c.key = s.conversation
       WHERE s.device = ? AND s.cursor < coalesce(s.until, c.head) ORDER BY c.conversation`,
    ).all<{ conversation: string; cursor: number }>(device).map((row) => ({ ...row }));
  }

  keys(after: number, limit: number): number[] {
    return this.#database.prepare(
      "SELECT key FROM conversations WHERE key > ? ORDER BY key LIMIT ?",
    ).all<{ key: number }>(after, limit).map((row) => row.key);
  }

  /** Writes what was saved, and deletes the rows that nobody needs any more. */
  flush(): void {
    for (const each of this.#changed) this.#write(each);
    this.#changed.clear();
  }

  #write(conversation: Conversation): void {
    const done = horizon(conversation);
    if (done > conversation.trimmed) {
      deleteRows(this.#database, conversation, done);
      conversation.trimmed = done;
    }
    this.#database.prepare(
      `UPDATE conversations SET head = ?, epoch = ?, incarnation = ?, trimmed = ?, last_commit = ?,
         last_sender = ?
       WHERE key = ?`,
    ).run(
      conversation.head,
      conversation.epoch,
      conversation.incarnation,
      conversation.trimmed,
      conversation.lastCommit,
      conversation.lastSender,
      conversation.key,
    );
    for (const member of conversation.members) {
      if (member.changed) this.#writeMember(conversation.key, member);
    }
    for (const seat of conversation.seats.values()) {
      if (seat.changed) this.#writeSeat(conversation.key, seat);
    }
    for (const device of conversation.left) this.#deleteSeat(conversation.key, device);
    conversation.left.clear();
  }

  #writeMember(conversation: number, member: Member): void {
    const { notice } = member;
    this.#database.prepare(
      `UPDATE members SET delivered = ?, delivered_at = ?, read = ?, read_at = ?, unread = ?,
         waiting = ?, notice = ?, notice_count = ?, notice_ts = ?, notice_from = ?, notice_seen = ?
       WHERE conversation = ? AND account = ?`,
    ).run(
      member.delivered,
      member.deliveredAt,
      member.read,
      member.readAt,
      member.unread,
      member.waiting,
      notice.number,
      notice.count,
      notice.ts,
      notice.from,
      notice.seen ? 1 : 0,
      conversation,
      member.account,
    );
    member.changed = false;
  }

  #writeSeat(conversation: number, seat: Seat): void {
    this.#database.prepare(
      `INSERT INTO seats (conversation, device, joined, cursor, until, last_own)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (conversation, device) DO UPDATE SET joined = excluded.joined,
         cursor = excluded.cursor, until = excluded.until, last_own = excluded.last_own`,
    ).run(conversation, seat.device, seat.joined, seat.cursor, seat.until, seat.lastOwn);
    seat.changed = false;
  }

  #deleteSeat(conversation: number, device: number): void {
    this.#database.prepare("DELETE FROM seats WHERE conversation = ? AND device = ?")
      .run(conversation, device);
  }

  /** Makes room; nothing may be unwritten. */
  rotate(): void {
    this.#copies.rotate();
    this.#keys.rotate();
  }

  /** Forgets everything, after a rollback. */
  forget(): void {
    this.#changed.clear();
    this.#copies.clear();
    this.#keys.clear();
  }
}
