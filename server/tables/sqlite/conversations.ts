/** Conversations in SQLite: loaded whole, changed as working copies, written once per transaction. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Conversation } from "../../domain/conversation.ts";
import { beyondRemoved, horizon } from "../../domain/progress.ts";
import type { Conversations, NewConversation, Verdict } from "../tables.ts";
import { missing } from "./accounts.ts";
import { Cache } from "./cache.ts";
import { readMembers, readSeats, writeMember, writeSeat } from "./conversation_rows.ts";
import { readServers, writeServers } from "./following.ts";
import { deleteRows } from "./log.ts";

interface ConversationRow {
  key: number;
  conversation: string;
  kind: "direct" | "group";
  creator: number | null;
  hub: number | null;
  head: number;
  epoch: number;
  incarnation: number;
  newest: number;
  trimmed: number;
  last_commit: number;
  last_sender: number;
}

const most = 10_000;
const pairText = (pair: readonly [number, number]) => `${Math.min(...pair)} ${Math.max(...pair)}`;

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

  directs([one, other]: readonly [number, number]): Conversation[] {
    this.flush();
    return this.#database.prepare(
      `SELECT c.key FROM members m JOIN conversations c ON c.key = m.conversation
       JOIN members o ON o.conversation = m.conversation AND o.account = ?
       WHERE m.account = ? AND c.kind = 'direct' ORDER BY c.conversation`,
    ).all<{ key: number }>(other, one).map((row) => this.byKey(row.key));
  }

  setPair(conversation: number, pair: readonly [number, number] | undefined): void {
    this.#database.prepare("UPDATE conversations SET pair = ? WHERE key = ?")
      .run(pair === undefined ? null : pairText(pair), conversation);
  }

  #keyBy(column: "conversation" | "pair", value: string): number | undefined {
    return this.#database.prepare(
      `SELECT key FROM conversations WHERE ${column} = ? AND kind <> 'deleted'`,
    )
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
      creator: row.creator,
      hub: row.hub,
      servers: readServers(this.#database, row.key),
      head: row.head,
      epoch: row.epoch,
      incarnation: row.incarnation,
      newest: row.newest,
      trimmed: row.trimmed,
      lastCommit: row.last_commit,
      lastSender: row.last_sender,
      cleared: row.trimmed,
      members: readMembers(this.#database, row.key),
      seats: readSeats(this.#database, row.key),
      removals: this.#removals(row.key),
      left: new Set(),
      forgotten: new Set(),
    };
  }

  #removals(conversation: number): Set<string> {
    const rows = this.#database.prepare(
      `SELECT d.device FROM removals r JOIN devices d ON d.key = r.device WHERE r.conversation = ?`,
    ).all<{ device: string }>(conversation);
    return new Set(rows.map((row) => row.device));
  }

  isTaken(conversation: string): boolean {
    return this.#database.prepare("SELECT 1 FROM conversations WHERE conversation = ?")
      .get(conversation) !== undefined;
  }

  add({ id, kind, pair, creator, members, hub }: NewConversation): Conversation {
    const { lastRowid: key } = this.#database.prepare(
      "INSERT INTO conversations (conversation, kind, pair, creator, hub) VALUES (?, ?, ?, ?, ?)",
    ).run(id, kind, pair === undefined ? null : pairText(pair), creator, hub ?? null);
    for (const member of members) writeMember(this.#database, key, member);
    return this.byKey(key);
  }

  createdBy(account: number): number {
    return this.#database.prepare(
      "SELECT count(*) AS n FROM conversations WHERE creator = ? AND kind = 'group'",
    ).get<{ n: number }>(account)?.n ?? 0;
  }

  infoBytes(account: number): number {
    return this.#database.prepare(
      `SELECT coalesce(sum(length(i.bytes)), 0) AS bytes
       FROM conversations c JOIN group_infos i ON i.conversation = c.key WHERE c.creator = ?`,
    ).get<{ bytes: number }>(account)?.bytes ?? 0;
  }

  requestsBy(account: number): number {
    this.flush();
    return this.#database.prepare(
      "SELECT count(*) AS n FROM members WHERE invited_by = ? AND state = 'request'",
    ).get<{ n: number }>(account)?.n ?? 0;
  }

  requestsTo(account: number): number {
    this.flush();
    return this.#database.prepare(
      "SELECT count(*) AS n FROM members WHERE account = ? AND state = 'request'",
    ).get<{ n: number }>(account)?.n ?? 0;
  }

  /** Its id stays taken: somebody may still hold keys of the group that had it. What another server orders may come back. */
  remove(conversation: Conversation): void {
    const { key } = conversation;
    this.flush();
    deleteRows(this.#database, conversation, {
      after: conversation.trimmed,
      through: conversation.head,
    });
    for (
      const table of [
        "group_infos",
        "members",
        "seats",
        "removals",
        "verdicts",
        "sent",
        "runs",
        "undos",
        "refusals",
        "refused_commits",
        "following",
        "peer_receipts",
      ]
    ) {
      this.#database.prepare(`DELETE FROM ${table} WHERE conversation = ?`).run(key);
    }
    // One that another server orders may come back under its id. The number of the row is never used again.
    const id = conversation.hub === null ? conversation.id : `${conversation.id} ${key}`;
    this.#database.prepare(
      "UPDATE conversations SET kind = 'deleted', pair = NULL, conversation = ? WHERE key = ?",
    ).run(id, key);
    this.#copies.delete(key);
    this.#keys.delete(conversation.id);
  }

  save(conversation: Conversation): void {
    this.#changed.add(conversation);
  }

  restored(conversation: number): { readonly at: number; readonly last: number } | undefined {
    const row = this.#database.prepare(
      "SELECT restored_at AS at, restored_last AS last FROM conversations WHERE key = ?",
    ).get<{ at: number | null; last: number | null }>(conversation);
    return row === undefined || row.at === null || row.last === null
      ? undefined
      : { at: row.at, last: row.last };
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
    this.flush();
    return this.#database.prepare(
      `SELECT c.key FROM members m JOIN conversations c ON c.key = m.conversation
       WHERE m.account = ? AND m.state <> 'out' AND c.conversation > ? ORDER BY c.conversation LIMIT ?`,
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
       JOIN devices d ON d.key = s.device
       LEFT JOIN members m ON m.conversation = s.conversation AND m.account = d.account
       WHERE s.device = ? AND s.cursor < coalesce(s.until, c.head)
         AND (s.until IS NOT NULL OR m.state IN ('active', 'request'))
       ORDER BY c.conversation`,
    ).all<{ conversation: string; cursor: number }>(device).map((row) => ({ ...row }));
  }

  keys(after: number, limit: number): number[] {
    return this.#database.prepare(
      "SELECT key FROM conversations WHERE key > ? AND kind <> 'deleted' ORDER BY key LIMIT ?",
    ).all<{ key: number }>(after, limit).map((row) => row.key);
  }

  /** Writes what was saved, and deletes the rows that nobody needs any more. */
  flush(): void {
    for (const each of this.#changed) this.#write(each);
    this.#changed.clear();
  }

  #write(conversation: Conversation): void {
    this.#deleteDone(conversation);
    this.#database.prepare(
      `UPDATE conversations SET head = ?, epoch = ?, incarnation = ?, newest = ?, trimmed = ?,
         last_commit = ?, last_sender = ?
       WHERE key = ?`,
    ).run(
      conversation.head,
      conversation.epoch,
      conversation.incarnation,
      conversation.newest,
      conversation.trimmed,
      conversation.lastCommit,
      conversation.lastSender,
      conversation.key,
    );
    this.#writeParties(conversation);
  }

  #deleteDone(conversation: Conversation): void {
    const done = horizon(conversation);
    if (done > conversation.trimmed) {
      deleteRows(this.#database, conversation, { after: conversation.trimmed, through: done });
      conversation.trimmed = done;
      conversation.cleared = Math.max(conversation.cleared, done);
    }
    const beyond = beyondRemoved(conversation);
    if (beyond.through <= beyond.after || beyond.through <= done) return;
    deleteRows(this.#database, conversation, beyond);
    conversation.cleared = beyond.through;
  }

  #writeParties(conversation: Conversation): void {
    const { key, left, forgotten } = conversation;
    writeServers(this.#database, key, conversation.servers);
    for (const member of conversation.members) {
      if (member.changed) writeMember(this.#database, key, member);
    }
    for (const seat of conversation.seats.values()) {
      if (seat.changed) writeSeat(this.#database, key, seat);
    }
    for (const device of left) this.#deleteSeat(key, device);
    for (const account of forgotten) this.#deleteMember(key, account);
    left.clear();
    forgotten.clear();
  }

  #deleteSeat(conversation: number, device: number): void {
    this.#database.prepare("DELETE FROM seats WHERE conversation = ? AND device = ?")
      .run(conversation, device);
  }

  #deleteMember(conversation: number, account: number): void {
    this.#database.prepare("DELETE FROM members WHERE conversation = ? AND account = ?")
      .run(conversation, account);
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
