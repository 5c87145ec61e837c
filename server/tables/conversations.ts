/** The part of the storage port that holds conversations and the rows of their logs. */
import type { RoleEntry } from "../../lib/base/membership.ts";
import type { Conversation, Member, Seat } from "../domain/conversation.ts";
import type { Run } from "../domain/progress.ts";
import type { RosterEntry } from "../operations/contract.ts";

/** The verdict on an accepted commit. */
export interface Verdict {
  readonly hash: string;
  readonly epoch: number;
  readonly seq: number;
  readonly ts: number;
  readonly device: number;
}

/** A new conversation as it is stored. */
export interface NewConversation {
  readonly id: string;
  readonly kind: Conversation["kind"];
  /** Storage keys of the two accounts of a direct one. */
  readonly pair: readonly [number, number] | undefined;
  /** Storage key of the account that creates it; null where that is another server's affair. */
  readonly creator: number | null;
  readonly members: readonly Member[];
  /** Storage key of the linked server whose it is; an own one when left out. */
  readonly hub?: number;
}

/** Conversations with their members and seats. */
export interface Conversations {
  byId(conversation: string): Conversation | undefined;
  byKey(key: number): Conversation;
  byPair(pair: readonly [number, number]): Conversation | undefined;
  /** Whether the id is in use, or was. */
  isTaken(conversation: string): boolean;
  /** Stores a new one without rows. */
  add(conversation: NewConversation): Conversation;
  /** The direct ones of two accounts: more than one only where they began them on both servers at once. */
  directs(pair: readonly [number, number]): Conversation[];
  /** Makes it the one that stands for its pair, in place of another, or no longer. */
  setPair(conversation: number, pair: readonly [number, number] | undefined): void;
  /** Deletes it with everything in it. */
  remove(conversation: Conversation): void;
  /** How many groups the account has created that still exist. */
  createdBy(account: number): number;
  /** Bytes of the group infos of what the account has created. */
  infoBytes(account: number): number;
  /** How many requests of the account nobody has answered. */
  requestsBy(account: number): number;
  /** How many requests the account has not answered. */
  requestsTo(account: number): number;
  /** Marks it (its own fields, changed members and seats, given-up seats) for writing. */
  save(conversation: Conversation): void;
  /** With which row the server was restored from a backup, and the last row that it knew then; undefined for never. */
  restored(conversation: number): { readonly at: number; readonly last: number } | undefined;
  setGroupInfo(conversation: number, bytes: Uint8Array): void;
  groupInfo(conversation: number): Uint8Array;
  addVerdict(conversation: number, verdict: Verdict): void;
  verdict(conversation: number, epoch: number): Verdict | undefined;
  /** Forgets the verdicts on `epoch` and all after it. */
  dropVerdicts(conversation: number, epoch: number): void;
  /** Forgets verdicts on epochs before `epoch`. */
  cutVerdicts(conversation: number, epoch: number): void;
  queueRemoval(conversation: number, device: number): void;
  unqueueRemoval(conversation: number, device: number): void;
  /** Those in which the account is listed, in order of id, after `after`. */
  ofAccount(account: number, after: string | undefined, limit: number): Conversation[];
  /** Those in which the device has a seat. */
  ofDevice(device: number): Conversation[];
  /** Those with rows that the device has not got. */
  pending(device: number): { conversation: string; cursor: number }[];
  /** Storage keys after `after`, ascending. */
  keys(after: number, limit: number): number[];
}

