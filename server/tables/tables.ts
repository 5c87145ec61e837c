/**
 * The storage port: what operations may ask of a database, in small tables. Calls are synchronous and belong to the
 * transaction that the backend has open. Rows are named by storage keys (numbers that never leave the server); what
 * peers see are ids and device keys. Rows that are typed as mutable are working copies, written by `save`.
 */
import type { SessionKey } from "../operations/contract.ts";
import type { Archives } from "./archive.ts";
import type { Attempts } from "./attempts.ts";
import type { Clocks } from "./clock.ts";
import type { Contacts } from "./contacts.ts";
import type { Conversations, Log } from "./conversations.ts";

import type { Directory } from "./directory.ts";
import type { Files } from "./files.ts";
import type { Invites } from "./invites.ts";
import type { Lobby } from "./lobby.ts";
import type { Notifications } from "./notifications.ts";
import type { Following } from "./following.ts";
import type { Peers } from "./peers.ts";
import type { Repairs } from "./repairs.ts";

export type { AttemptKind, Attempts } from "./attempts.ts";
export type { Blocked, BlockedServer, Contacts } from "./contacts.ts";
export type {
  CommitFacts,
  Conversations,
  Log,
  NewConversation,
  NewMessage,
  NewRow,
  OverRow,
  ReaderSpan,
  Sent,
  StoredRow,
  Verdict,
} from "./conversations.ts";
export type { Directory } from "./directory.ts";
export type { Files, StoredFile } from "./files.ts";
export type { Lobby, NewPost } from "./lobby.ts";
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
  /** When the operator deleted it; it is disabled then, and its name stays taken. */
  readonly deletedAt: number | null;
  /** Index of its entry in the directory's log; nothing for an account of another server. */
  readonly entry: number;
  /** Storage key of the linked server whose account it is; null for this server's own. */
  readonly peer: number | null;
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

/** An account of a linked server, as it becomes known. */
export interface NewRemoteAccount {
  readonly account: string;
  /** Its name there. */
  readonly name: string;
  readonly accountKey: string;
  readonly createdAt: number;
  readonly peer: number;
  /** What tells its name from the same name elsewhere: the other server's fingerprint. */
  readonly fingerprint: string;
  /** Only another server has said so. */
  readonly hearsay?: boolean;
}

/** Sums over all conversations of an account. */
export interface Totals {
  readonly unread: number;
  /** Notifications that it has not been shown. */
  readonly notifications: number;
}

/** Accounts. Names are found in any case. */
export interface Accounts {
  /** This server's own alone. */
  byId(account: string): Account | undefined;
  /** This server's own, and those of linked servers. */
  anyById(account: string): Account | undefined;
  byKey(key: number): Account;
  /** This server's own alone. */
  byName(name: string): Account | undefined;
  /** This server's own, in order of canonical names, after `after`, with those that are disabled or deleted. */
  inOrder(after: string | undefined, limit: number): Account[];
  setDisabled(key: number, disabled: boolean): void;
  /** Forgets password and vault and disables it; id, name and public key stay. */
  delete(key: number, at: number): void;
  add(account: NewAccount): Account;
  /** An account of the linked server with this fingerprint, by its name there. */
  remoteByName(name: string, fingerprint: string): Account | undefined;
  /** Whether of an account of another server only third servers have spoken. */
  isHearsay(key: number): boolean;
  /** Its own server has spoken of it. */
  confirm(key: number): void;
  /** Its id and its name are those of another one. */
  displace(key: number): void;
  addRemote(account: NewRemoteAccount): Account;
  /** Writes `lastSeen` and `notifications`. */
  save(account: Account): void;
  record(key: number): string;
  vault(key: number): Uint8Array;
  setPassword(key: number, secret: { readonly record: string; readonly vault: Uint8Array }): void;
  /** This server's own, in order of canonical name, after `after`; without those that are deleted. */
  list(after: string | undefined, limit: number): Account[];
  totals(key: number): Totals;
  /** Bytes of rows that wait for devices of the account. */
  queued(key: number): number;
  /** The same of all accounts together, added up anew. */
  queuedInAll(): number;
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
  /** Storage key of the linked server whose account it is of; null for this server's own. */
  readonly peer: number | null;
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
  /** One of this server's own accounts alone. */
  byId(device: string): Device | undefined;
  /** Also one of an account of a linked server. */
  anyById(device: string): Device | undefined;
  byKey(key: number): Device;
  /** In order of creation, with the revoked ones. */
  ofAccount(account: number): Device[];
  add(device: NewDevice): Device;
  revoke(key: number, revocation: { readonly text: string; readonly at: number }): void;
  /** Its key is another device's. */
  displace(key: number): void;
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
  readonly contacts: Contacts;
  readonly directory: Directory;
  readonly attempts: Attempts;
  readonly archive: Archives;
  readonly clock: Clocks;
  readonly files: Files;
  readonly invites: Invites;
  readonly peers: Peers;
  readonly following: Following;
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
