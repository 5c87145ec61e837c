/** The rows of conversations in SQLite. */
import { AppError } from "../../../lib/base/errors.ts";
import type { RoleEntry } from "../../../lib/base/membership.ts";
import type { Database } from "../../../lib/sql/database.ts";
import type { Conversation, Seat } from "../../domain/conversation.ts";
import type { Run, Span } from "../../domain/progress.ts";
import type { RosterEntry } from "../../operations/contract.ts";
import type {
  CommitFacts,
  Log,
  NewMessage,
  NewRow,
  OverRow,
  ReaderSpan,
  Sent,
  StoredRow,
} from "../tables.ts";
import { missing } from "./accounts.ts";

/**
 * Rows lie in the order of conversation and sequence, in one number that JavaScript still counts exactly: room for
 * 2^25 conversations of 2^28 rows each.
 */
const span = 2 ** 28;
/** The number of a row. */
export const rowKey = (conversation: number, seq: number) => conversation * span + seq;
const seqOf = (key: number) => key % span;

/** Deletes the rows of a conversation in (`after`, `through`]. */
export function deleteRows(
  database: Database,
  conversation: Conversation,
  { after, through }: Span,
): void {
  const from = rowKey(conversation.key, after);
  const to = rowKey(conversation.key, through);
  database.prepare("DELETE FROM log WHERE key > ? AND key <= ?").run(from, to);
  if (conversation.lastCommit > after) {
    database.prepare("DELETE FROM commits WHERE key > ? AND key <= ?").run(from, to);
    database.prepare("DELETE FROM rollbacks WHERE key > ? AND key <= ?").run(from, to);
  }
}

interface LogRow {
  key: number;
  device: number;
  ts: number;
  epoch: number;
  message: string | null;
  bytes: Uint8Array;
}

interface CommitRow {
  hash: string;
  external: number;
  added: string;
  removed: string;
  roster: string;
  members: string;
  welcome: Uint8Array;
  incarnation: number;
  recreated: number;
}

/** JSON that this file wrote itself. */
function parsed<T>(text: string): T {
  return JSON.parse(text) as T;
}

interface ReadSpan extends ReaderSpan {
  readonly limit: number;
  readonly maxBytes: number | undefined;
}

/** Rows that are for a device: not its own, and not kept from its account. */
const forReader = "device <> ? AND (hidden IS NULL OR hidden <> ?)";

