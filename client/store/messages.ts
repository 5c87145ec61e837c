/** The messages of all threads, as they are shown. Rows are only added and changed; each change has a revision. */
import { resendLimits } from "../../lib/base/limits.ts";
import { type Bytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { SqlValue } from "../../lib/sql/database.ts";
import type { MessageContent } from "./message_content.ts";
import type { NewMessage, Problem, StoredMessage } from "./stored_message.ts";
import { removeRestored } from "./restored.ts";
import type { MessageRow as Row } from "./message_row.ts";
import { among, latestFirst } from "./message_queries.ts";
import type { SealedDatabase } from "./sealed.ts";

export type { StoredState } from "./message_row.ts";
export type { AttachedFile, MessageContent, Reaction, SignedFacts } from "./message_content.ts";
export type { NewMessage, Problem, StoredMessage } from "./stored_message.ts";

/** The messages of one profile. Whatever writes does so in the caller's transaction. */
export class Messages {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** The latest revision. */
  revision(): number {
    return this.#database.prepare("SELECT value FROM change_counter WHERE one = 1")
      .get<{ value: number }>()?.value ?? 0;
  }

  /** The greatest local number. */
  lastLocal(): number {
    const last = this.#database.prepare("SELECT max(local) AS last FROM messages")
      .get<{ last: number | null }>()?.last ?? 0;
    // Those from the archive have numbers below all others.
    return Math.max(0, last);
  }

  /** Adds a message; undefined when the thread has one of that id already. */
  add(message: NewMessage): number | undefined {
    const { thread, id } = message;
    // What could not be read and now can be is shown as something new, where it has become known.
    if (!message.unreadable && !message.silent) this.forgetUnreadable(thread, id);
    const revision = this.#nextRevision();
    const { changes, lastRowid } = this.#database.prepare(`INSERT INTO messages
        (thread, id, revision, seq, own, unreadable, silent, unread, state, ts, sent_at, content,
         attached, reply_to, expire_after, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (thread, id) DO NOTHING`)
      .run(
        thread,
        id,
        revision,
        message.seq ?? null,
        message.own ? 1 : 0,
        message.unreadable ? 1 : 0,
        message.silent ? 1 : 0,
        message.unread ? 1 : 0,
        message.state,
        message.ts,
        message.sentAt,
        this.#sealed.seal(place("content", thread, id), utf8(JSON.stringify(message.content))),
        message.content.file === undefined ? 0 : 1,
        message.content.reply?.id ?? message.about ?? null,
        message.expireAfter ?? null,
        message.expiresAt ?? null,
      );
    if (changes === 1) return lastRowid;
    // What came from the archive first comes as itself now, unless it cannot be read.
    if (message.unreadable === true || !removeRestored(this.#database, message)) return undefined;
    return this.add(message);
  }

  /** What follows a change in the order of changes; messages of one change in the order of their local numbers. */
  since(change: { revision: number; local: number }, limit: number): StoredMessage[] {
    const { revision, local } = change;
    const where = "(revision, local) > (?, ?) AND silent = 0 ORDER BY revision, local LIMIT ?";
    return this.#many(where, revision, local, limit);
  }

  /** Takes away the line that says that the message could not be read. */
  forgetUnreadable(thread: number, id: string): void {
    this.#database.prepare(
      "DELETE FROM messages WHERE thread = ? AND id = ? AND unreadable = 1",
    ).run(thread, id);
    this.#database.prepare("DELETE FROM lost_messages WHERE thread = ? AND id = ?").run(thread, id);
  }

  get(local: number): StoredMessage | undefined {
    return this.#one("local = ?", local);
  }

  /** The message of that id in any thread; ids are random, so there is one. */
  byId(id: string): StoredMessage | undefined {
    return this.#one("id = ?", id);
  }

  /** How far that message has got, without opening it. */
  stateOf(id: string): StoredMessage["state"] | undefined {
    return this.#database.prepare("SELECT state FROM messages WHERE id = ?").get<Row>(id)?.state;
  }

  /** At most two messages whose ids begin like that. */
  beginning(prefix: string): StoredMessage[] {
    return this.#many("id >= ? AND id < ? AND silent = 0 LIMIT 2", prefix, `${prefix}g`);
  }

  inThread(thread: number, id: string): StoredMessage | undefined {
    return this.#one("thread = ? AND id = ?", thread, id);
  }

  /** Messages with a greater local number, in order. */
  after(local: number, limit: number): StoredMessage[] {
    return this.#many("local > ? AND silent = 0 ORDER BY local LIMIT ?", local, limit);
  }

  /** Known messages (up to `local`) that changed after `revision`, in order. */
  changed(revision: number, local: number): StoredMessage[] {
    return this.#many("revision > ? AND local <= ? AND silent = 0 ORDER BY local", revision, local);
  }

  /** Messages that announced a file when they came, of all threads, in order. */
  attached(): StoredMessage[] {
    return this.#many("attached = 1 ORDER BY local");
  }

  /** The last `limit` messages of a thread (or of all), earliest first; `before`: of those that stand before that one. */
  last(
    threads: readonly number[] | undefined,
    limit: number,
    before?: Pick<StoredMessage, "ts" | "local">,
  ): StoredMessage[] {
    const { rest, values } = latestFirst(threads, before);
    return this.#many(rest, ...values, limit).reverse();
  }

  /** Unread ones of some threads, or of all. */
  unread(threads: readonly number[] | undefined): StoredMessage[] {
    return threads === undefined
      ? this.#many("unread = 1 ORDER BY ts, local")
      : this.#many(`${among(threads)} AND unread = 1 ORDER BY ts, local`, ...threads);
  }

  unreadCount(thread: number): number {
    return this.#database.prepare(
      "SELECT count(*) AS count FROM messages WHERE thread = ? AND unread = 1",
    ).get<{ count: number }>(thread)?.count ?? 0;
  }

  /** The server took an own message. */
  sent(local: number, facts: { seq: number; ts: number }): void {
    // One that the server takes once more, after having lost it, keeps its time.
    this.#database.prepare(
      `UPDATE messages SET revision = ?, ts = iif(seq IS NULL, ?, ts), seq = ?, problem = NULL,
      state = iif(state IN ('queued', 'failed'), 'sent', state) WHERE local = ?`,
    )
      .run(this.#nextRevision(), facts.ts, facts.seq, local);
  }

  /** Own messages of the thread up to a sequence were delivered. */
  delivered(thread: number, seq: number, at: number): void {
    this.#database.prepare(`UPDATE messages SET revision = ?, state = 'delivered', delivered_at = ?
      WHERE thread = ? AND own = 1 AND state = 'sent' AND seq <= ?`)
      .run(this.#nextRevision(), at, thread, seq);
  }

  /** Own messages of the thread up to a sequence were read. */
  readByPartner(thread: number, seq: number, at: number): void {
    this.delivered(thread, seq, at);
    this.#database.prepare(`UPDATE messages SET revision = ?, state = 'read', read_at = ?
      WHERE thread = ? AND own = 1 AND state = 'delivered' AND seq <= ?`)
      .run(this.#nextRevision(), at, thread, seq);
  }

  /** The latest own message of the thread up to a sequence is told of again: who has read it has changed. */
  retellOwn(thread: number, seq: number): void {
    this.#database.prepare(`UPDATE messages SET revision = ? WHERE local = (
      SELECT local FROM messages WHERE thread = ? AND seq <= ? AND own = 1 AND silent = 0
      ORDER BY seq DESC LIMIT 1)`)
      .run(this.#nextRevision(), thread, seq);
  }

  /** Own messages of the thread that nobody has yet are told of again: other servers have those up to `to`. */
  retellSent(thread: number, { after, to }: { readonly after: number; readonly to: number }): void {
    this.#database.prepare(`UPDATE messages SET revision = ?
      WHERE thread = ? AND own = 1 AND silent = 0 AND state = 'sent' AND seq > ? AND seq <= ?`)
      .run(this.#nextRevision(), thread, after, to);
  }

  /** Own messages of the thread that wait are told of again: why they wait has changed. */
  retellQueued(thread: number): void {
    this.#database.prepare(
      "UPDATE messages SET revision = ? WHERE thread = ? AND own = 1 AND silent = 0 AND state = 'queued'",
    ).run(this.#nextRevision(), thread);
  }

  failed(local: number, problem: Problem): void {
    const row = this.get(local);
    if (row === undefined) return;
    const sealed = this.#sealed.seal(
      place("problem", row.thread, row.id),
      utf8(JSON.stringify(problem)),
    );
    this.#database.prepare(
      "UPDATE messages SET revision = ?, state = 'failed', problem = ? WHERE local = ?",
    ).run(this.#nextRevision(), sealed, local);
  }

  queued(local: number): void {
    this.#database.prepare(
      "UPDATE messages SET revision = ?, state = 'queued', problem = NULL WHERE local = ?",
    ).run(this.#nextRevision(), local);
  }

  /** Replaces what a receipt needs of an own message, made when it is signed. */
  setContent(message: { thread: number; id: string }, content: MessageContent): void {
    const { thread, id } = message;
    this.#database.prepare("UPDATE messages SET content = ? WHERE thread = ? AND id = ?")
      .run(
        this.#sealed.seal(place("content", thread, id), utf8(JSON.stringify(content))),
        thread,
        id,
      );
  }

  /** Replaces what is kept of a message, and tells of it. */
  change(message: { thread: number; id: string }, content: MessageContent): void {
    this.setContent(message, content);
    this.#database.prepare("UPDATE messages SET revision = ? WHERE thread = ? AND id = ?")
      .run(this.#nextRevision(), message.thread, message.id);
  }

  /** Messages that answer that one, and silent content about it. */
  repliesTo(thread: number, id: string): StoredMessage[] {
    return this.#many("thread = ? AND reply_to = ?", thread, id);
  }

  /** Replaces all that is kept of a message by `content`: it is read, and does not go by itself any more. */
  erase(message: { thread: number; id: string }, content: MessageContent): void {
    this.change(message, content);
    this.#database.prepare(
      `UPDATE messages SET unread = 0, attached = 0, problem = NULL, reply_to = NULL,
      expire_after = NULL, expires_at = NULL WHERE thread = ? AND id = ?`,
    )
      .run(message.thread, message.id);
  }

  /** Removes a message as if it had never been; it must not be in the outbox. */
  drop(local: number): void {
    this.#database.prepare("DELETE FROM messages WHERE local = ?").run(local);
    this.#nextRevision();
  }

  /** Forgets what silent content said, once it is void or has failed; that it was there stays. */
  hush(message: { thread: number; id: string }): void {
    this.setContent(message, { from: "", text: "" });
  }

  /** Forgets silent content that is done, and so old that nobody asks for it any more. */
  forgetSilent(now: number): void {
    this.#database.prepare(`DELETE FROM messages WHERE silent = 1 AND state <> 'queued' AND ts < ?
      AND local NOT IN (SELECT local FROM outbox)
      AND local NOT IN (SELECT local FROM recent_sent)`).run(now - resendLimits.keepMs);
  }

  /**
   * Marks messages of others as read: up to a local number, or up to a sequence; from `now` (milliseconds since 1970) on
   * runs the time of those that do not stay. Returns how many.
   */
  markRead(
    thread: number,
    through: { readonly now: number } & ({ readonly local: number } | { readonly seq: number }),
  ): number {
    const [column, value] = "local" in through ? ["local", through.local] : ["seq", through.seq];
    const where = `thread = ? AND unread = 1 AND ${column} <= ?`;
    const some = this.#database.prepare(`SELECT 1 AS one FROM messages WHERE ${where} LIMIT 1`)
      .get(thread, value);
    if (some === undefined) return 0;
    return this.#database.prepare(`UPDATE messages SET revision = ?, unread = 0,
        expires_at = min(expires_at, ? + expire_after) WHERE ${where}`)
      .run(this.#nextRevision(), through.now, thread, value).changes;
  }

  /** The greatest sequence in the thread up to `seq`; 0 when there is none. */
  lastUpTo(thread: number, seq: number): number {
    return this.#greatest("thread = ? AND seq <= ?", thread, seq);
  }

  /** The greatest sequence of others' messages in the thread up to a local number; 0 when there is none. */
  greatestSeq(thread: number, local: number): number {
    return this.#greatest("thread = ? AND local <= ?", thread, local);
  }

  #greatest(where: string, ...values: SqlValue[]): number {
    return this.#database.prepare(`SELECT max(seq) AS seq FROM messages WHERE ${where}`)
      .get<{ seq: number | null }>(...values)?.seq ?? 0;
  }

  #nextRevision(): number {
    return this.#database.prepare(
      "UPDATE change_counter SET value = value + 1 WHERE one = 1 RETURNING value",
    ).get<{ value: number }>()?.value ?? 0;
  }

  #one(where: string, ...values: SqlValue[]): StoredMessage | undefined {
    const row = this.#database.prepare(`SELECT * FROM messages WHERE ${where} LIMIT 1`)
      .get<Row>(...values);
    return row && this.#message(row);
  }

  #many(rest: string, ...values: SqlValue[]): StoredMessage[] {
    return this.#database.prepare(`SELECT * FROM messages WHERE ${rest}`).all<Row>(...values)
      .map((row) => this.#message(row));
  }

  #message(row: Row): StoredMessage {
    const { thread, id, problem } = row;
    const opened = (column: "content" | "problem", sealed: Uint8Array): Bytes =>
      this.#sealed.open(place(column, thread, id), sealed);
    return {
      local: row.local,
      thread,
      id,
      revision: row.revision,
      seq: row.seq ?? undefined,
      own: row.own === 1,
      unreadable: row.unreadable === 1,
      silent: row.silent === 1,
      unread: row.unread === 1,
      state: row.state,
      ts: row.ts,
      sentAt: row.sent_at,
      deliveredAt: row.delivered_at ?? undefined,
      readAt: row.read_at ?? undefined,
      content: JSON.parse(fromUtf8(opened("content", row.content))),
      problem: problem === null ? undefined : JSON.parse(fromUtf8(opened("problem", problem))),
      expireAfter: row.expire_after ?? undefined,
      expiresAt: row.expires_at ?? undefined,
    };
  }
}

function place(column: "content" | "problem", thread: number, id: string): string {
  return `messages.${column}:${thread}:${id}`;
}
