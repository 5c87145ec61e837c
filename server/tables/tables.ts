/**
 * The storage port: what operations may ask of a database, in small tables. Calls are synchronous and belong to the
 * transaction that the backend has open. Rows are named by storage keys (numbers that never leave the server); what
 * peers see are ids and device keys. Rows that are typed as mutable are working copies, written by `save`.
 */
import type { Conversation, Seat } from "../domain/conversation.ts";
import type { Run } from "../domain/progress.ts";
import type { RosterEntry, SessionKey } from "../operations/contract.ts";
import type { Archives } from "./archive.ts";
import type { Attempts } from "./attempts.ts";
import type { Clocks } from "./clock.ts";
import type { Directory } from "./directory.ts";
import type { Files } from "./files.ts";
import type { Notifications } from "./notifications.ts";
import type { Repairs } from "./repairs.ts";

export type { AttemptKind, Attempts } from "./attempts.ts";
export type { Directory } from "./directory.ts";
export type { Files, StoredFile } from "./files.ts";
export type {
  MessageNotification,
  NotificationQuery,
  Notifications,
  StoredNotification,
} from "./notifications.ts";

/** An account. */
export interface Account {
  readonly key: number;
  readonly account: string;
  readonly name: string;
  /** Base64url of the account's public key. */
  readonly accountKey: string;
  readonly createdAt: number;
  readonly disabled: boolean;
  /** Index of its entry in the directory's log. */
  readonly entry: number;
  lastSeen: number | null;
  /** The number of its latest notification. */
  notifications: number;
}

/** A new account as it is stored. */
export interface NewAccount {
  readonly account: string;
  readonly name: string;
  readonly accountKey: string;
  readonly record: string;
  readonly vault: Uint8Array;
  readonly createdAt: number;
  readonly entry: number;
}

/** Sums over all conversations of an account. */
export interface Totals {
  readonly unread: number;
  /** Notifications that it has not been shown. */
  readonly notifications: number;
}

/** Accounts. Names are found in any case. */
export interface Accounts {
  byId(account: string): Account | undefined;
  byKey(key: number): Account;
  byName(name: string): Account | undefined;
  add(account: NewAccount): Account;
  /** Writes `lastSeen` and `notifications`. */
  save(account: Account): void;
  record(key: number): string;
  vault(key: number): Uint8Array;
  setPassword(key: number, secret: { readonly record: string; readonly vault: Uint8Array }): void;
  /** In order of canonical name, after `after`. */
  list(after: string | undefined, limit: number): Account[];
  totals(key: number): Totals;
  /** Bytes of rows that wait for devices of the account. */
  queued(key: number): number;
  /** Tells that so many bytes more (or fewer) wait. */
  addQueued(key: number, bytes: number): void;
}

/** A device. */
export interface Device {
  readonly key: number;
  /** The device key, base64url. */
  readonly device: string;
  /** Storage key and id of its account. */
  readonly account: number;
  readonly accountId: string;
  readonly label: string;
  readonly certificate: string;
  readonly createdAt: number;
  readonly revocation: string | null;
  readonly revokedAt: number | null;
  readonly lastSeen: number | null;
}

/** A new device as it is stored. */
export interface NewDevice {
  readonly device: string;
  readonly account: number;
  readonly label: string;
  readonly certificate: string;
  readonly createdAt: number;
}

/** Devices. */
export interface Devices {
  byId(device: string): Device | undefined;
  byKey(key: number): Device;
  /** In order of creation, with the revoked ones. */
  ofAccount(account: number): Device[];
  add(device: NewDevice): Device;
  revoke(key: number, revocation: { readonly text: string; readonly at: number }): void;
  setLastSeen(key: number, at: number): void;
  setLabel(key: number, label: string): void;
}

/** A live session. */
export interface Session extends SessionKey {
  readonly device: string;
  readonly deviceKey: number;
  readonly account: number;
  readonly instance: string;
  readonly receive: boolean;
  /** Lower 16 bits of its virtual address. */
  readonly host: number;
  readonly since: number;
}

/** The registry of live sessions. Emptied at every start. */
export interface Sessions {
  get(session: SessionKey): Session | undefined;
  ofDevice(device: string): readonly Session[];
  ofAccount(account: number): readonly Session[];
  /** Whether some session of the device wants live events. */
  isReceiving(device: string): boolean;
  add(session: Session): void;
  remove(session: SessionKey): void;
  setReceive(session: SessionKey, receive: boolean): void;
  readonly hosts: { has(host: number): boolean };
  readonly lastHost: number;
  /** Storage keys of accounts with a live session. */
  online(): Iterable<number>;
  clear(): void;
}

/** A key package on offer. */
export interface KeyPackage {
  readonly key: number;
  readonly ref: string;
  readonly lastResort: boolean;
  readonly bytes: Uint8Array;
}