/** The rows of conversations, and what is remembered of deleted ones. */
export class SqliteLog implements Log {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  #insert(
    conversation: number,
    row: NewRow,
    { message, hidden, until }: Pick<NewMessage, "hidden" | "until"> & {
      readonly message: string | null;
    },
  ): void {
    if (row.seq >= span) throw new AppError("quota_exceeded");
    const key = rowKey(conversation, row.seq);
    this.#database.prepare(
      `INSERT INTO log (key, device, ts, epoch, message, bytes, hidden, until)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(key, row.device, row.ts, row.epoch, message, row.bytes, hidden, until);
  }

  addMessage(conversation: number, row: NewMessage): void {
    this.#insert(conversation, row, row);
  }

  rememberSent(
    conversation: number,
    row: Pick<NewMessage, "device" | "message" | "seq" | "ts">,
  ): void {
    this.#database.prepare(
      "INSERT INTO sent (device, conversation, message, seq, ts) VALUES (?, ?, ?, ?, ?)",
    ).run(row.device, conversation, row.message, row.seq, row.ts);
  }

  addCommit(conversation: number, row: NewRow & CommitFacts): void {
    this.#insert(conversation, row, { message: null, hidden: null, until: null });
    this.#database.prepare(
      `INSERT INTO commits (key, hash, external, added, removed, roster, members, welcome,
         incarnation, recreated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      rowKey(conversation, row.seq),
      row.hash,
      row.external ? 1 : 0,
      JSON.stringify(row.add),
      JSON.stringify(row.remove),
      JSON.stringify(row.roster),
      JSON.stringify(row.members),
      row.welcome,
      row.incarnation,
      row.recreated ? 1 : 0,
    );
  }

  emptyOver(now: number, limit: number): OverRow[] {
    return this.#database.prepare(
      `UPDATE log SET bytes = x'', until = NULL WHERE key IN
         (SELECT key FROM log WHERE until <= ? ORDER BY until LIMIT ?)
       RETURNING key, device`,
    ).all<{ key: number; device: number }>(now, limit).map(({ key, device }) => ({
      conversation: Math.floor(key / span),
      seq: seqOf(key),
      device,
    }));
  }

  addRun(conversation: number, run: Run & { readonly ts: number }): void {
    this.#database.prepare("INSERT INTO runs (conversation, seq, account, ts) VALUES (?, ?, ?, ?)")
      .run(conversation, run.seq, run.account, run.ts);
  }

  read(conversation: number, query: ReadSpan): StoredRow[] {
    const through = this.#withinBytes(conversation, query);
    return this.#database.prepare(
      `SELECT key, device, ts, epoch, message, bytes FROM log
       WHERE key > ? AND key <= ? AND ${forReader} ORDER BY key LIMIT ?`,
    ).all<LogRow>(
      rowKey(conversation, query.after),
      rowKey(conversation, through),
      query.device,
      query.account,
      query.limit,
    ).map(({ key, ...row }) => ({ ...row, seq: seqOf(key) }));
  }

  /** How far to read so that no more than `maxBytes` come, or one row. */
  #withinBytes(conversation: number, query: ReadSpan): number {
    const { maxBytes } = query;
    if (maxBytes === undefined || query.limit === 1) return query.through;
    const sizes = this.#database.prepare(
      `SELECT key, length(bytes) AS size FROM log
       WHERE key > ? AND key <= ? AND ${forReader} ORDER BY key LIMIT ?`,
    ).all<{ key: number; size: number }>(
      rowKey(conversation, query.after),
      rowKey(conversation, query.through),
      query.device,
      query.account,
      query.limit,
    );
    let sum = 0;
    const fitting = sizes.filter(({ size }, index) => (sum += size) <= maxBytes || index === 0);
    return fitting.length === sizes.length ? query.through : seqOf(fitting.at(-1)?.key ?? 0);
  }

  firstForeign(conversation: number, query: ReaderSpan): number | undefined {
    const row = this.#database.prepare(
      `SELECT key FROM log WHERE key > ? AND key <= ? AND ${forReader} ORDER BY key LIMIT 1`,
    ).get<{ key: number }>(
      rowKey(conversation, query.after),
      rowKey(conversation, query.through),
      query.device,
      query.account,
    );
    return row === undefined ? undefined : seqOf(row.key);
  }

  commitFacts(conversation: number, seq: number): CommitFacts {
    const row = this.#database.prepare(
      `SELECT hash, external, added, removed, roster, members, welcome, incarnation, recreated
       FROM commits WHERE key = ?`,
    ).get<CommitRow>(rowKey(conversation, seq));
    if (row === undefined) throw missing("commit");
    return {
      hash: row.hash,
      external: row.external !== 0,
      add: parsed<RosterEntry[]>(row.added),
      remove: parsed<string[]>(row.removed),
      roster: parsed<RosterEntry[]>(row.roster),
      members: parsed<RoleEntry[]>(row.members),
      welcome: row.welcome,
      incarnation: row.incarnation,
      recreated: row.recreated !== 0,
    };
  }

  bytesBetween(
    conversation: Conversation,
    query: { readonly after: number; readonly through: number; readonly except: number },
  ): number {
    const span = [
      rowKey(conversation.key, query.after),
      rowKey(conversation.key, query.through),
      query.except,
    ];
    const rows = this.#sum(
      `SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM log
       WHERE key > ? AND key <= ? AND device <> ?`,
      span,
    );
    if (conversation.lastCommit <= query.after) return rows;
    return rows + this.#sum(
      `SELECT coalesce(sum(length(c.welcome)), 0) AS bytes FROM commits c JOIN log l ON l.key = c.key
       WHERE c.key > ? AND c.key <= ? AND l.device <> ?`,
      span,
    );
  }

  #sum(sql: string, span: number[]): number {
    return this.#database.prepare(sql).get<{ bytes: number }>(...span)?.bytes ?? 0;
  }

  runs(conversation: number, after: number): Run[] {
    return this.#database.prepare(
      `SELECT seq, account FROM runs WHERE conversation = ? AND seq >= coalesce(
         (SELECT max(seq) FROM runs WHERE conversation = ? AND seq <= ?), 0) ORDER BY seq`,
    ).all<Run & object>(conversation, conversation, after + 1);
  }

  cutRuns(conversation: number, through: number): void {
    this.#database.prepare(
      `DELETE FROM runs WHERE conversation = ? AND seq <
         (SELECT max(seq) FROM runs WHERE conversation = ? AND seq <= ?)`,
    ).run(conversation, conversation, through + 1);
  }

  limitRuns(conversation: number, keep: number): void {
    this.#database.prepare(
      `DELETE FROM runs WHERE conversation = ? AND seq <=
         (SELECT seq FROM runs WHERE conversation = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
    ).run(conversation, conversation, keep);
  }

  expireRuns(conversation: number, ts: number): void {
    this.#database.prepare(
      `DELETE FROM runs WHERE conversation = ? AND ts < ? AND seq <
         (SELECT max(seq) FROM runs WHERE conversation = ?)`,
    ).run(conversation, ts, conversation);
  }

  forgetAfter(conversation: Conversation, seq: number): void {
    const { key, head } = conversation;
    deleteRows(this.#database, { ...conversation, lastCommit: head }, {
      after: seq,
      through: head,
    });
    this.#database.prepare("DELETE FROM runs WHERE conversation = ? AND seq >= ?").run(key, seq);
  }

  lastBefore(conversation: Conversation, ts: number): number | undefined {
    const rows = this.#database.prepare(
      "SELECT key, ts FROM log WHERE key > ? AND key <= ? ORDER BY key LIMIT ?",
    );
    const end = rowKey(conversation.key, conversation.head);
    let last: number | undefined;
    for (let at = rowKey(conversation.key, conversation.trimmed);;) {
      const page = rows.all<{ key: number; ts: number }>(at, end, 256);
      const old = page.filter((row) => row.ts < ts);
      last = old.at(-1)?.key ?? last;
      if (old.length < 256) return last === undefined ? undefined : seqOf(last);
      at = last ?? end;
    }
  }

  sent(conversation: number, device: number, message: string): Sent | undefined {
    return this.#database.prepare(
      "SELECT seq, ts FROM sent WHERE device = ? AND conversation = ? AND message = ?",
    ).get<Sent>(device, conversation, message);
  }

  lastSent(conversation: number, device: number): string {
    return this.#database.prepare(
      "SELECT max(message) AS last FROM sent WHERE device = ? AND conversation = ?",
    ).get<{ last: string | null }>(device, conversation)?.last ?? "";
  }

  forgetSent(conversation: number, after: number): void {
    this.#database.prepare("DELETE FROM sent WHERE conversation = ? AND seq > ?")
      .run(conversation, after);
  }

  cutSent(conversation: number, seat: Seat, keep: number): void {
    this.#database.prepare(
      `DELETE FROM sent WHERE device = ? AND conversation = ? AND seq <=
         (SELECT seq FROM sent WHERE device = ? AND conversation = ?
          ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
    ).run(seat.device, conversation, seat.device, conversation, keep);
  }

  expireSent(conversation: number, seat: Seat, ts: number): void {
    this.#database.prepare("DELETE FROM sent WHERE device = ? AND conversation = ? AND ts < ?")
      .run(seat.device, conversation, ts);
  }
}
