/**
 * Threads: the conversation with one account, or of a group, or the lobby, its group state, and how far everybody has got. Whoever
 * writes a group state says on which version of it the new one was built, so that two processes on one profile cannot
 * overwrite each other.
 */
import { type Bytes, fromUtf8, toHex, utf8 } from "../../lib/base/bytes.ts";
import { type GroupFacts, GroupFactsStore } from "./group_facts.ts";
import { GroupProgress } from "./group_progress.ts";
import { LostMessages } from "./lost.ts";
import type { SealedDatabase } from "./sealed.ts";
import type { Partner, Thread } from "./thread.ts";
import {
  place,
  readState,
  type SealedColumn,
  type StateParts,
  type StoredState,
  writtenState,
} from "./thread_state.ts";

export type { Partner, Thread } from "./thread.ts";

interface Row {
  readonly thread: number;
  readonly tag: Uint8Array;
  readonly lobby: number;
  readonly grouped: number;
  readonly twin_of: number | null;
  readonly who: Uint8Array;
  readonly conversation: string | null;
  readonly request: number;
  readonly version: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly set_back: number;
  readonly joined: number;
  readonly has_pending: number;
  readonly cursor: number;
  readonly sent_since_commit: number;
  readonly committed_at: number;
  readonly sent_epoch: number;
  readonly sent_generations: number;
  readonly read_mark: number;
  readonly read_told: number;
  readonly peer_delivered: number;
  readonly peer_delivered_at: number | null;
  readonly peer_read: number;
  readonly peer_read_at: number | null;
}

/** What may be set together with a check of the version; absent fields stay as they are. */
export interface ThreadChange {
  readonly conversation?: string | null;
  readonly epoch?: number;
  readonly incarnation?: number;
  /** Whole, or in two parts, of which the frame is stored only when it is another one. */
  readonly state?: Uint8Array | StateParts | null;
  readonly pending?: Uint8Array | null;
  readonly cursor?: number;
  readonly sentSinceCommit?: number;
  readonly committedAt?: number;
  /** So many generations of the own sending keys of an epoch are used. */
  readonly sent?: { readonly epoch: number; readonly generations: number };
}

const columns =
  `thread, tag, lobby, grouped, twin_of, who, request, conversation, version, epoch, incarnation, set_back, state IS NOT NULL AS joined,
  pending IS NOT NULL AS has_pending, cursor, sent_since_commit, committed_at, sent_epoch, sent_generations, read_mark, read_told,
  peer_delivered, peer_delivered_at, peer_read, peer_read_at`;

/** What the lobby is called; no account can have that name. */
export const lobbyName = "#lobby";