/** For whom a key package is set aside. */
export interface Claim {
  /** Storage key of the claiming account. */
  readonly account: number;
  /** The conversation's id; it need not exist yet. */
  readonly conversation: string;
}

/** Key packages. */
export interface KeyPackages {
  /** Stores it unless the device has one with this reference. A last resort replaces the one before. */
  put(device: number, item: Omit<KeyPackage, "key"> & { readonly now: number }): void;
  /** Single-use packages that nobody has claimed. */
  count(device: number): number;
  lastResortAt(device: number): number | null;
  claimed(device: number, claim: Claim): KeyPackage | undefined;
  /** How many single-use packages of the device are set aside for claims of the account. */
  reserved(device: number, account: number): number;
  /** The oldest single-use package that nobody has claimed. */
  next(device: number): KeyPackage | undefined;
  lastResort(device: number): KeyPackage | undefined;
  claim(key: number, claim: Claim & { readonly now: number }): void;
  /** Deletes what was set aside for this device's entry into the conversation. */
  consume(device: number, conversation: string): void;
  removeDevice(device: number): void;
  /** Frees claims made before `claimedBefore`, deletes packages stored before `storedBefore`. */
  expire(limits: { readonly claimedBefore: number; readonly storedBefore: number }): number;
}

/** The verdict on an accepted commit. */
export interface Verdict {
  readonly hash: string;
  readonly epoch: number;
  readonly seq: number;
  readonly ts: number;
  readonly device: number;
}

/** Conversations with their members and seats. */
export interface Conversations {
  byId(conversation: string): Conversation | undefined;
  byKey(key: number): Conversation;
  byPair(pair: readonly [number, number]): Conversation | undefined;
  /** Stores a new one without rows; `accounts` are the listed members. */
  add(conversation: {
    readonly id: string;
    readonly pair: readonly [number, number];
    readonly accounts: readonly number[];
  }): Conversation;
  /** Marks it (its own fields, changed members and seats, given-up seats) for writing. */
  save(conversation: Conversation): void;
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
  readonly welcome: Uint8Array;
  /** The conversation's incarnation when it was stored. */
  readonly incarnation: number;
  /** It made the group anew. */
  readonly recreated: boolean;
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
  addMessage(conversation: number, row: NewRow & { readonly message: string }): void;
  addCommit(conversation: number, row: NewRow & CommitFacts): void;
  /** Begins a run: from `seq` on, rows are messages of `account`, or commits when it is 0. */
  addRun(conversation: number, run: Run & { readonly ts: number }): void;
  /** Rows in (`after`, `through`] that are not `device`'s own, ascending, at least one where there is one. */
  read(
    conversation: number,
    span: {
      readonly after: number;
      readonly through: number;
      readonly device: number;
      readonly limit: number;
      /** Stop before more than this many bytes; undefined where they cannot be more. */
      readonly maxBytes: number | undefined;
    },
  ): StoredRow[];
  /** The first row in (`after`, `through`] that is not `device`'s own. */
  firstForeign(
    conversation: number,
    span: { readonly after: number; readonly through: number; readonly device: number },
  ): number | undefined;
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
  /** Forgets runs older than `ts`, but never the newest. */
  expireRuns(conversation: number, ts: number): void;
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

/** A post of the lobby to be stored. */
export interface NewPost {
  readonly post: string;
  readonly account: number;
  readonly device: string;
  readonly text: string;
  readonly sentAt: number;
  readonly ts: number;
  readonly signature: string;
}

/** The lobby. */
export interface Lobby {
  head(): number;
  add(post: NewPost): number;
  find(device: string, post: string): { readonly seq: number; readonly ts: number } | undefined;
  read(after: number, limit: number): (NewPost & { readonly seq: number })[];
  /** Deletes posts up to and including `seq`, and those before `ts`. */
  cut(limits: { readonly through: number; readonly before: number }): number;
}

/** All tables. */
export interface Tables {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly sessions: Sessions;
  readonly keyPackages: KeyPackages;
  readonly conversations: Conversations;
  readonly log: Log;
  readonly repairs: Repairs;
  readonly lobby: Lobby;
  readonly notifications: Notifications;
  readonly directory: Directory;
  readonly attempts: Attempts;
  readonly archive: Archives;
  readonly clock: Clocks;
  readonly files: Files;
}

/** A database behind the tables, with its transactions. Everything it throws is an `AppError`. */
export interface Backend {
  readonly tables: Tables;
  begin(): void;
  /** Writes what is marked and makes all since `begin` durable. Throws when it cannot; then `rollback`. */
  commit(): void;
  /** Undoes everything since `begin` and forgets all working copies. */
  rollback(): void;
  /** Runs `work` so that, when it throws, what it did is undone alone. */
  savepoint<T>(work: () => T): T;
  close(): void;
}