/** A row of a log to be stored. */
export interface NewRow {
  readonly seq: number;
  readonly device: number;
  readonly ts: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

/** What belongs to a commit beside its row. */
export interface CommitFacts {
  readonly hash: string;
  readonly external: boolean;
  readonly add: RosterEntry[];
  readonly remove: string[];
  /** The group after it; empty unless somebody is welcomed. */
  readonly roster: RosterEntry[];
  /** The accounts after it, likewise. */
  readonly members: RoleEntry[];
  readonly welcome: Uint8Array;
  /** The conversation's incarnation when it was stored. */
  readonly incarnation: number;
  /** It made the group anew. */
  readonly recreated: boolean;
}

/** A message to be stored. */
export interface NewMessage extends NewRow {
  readonly message: string;
  /** Storage key of the account that it is kept from; null for none. */
  readonly hidden: number | null;
  /** When its bytes are to be forgotten (milliseconds since 1970); null for the server's own time. */
  readonly until: number | null;
}

/** A row whose bytes are to be forgotten. */
export interface OverRow {
  /** Storage key of the conversation. */
  readonly conversation: number;
  readonly seq: number;
  /** Storage key of the device that sent it. */
  readonly device: number;
}

/** Rows in (`after`, `through`] that are for a device: not its own, not kept from its account. */
export interface ReaderSpan {
  readonly after: number;
  readonly through: number;
  /** Storage keys. */
  readonly device: number;
  readonly account: number;
}

/** A row of a log as stored. */
export interface StoredRow extends NewRow {
  /** The message's id; null for a commit, and for a row that takes one back (`device` is 0 there). */
  readonly message: string | null;
}

/** A message that was accepted before. */
export interface Sent {
  readonly seq: number;
  readonly ts: number;
}

/** The rows of conversations, and what is remembered of deleted ones. */
export interface Log {
  addMessage(conversation: number, row: NewMessage): void;
  /** Remembers that the message was accepted, so that the same again gets the same answer. */
  rememberSent(
    conversation: number,
    row: Pick<NewMessage, "device" | "message" | "seq" | "ts">,
  ): void;
  addCommit(conversation: number, row: NewRow & CommitFacts): void;
  /** Forgets the bytes of rows whose time is over by `now`; which these were. */
  emptyOver(now: number, limit: number): OverRow[];
  /** Begins a run: from `seq` on, rows are messages of `account`, or commits when it is 0. */
  addRun(conversation: number, run: Run & { readonly ts: number }): void;
  /** Rows for a device, ascending, at least one where there is one. */
  read(
    conversation: number,
    span: ReaderSpan & {
      readonly limit: number;
      /** Stop before more than this many bytes; undefined where they cannot be more. */
      readonly maxBytes: number | undefined;
    },
  ): StoredRow[];
  /** The first row for a device. */
  firstForeign(conversation: number, span: ReaderSpan): number | undefined;
  commitFacts(conversation: number, seq: number): CommitFacts;
  /** Bytes of rows in (`after`, `through`], welcomes included, without those of the device `except` (0 for none). */
  bytesBetween(
    conversation: Conversation,
    span: { readonly after: number; readonly through: number; readonly except: number },
  ): number;
  /** The runs that touch (`after`, `head`], ascending. */
  runs(conversation: number, after: number): Run[];
  /** Forgets runs that end before or at `through`. */
  cutRuns(conversation: number, through: number): void;
  /** Forgets all but the newest `keep` runs. */
  limitRuns(conversation: number, keep: number): void;
  /** Forgets runs older than `ts`, but never the newest. */
  expireRuns(conversation: number, ts: number): void;
  /** Forgets all rows after `seq`, and who wrote from there on. */
  forgetAfter(conversation: Conversation, seq: number): void;
  /** The greatest sequence up to `through` whose row is older than `ts`, or undefined. */
  lastBefore(conversation: Conversation, ts: number): number | undefined;
  /** The message of this id that the device sent, as far as it is remembered. */
  sent(conversation: number, device: number, message: string): Sent | undefined;
  /** The greatest remembered message id of the device, "" for none. */
  lastSent(conversation: number, device: number): string;
  /** Forgets the messages in rows after `after`: they may be sent again. */
  forgetSent(conversation: number, after: number): void;
  /** Forgets all but about the latest `keep` messages of a seat. */
  cutSent(conversation: number, seat: Seat, keep: number): void;
  /** Forgets messages of a seat that were sent before `ts`. */
  expireSent(conversation: number, seat: Seat, ts: number): void;
}