/** The threads of one profile. */
export class Threads {
  readonly #sealed: SealedDatabase;
  /** Opened partners by thread and sealed bytes' identity; they hardly ever change. */
  readonly #partners = new Map<number, { readonly who: string; readonly partner: Partner }>();
  /** What is known of groups beside their keys. */
  readonly groups: GroupFactsStore;
  readonly progress: GroupProgress;
  readonly #lost: LostMessages;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
    this.groups = new GroupFactsStore(sealed);
    this.progress = new GroupProgress(sealed);
    this.#lost = new LostMessages(sealed);
  }

  get #database() {
    return this.#sealed.database;
  }

  /** Every thread, in the order in which they came to be. */
  all(): Thread[] {
    const rows = this.#database.prepare(`SELECT ${columns} FROM threads ORDER BY thread`)
      .all<Row>();
    return rows.map((row) => this.#thread(row));
  }

  get(thread: number): Thread | undefined {
    const row = this.#database.prepare(`SELECT ${columns} FROM threads WHERE thread = ?`)
      .get<Row>(thread);
    return row && this.#thread(row);
  }

  byConversation(conversation: string): Thread | undefined {
    const row = this.#database.prepare(`SELECT ${columns} FROM threads WHERE conversation = ?`)
      .get<Row>(conversation);
    return row && this.#thread(row);
  }

  /** The thread with the account of that name, in any spelling of its letters; or the lobby's. */
  byName(name: string): Thread | undefined {
    const row = this.#database.prepare(`SELECT ${columns} FROM threads WHERE tag = ?`)
      .get<Row>(this.#tag(name));
    return row && this.#thread(row);
  }

  /** The thread of that name, made if there is none. In the caller's transaction. */
  obtain(name: string): Thread {
    const known = this.byName(name);
    if (known !== undefined) return known;
    const tag = this.#tag(name);
    const lobby = name === lobbyName ? 1 : 0;
    this.#database.prepare("INSERT INTO threads (tag, lobby, who) VALUES (?, ?, ?)")
      .run(tag, lobby, this.#sealWho(tag, { name }));
    const made = this.byName(name);
    if (made === undefined) throw new Error("a thread that was just made is not there");
    return made;
  }

  /** The thread of a group's conversation (UUID), made if there is none. In the caller's transaction. */
  obtainGroup(conversation: string): Thread {
    const known = this.byConversation(conversation);
    if (known !== undefined) return known;
    const tag = this.#sealed.tag(`group:${conversation}`);
    const who = this.#sealWho(tag, { name: untitled(conversation) });
    this.#database.prepare(
      "INSERT INTO threads (tag, lobby, grouped, who, conversation) VALUES (?, 0, 1, ?, ?)",
    ).run(tag, who, conversation);
    const made = this.byConversation(conversation);
    if (made === undefined) throw new Error("a thread that was just made is not there");
    return made;
  }

  /** The thread of a second conversation (UUID) with the account of a thread, made if there is none. In the caller's transaction. */
  obtainTwin({ thread, partner }: Thread, conversation: string): Thread | undefined {
    const known = this.byConversation(conversation);
    if (known !== undefined || partner === undefined) return known;
    const tag = this.#sealed.tag(`twin:${conversation}`);
    this.#database.prepare(
      "INSERT INTO threads (tag, lobby, grouped, twin_of, who, conversation) VALUES (?, 0, 0, ?, ?, ?)",
    ).run(tag, thread, this.#sealWho(tag, partner), conversation);
    return this.byConversation(conversation);
  }

  /** The thread itself, and the others with the same account. */
  family({ thread, twinOf = thread }: Thread): Thread[] {
    const rows = this.#database.prepare(
      `SELECT ${columns} FROM threads WHERE thread = ? OR twin_of = ? ORDER BY thread`,
    ).all<Row>(twinOf, twinOf);
    return rows.map((row) => this.#thread(row));
  }

  /** Forgets a group that never came to be. In the caller's transaction. */
  forgetGroup(thread: number): void {
    for (const table of ["group_progress", "group_facts", "threads"]) {
      this.#database.prepare(`DELETE FROM ${table} WHERE thread = ?`).run(thread);
    }
  }

  /**
   * Replaces what is known of a group, and calls it by its name; `seq` is the row that says so, where one does. In the
   * caller's transaction.
   */
  setGroup(
    { thread, conversation }: Thread,
    facts: GroupFacts,
    { seq }: { readonly seq?: number } = {},
  ): void {
    const row = this.#database.prepare("SELECT tag FROM threads WHERE thread = ?")
      .get<{ tag: Uint8Array }>(thread);
    if (row === undefined || conversation === undefined) return;
    const before = new Set(this.groups.get(thread).members.map(({ account }) => account));
    const accounts = facts.members.map(({ account }) => account);
    const joined = accounts.filter((account) => !before.has(account));
    if (joined.length > 0) this.#lost.noteJoins(thread, joined, seq);
    this.groups.put(thread, facts);
    this.setRequest(thread, facts.standing.kind === "request");
    const name = facts.name === undefined ? untitled(conversation) : `#${facts.name}`;
    this.#database.prepare("UPDATE threads SET who = ? WHERE thread = ?")
      .run(this.#sealWho(row.tag, { name }), thread);
  }

  /** When the conversation was set back or made anew. In the caller's transaction. */
  setSetBack(thread: number, at: number): void {
    this.#database.prepare("UPDATE threads SET set_back = ? WHERE thread = ?").run(at, thread);
  }

  /** Whether the thread is a stranger's that waits for an answer. In the caller's transaction. */
  setRequest(thread: number, request: boolean): void {
    this.#database.prepare("UPDATE threads SET request = ? WHERE thread = ?")
      .run(request ? 1 : 0, thread);
  }

  /** Notes the partner's account and the name as its owner spells it. In the caller's transaction. */
  setPartner(thread: number, partner: Required<Partner>): void {
    const tag = this.#tag(partner.name);
    this.#database.prepare("UPDATE threads SET who = ? WHERE thread = ? AND tag = ?")
      .run(this.#sealWho(tag, partner), thread, tag);
  }

  /** The group state as stored, or undefined. */
  state(thread: number): StoredState | undefined {
    return readState(this.#sealed, thread);
  }

  /** The pending commit as stored, or undefined. */
  pending(thread: number): Bytes | undefined {
    const row = this.#database.prepare("SELECT pending FROM threads WHERE thread = ?")
      .get<{ pending: Uint8Array | null }>(thread);
    if (row === undefined || row.pending === null) return undefined;
    return this.#sealed.open(place("pending", thread), row.pending);
  }

  /**
   * Sets `change` if the thread still has `version`; true when it did. In the caller's transaction. The cursor never
   * goes back, except together with another conversation.
   */
  compareAndSet(thread: number, version: number, change: ThreadChange): boolean {
    const sealed = (column: SealedColumn, value: Uint8Array | null | undefined) =>
      value ? this.#sealed.seal(place(column, thread), value) : null;
    const state = writtenState(this.#sealed, { thread, state: change.state });
    const set = <T>(value: T | undefined) => value === undefined ? 0 : 1;
    const { changes } = this.#database.prepare(`UPDATE threads SET version = version + 1,
        conversation = iif(?, ?, conversation), epoch = iif(?, ?, epoch),
        incarnation = iif(?, ?, incarnation), state = iif(?, ?, state),
        frame = iif(?, ?, frame), ratchets = iif(?, ?, ratchets),
        pending = iif(?, ?, pending), cursor = iif(?, ?, cursor),
        sent_since_commit = iif(?, ?, sent_since_commit), committed_at = iif(?, ?, committed_at),
        sent_epoch = iif(?, ?, sent_epoch), sent_generations = iif(?, ?, sent_generations)
      WHERE thread = ? AND version = ?`).run(
      set(change.conversation),
      change.conversation ?? null,
      set(change.epoch),
      change.epoch ?? 0,
      set(change.incarnation),
      change.incarnation ?? 0,
      set(state.whole),
      sealed("state", state.whole),
      set(state.frameId),
      state.frameId ?? null,
      set(state.ratchets),
      sealed("ratchets", state.ratchets),
      set(change.pending),
      sealed("pending", change.pending),
      set(change.cursor),
      change.cursor ?? 0,
      set(change.sentSinceCommit),
      change.sentSinceCommit ?? 0,
      set(change.committedAt),
      change.committedAt ?? 0,
      set(change.sent),
      change.sent?.epoch ?? 0,
      set(change.sent),
      change.sent?.generations ?? 0,
      thread,
      version,
    );
    return changes === 1;
  }

  /** An own row got `seq`: the cursor moves over it when everything before is here already. */
  passOwn(thread: number, seq: number): void {
    this.#database.prepare("UPDATE threads SET cursor = ? WHERE thread = ? AND cursor = ?")
      .run(seq, thread, seq - 1);
  }

  /** The lobby's cursor; never goes back. */
  advance(thread: number, cursor: number): void {
    this.#database.prepare("UPDATE threads SET cursor = max(cursor, ?) WHERE thread = ?")
      .run(cursor, thread);
  }

  /** A cursor that is still at `from` goes back to `to`: what lay between was never there. */
  goBack(thread: number, { from, to }: { readonly from: number; readonly to: number }): void {
    this.#database.prepare(
      "UPDATE threads SET cursor = ?, version = version + 1 WHERE thread = ? AND cursor = ?",
    ).run(to, thread, from);
  }

  /** Notes how far the partner has got; true when that was news. */
  setPeerProgress(
    thread: number,
    progress: { delivered: number; deliveredAt: number; read: number; readAt: number },
  ): boolean {
    const { delivered, deliveredAt, read, readAt } = progress;
    // Plain question marks: older runtimes do not take numbered ones.
    const { changes } = this.#database.prepare(`UPDATE threads SET
        peer_delivered_at = iif(? > peer_delivered, ?, peer_delivered_at),
        peer_read_at = iif(? > peer_read, ?, peer_read_at),
        peer_delivered = max(peer_delivered, ?), peer_read = max(peer_read, ?)
      WHERE thread = ? AND (? > peer_delivered OR ? > peer_read)`)
      .run(delivered, deliveredAt, read, readAt, delivered, read, thread, delivered, read);
    return changes === 1;
  }

  /** This account has read up to `seq`; never goes back. */
  raiseReadMark(thread: number, seq: number): void {
    this.#database.prepare("UPDATE threads SET read_mark = max(read_mark, ?) WHERE thread = ?")
      .run(seq, thread);
  }

  /** The server knows that this account has read up to `seq`. */
  setReadTold(thread: number, seq: number): void {
    this.#database.prepare("UPDATE threads SET read_told = max(read_told, ?) WHERE thread = ?")
      .run(seq, thread);
  }

  #tag(name: string): Bytes {
    return this.#sealed.tag(`thread:${name.toLowerCase()}`);
  }

  #sealWho(tag: Uint8Array, partner: Partner): Bytes {
    return this.#sealed.seal(`threads.who:${toHex(tag)}`, utf8(JSON.stringify(partner)));
  }

  #thread(row: Row): Thread {
    const partner = this.#partner(row);
    const kind = row.lobby === 1 ? "lobby" : row.grouped === 1 ? "group" : "direct";
    return {
      thread: row.thread,
      kind,
      twinOf: row.twin_of ?? undefined,
      title: partner.name,
      partner: kind === "direct" ? partner : undefined,
      conversation: row.conversation ?? undefined,
      request: row.request === 1,
      version: row.version,
      epoch: row.epoch,
      incarnation: row.incarnation,
      setBackAt: row.set_back,
      joined: row.joined === 1,
      hasPending: row.has_pending === 1,
      cursor: row.cursor,
      sentSinceCommit: row.sent_since_commit,
      committedAt: row.committed_at,
      sent: { epoch: row.sent_epoch, generations: row.sent_generations },
      readMark: row.read_mark,
      readTold: row.read_told,
      peerDelivered: row.peer_delivered,
      peerDeliveredAt: row.peer_delivered_at ?? undefined,
      peerRead: row.peer_read,
      peerReadAt: row.peer_read_at ?? undefined,
    };
  }

  #partner(row: Row): Partner {
    const who = toHex(row.who);
    const known = this.#partners.get(row.thread);
    if (known?.who === who) return known.partner;
    const opened = this.#sealed.open(`threads.who:${toHex(row.tag)}`, row.who);
    const partner: Partner = JSON.parse(fromUtf8(opened));
    this.#partners.set(row.thread, { who, partner });
    return partner;
  }
}

/** What a group is called whose name is not known. */
function untitled(conversation: string): string {
  return `#group-${conversation.slice(0, 4)}`;
}
