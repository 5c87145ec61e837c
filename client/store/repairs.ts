/** What going back behind a commit takes: the state from before it, and the messages that were sent after it. */
import { type Bytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { mlsLimits } from "../../lib/base/limits.ts";
import type { CommitRefusalReason } from "../../lib/crypto/commit_refusal.ts";
import type { MessageContent } from "./messages.ts";
import type { SealedDatabase } from "./sealed.ts";
import { partsOf, type StateRow, type StoredState } from "./thread_state.ts";

/** A group state before a commit. */
export interface Kept {
  readonly epoch: number;
  readonly state: Bytes;
  /** Of a state in two parts; then `state` is its frame. */
  readonly parts?: StoredState["parts"];
}

/** A commit that cannot be applied here. */
export interface Dispute {
  readonly incarnation: number;
  /** The epoch that it leads away from. */
  readonly epoch: number;
  readonly hash: string;
  readonly reason: CommitRefusalReason;
}

/** Kept states and what belongs to them. Whatever writes does so in the caller's transaction. */
export class Repairs {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** The state before the latest commit. */
  kept(thread: number): Kept | undefined {
    const row = this.#database.prepare(
      "SELECT epoch, state, frame, ratchets FROM kept_states WHERE thread = ?",
    ).get<StateRow & { readonly epoch: number; readonly state: Uint8Array }>(thread);
    if (row === undefined) return undefined;
    return {
      epoch: row.epoch,
      state: this.#sealed.open(statePlace(thread), row.state),
      parts: partsOf(this.#sealed, { thread, row }),
    };
  }

  /** Keeps the state as it stands in the thread now, unless it is of no group. `now`: milliseconds since 1970. */
  keepPresent(thread: number, now: number): void {
    const moved = this.#database.prepare(
      `INSERT INTO kept_states (thread, epoch, state, until, frame, ratchets)
       SELECT thread, epoch, state, ?, frame, ratchets FROM threads
       WHERE thread = ? AND state IS NOT NULL
       ON CONFLICT (thread) DO UPDATE SET epoch = excluded.epoch, state = excluded.state,
         until = excluded.until, frame = excluded.frame, ratchets = excluded.ratchets`,
    ).run(untilOf(now), thread).changes;
    if (moved > 0) this.#forgetSent(thread);
  }

  /** Keeps a state that was never stored: of an epoch that began and ended within one batch. */
  keep(thread: number, kept: Kept, now: number): void {
    this.#database.prepare(
      `INSERT INTO kept_states (thread, epoch, state, until) VALUES (?, ?, ?, ?)
       ON CONFLICT (thread) DO UPDATE SET epoch = excluded.epoch, state = excluded.state,
         until = excluded.until, frame = NULL, ratchets = NULL`,
    ).run(thread, kept.epoch, this.#sealed.seal(statePlace(thread), kept.state), untilOf(now));
    this.#forgetSent(thread);
  }

  /** What was sent before the present epoch cannot be taken back any more. */
  #forgetSent(thread: number): void {
    this.#database.prepare(
      `DELETE FROM recent_sent WHERE thread = ? AND epoch <=
         (SELECT epoch FROM kept_states WHERE thread = ?)`,
    ).run(thread, thread);
  }

  /** Forgets the kept state of a thread and what belongs to it. */
  drop(thread: number): void {
    this.#database.prepare("DELETE FROM kept_states WHERE thread = ?").run(thread);
    this.#database.prepare("DELETE FROM recent_sent WHERE thread = ?").run(thread);
  }

  /** Forgets every state whose time is over. */
  sweep(now: number): void {
    this.#database.prepare(
      `DELETE FROM recent_sent WHERE thread IN (SELECT thread FROM kept_states WHERE until <= ?)`,
    ).run(now);
    this.#database.prepare("DELETE FROM kept_states WHERE until <= ?").run(now);
  }

  /** The server has accepted an own message of `epoch`: kept while its epoch can be taken back. */
  addSent(
    sent: {
      readonly local: number;
      readonly thread: number;
      readonly epoch: number;
      readonly content: MessageContent;
    },
  ): void {
    const { local, thread, epoch, content } = sent;
    const place = contentPlace(local);
    const kept = this.#database.prepare("SELECT epoch FROM kept_states WHERE thread = ?")
      .get<{ epoch: number }>(thread);
    if (kept === undefined || epoch <= kept.epoch) return;
    this.#database.prepare(
      "INSERT OR REPLACE INTO recent_sent (local, thread, epoch, content) VALUES (?, ?, ?, ?)",
    ).run(local, thread, epoch, this.#sealed.seal(place, utf8(JSON.stringify(content))));
  }

  /** Own messages of epochs after `epoch` that the server had accepted, in the order in which they were made. */
  sentAfter(
    thread: number,
    epoch: number,
  ): { readonly local: number; readonly content: MessageContent }[] {
    return this.#database.prepare(
      "SELECT local, content FROM recent_sent WHERE thread = ? AND epoch > ? ORDER BY local",
    ).all<{ local: number; content: Uint8Array }>(thread, epoch).map(({ local, content }) => ({
      local,
      content: JSON.parse(fromUtf8(this.#sealed.open(contentPlace(local), content))),
    }));
  }

  /** Own messages after row `after` that nobody has said to have, in order. */
  forgotten(thread: number, after: number): number[] {
    return this.#database.prepare(
      `SELECT local FROM messages
       WHERE thread = ? AND seq > ? AND own = 1 AND state = 'sent' ORDER BY local`,
    ).all<{ local: number }>(thread, after).map(({ local }) => local);
  }

  /** The commit that the thread stands before and cannot apply. */
  dispute(thread: number): Dispute | undefined {
    return this.#database.prepare(
      "SELECT incarnation, epoch, hash, reason FROM disputes WHERE thread = ?",
    ).get<Dispute>(thread);
  }

  setDispute(thread: number, { incarnation, epoch, hash, reason }: Dispute): void {
    this.#database.prepare(
      "INSERT OR REPLACE INTO disputes (thread, incarnation, epoch, hash, reason) VALUES (?, ?, ?, ?, ?)",
    ).run(thread, incarnation, epoch, hash, reason);
  }

  endDispute(thread: number): void {
    this.#database.prepare("DELETE FROM disputes WHERE thread = ?").run(thread);
  }

  /** Threads that stand before a commit that they cannot apply. */
  disputed(): number[] {
    return this.#database.prepare("SELECT thread FROM disputes ORDER BY thread")
      .all<{ thread: number }>().map(({ thread }) => thread);
  }
}

function untilOf(now: number): number {
  return now + mlsLimits.refusalWindowMs + mlsLimits.keptStateSlackMs;
}

function statePlace(thread: number): string {
  return `threads.state:${thread}`;
}

function contentPlace(local: number): string {
  return `recent_sent.content:${local}`;
}
