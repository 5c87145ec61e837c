/** Messages that could not be read, and who may ask for what. */
import { fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { resendLimits } from "../../lib/base/limits.ts";
import type { SignedFacts } from "./messages.ts";
import type { SealedDatabase } from "./sealed.ts";

/** A message that this device could not read, as the server's row named it. */
export interface LostMessage {
  readonly thread: number;
  readonly id: string;
  readonly seq: number;
  /** When the server took it. */
  readonly ts: number;
  /** Account id of its author, and the device that said it (base64url). */
  readonly author: string;
  readonly device: string;
}

/** One that has come in answer, and is to be verified. */
export interface AnsweredMessage extends LostMessage {
  readonly answer: SignedFacts;
}

interface Row {
  readonly thread: number;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
  readonly author: Uint8Array;
}

const columns = "thread, id, seq, ts, author";

/** Not answered yet, in a group that this device is in and follows. */
const open = `answer IS NULL
  AND thread IN (SELECT thread FROM threads WHERE state IS NOT NULL)
  AND thread NOT IN (SELECT thread FROM disputes)`;

/** Not asked for too often. */
const askable = `asked < ${resendLimits.asksPerMessage} AND ${open}`;

/** Asked for as often as it may be, and not given up yet. */
const spent = `asked = ${resendLimits.asksPerMessage} AND ${open}`;

/** Lost messages of one profile. Whatever writes does so in the caller's transaction. */
export class LostMessages {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** Notes one, to be asked for at `next`; one that is known already stays as it is. */
  add({ thread, id, seq, ts, author, device }: LostMessage, next: number): void {
    const sealed = this.#sealed.seal(
      authorPlace(thread, id),
      utf8(JSON.stringify({ author, device })),
    );
    this.#database.prepare(
      `INSERT OR IGNORE INTO lost_messages (thread, id, seq, ts, author, next)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ).run(thread, id, seq, ts, sealed, next);
  }

  get(thread: number, id: string): LostMessage | undefined {
    const row = this.#database.prepare(
      `SELECT ${columns} FROM lost_messages WHERE thread = ? AND id = ?`,
    ).get<Row>(thread, id);
    return row && this.#lost(row);
  }

  /** Those that are to be asked for now, oldest first. */
  due(now: number, limit: number): LostMessage[] {
    return this.#database.prepare(
      `SELECT ${columns} FROM lost_messages WHERE next <= ? AND ${askable}
       ORDER BY thread, seq LIMIT ?`,
    ).all<Row>(now, limit).map((row) => this.#lost(row));
  }

  /** Those that were asked for as often as they may be, and whose last time has passed without an answer. */
  spent(now: number): LostMessage[] {
    return this.#database.prepare(
      `SELECT ${columns} FROM lost_messages WHERE next <= ? AND ${spent} ORDER BY thread, seq`,
    ).all<Row>(now).map((row) => this.#lost(row));
  }

  /** Nobody asks for it any more; an answer that comes all the same is taken. */
  giveUp({ thread, id }: LostMessage): void {
    this.#database.prepare(
      "UPDATE lost_messages SET asked = asked + 1 WHERE thread = ? AND id = ?",
    ).run(thread, id);
  }

  /** When the next one is to be asked for or given up; undefined when there is none. */
  nextDue(): number | undefined {
    return this.#database.prepare(
      `SELECT min(next) AS next FROM lost_messages WHERE (${askable}) OR (${spent})`,
    ).get<{ next: number | null }>()?.next ?? undefined;
  }

  /** It was asked for, for the n-th time: the next time is so much later. */
  asked({ thread, id }: LostMessage, now: number): void {
    this.#database.prepare(
      "UPDATE lost_messages SET asked = asked + 1, next = ? + ? * (1 + 59 * asked) WHERE thread = ? AND id = ?",
    ).run(now, resendLimits.askAgainMs, thread, id);
  }

  /** Somebody else has asked for it: this device waits for that answer first. */
  postpone(thread: number, id: string, until: number): void {
    this.#database.prepare(
      "UPDATE lost_messages SET next = max(next, ?) WHERE thread = ? AND id = ?",
    ).run(until, thread, id);
  }

  /** Keeps what came in answer. */
  answer({ thread, id }: LostMessage, answer: SignedFacts): void {
    const sealed = this.#sealed.seal(answerPlace(thread, id), utf8(JSON.stringify(answer)));
    this.#database.prepare("UPDATE lost_messages SET answer = ? WHERE thread = ? AND id = ?")
      .run(sealed, thread, id);
  }

  /** What came in answer did not hold. */
  dropAnswer(thread: number, id: string): void {
    this.#database.prepare("UPDATE lost_messages SET answer = NULL WHERE thread = ? AND id = ?")
      .run(thread, id);
  }

  /** Those that are to be verified. */
  answered(): AnsweredMessage[] {
    return this.#database.prepare(
      `SELECT ${columns}, answer FROM lost_messages WHERE answer IS NOT NULL ORDER BY thread, seq`,
    ).all<Row & { readonly answer: Uint8Array }>().map((row) => ({
      ...this.#lost(row),
      answer: JSON.parse(
        fromUtf8(this.#sealed.open(answerPlace(row.thread, row.id), row.answer)),
      ),
    }));
  }

  /** It can be read now. */
  found(thread: number, id: string): void {
    this.#database.prepare("DELETE FROM lost_messages WHERE thread = ? AND id = ?").run(thread, id);
  }

  /** How often the message was said again, and when last. */
  saidAgain(thread: number, id: string): { readonly at: number; readonly count: number } {
    return this.#database.prepare("SELECT at, count FROM said_again WHERE thread = ? AND id = ?")
      .get<{ at: number; count: number }>(thread, id) ?? { at: 0, count: 0 };
  }

  noteSaidAgain(thread: number, id: string, at: number): void {
    this.#database.prepare(
      `INSERT INTO said_again (thread, id, at, count) VALUES (?, ?, ?, 1)
       ON CONFLICT (thread, id) DO UPDATE SET at = excluded.at, count = count + 1`,
    ).run(thread, id, at);
  }

  /** How many messages of the thread were said again after `since`. */
  saidAgainSince(thread: number, since: number): number {
    return this.#database.prepare(
      "SELECT count(*) AS count FROM said_again WHERE thread = ? AND at > ?",
    ).get<{ count: number }>(thread, since)?.count ?? 0;
  }

  /** The accounts have come into the group with row `seq`: what was said before it is not for them. */
  noteJoins(thread: number, accounts: readonly string[], seq = this.#newest(thread)): void {
    const statement = this.#database.prepare(
      `INSERT INTO member_joins (thread, tag, seq) VALUES (?, ?, ?)
       ON CONFLICT (thread, tag) DO UPDATE SET seq = excluded.seq`,
    );
    for (const account of accounts) statement.run(thread, this.#tag(account), seq);
  }

  /** The row with which the account came into the group; 0 when that is not known. */
  joinedAt(thread: number, account: string): number {
    return this.#database.prepare("SELECT seq FROM member_joins WHERE thread = ? AND tag = ?")
      .get<{ seq: number }>(thread, this.#tag(account))?.seq ?? 0;
  }

  /** The newest row of the thread that is known here. */
  #newest(thread: number): number {
    return this.#database.prepare(
      `SELECT max((SELECT cursor FROM threads WHERE thread = ?),
         (SELECT coalesce(max(seq), 0) FROM messages WHERE thread = ?)) AS seq`,
    ).get<{ seq: number }>(thread, thread)?.seq ?? 0;
  }

  #tag(account: string) {
    return this.#sealed.tag(`member:${account}`);
  }

  #lost({ author, ...row }: Row): LostMessage {
    const { thread, id, seq, ts } = row;
    const opened = fromUtf8(this.#sealed.open(authorPlace(thread, id), author));
    return { thread, id, seq, ts, ...JSON.parse(opened) };
  }
}

function authorPlace(thread: number, id: string): string {
  return `lost_messages.author:${thread}:${id}`;
}

function answerPlace(thread: number, id: string): string {
  return `lost_messages.answer:${thread}:${id}`;
}
