/**
 * What the user interface and the one-shot commands see of the client: an engine without a terminal. Everything shown
 * comes from the profile's database, so that two processes on one profile see the same.
 */

import type { DirectoryDesk } from "./api_directory.ts";
import type { ArchiveActions, ArchiveProgress } from "./api_archive.ts";
import type { ContentActions } from "./api_content.ts";
import type { Desk } from "./api_desk.ts";
import type { DeviceActions } from "./api_devices.ts";
import type { FileActions } from "./api_files.ts";
import type { GroupsApi, RequestsApi } from "./api_groups.ts";
import type { ChatMessage, WaitedState } from "./api_messages.ts";
import type { Target } from "./api_target.ts";

export type {
  ChatMessage,
  MessageState,
  QuotedMessage,
  Relay,
  WaitedState,
} from "./api_messages.ts";
export type { Target } from "./api_target.ts";

/** The connection as the status row shows it. */
export type ConnectionState =
  | { readonly kind: "offline"; readonly reason: string; readonly retryAt?: number }
  | { readonly kind: "connecting" }
  /** `aheadMs`: how far the server's clock is ahead of this machine's, as it was when the session began. */
  | { readonly kind: "online"; readonly address: string; readonly aheadMs: number }
  /** Trying again makes no sense without a person: revoked, replaced, changed identity, disabled. */
  | { readonly kind: "stopped"; readonly code: string; readonly reason: string };

/** One account as `/users` shows it. */
export interface UserInfo {
  /** `name@server` for an account of a linked server. */
  readonly name: string;
  /** The linked server whose account it is; absent for one's own. */
  readonly server?: string;
  readonly online: boolean;
  readonly addresses: readonly string[];
  readonly lastSeen?: number;
  readonly self: boolean;
}

/** One notification. */
export interface NotificationInfo {
  readonly id: number;
  readonly kind: string;
  readonly ts: number;
  readonly seen: boolean;
  /** A sentence for people, without anything secret. */
  readonly text: string;
  readonly from?: string;
  readonly count?: number;
  /** The conversation's id (UUID), for requests and groups. */
  readonly conversation?: string;
}

/** What is known of an account's key. */
export interface KeyInfo {
  readonly name: string;
  readonly account: string;
  /** Grouped hexadecimal of the account key's fingerprint. */
  readonly fingerprint: string;
  /** 60 digits; absent for one's own account. */
  readonly safetyNumber?: string;
  readonly state: "own" | "unverified" | "verified" | "changed";
  readonly devices: readonly {
    readonly device: string;
    readonly createdAt: number;
    readonly revoked: boolean;
    readonly current: boolean;
  }[];
  /** The directory proof was checked: the log's size at that moment. */
  readonly logSize: number;
}

/** A conversation in a list. */
export interface ConversationInfo {
  readonly target: Target;
  readonly conversation: string;
  readonly unread: number;
  /** A stranger's, to be accepted or declined: not counted with the others. */
  readonly request?: boolean;
  /** The server that cannot be reached just now and without which nothing goes out; by its name here. */
  readonly away?: string;
  readonly last?: ChatMessage;
}

/** What a warning is about, for programs. */
export interface WarningFacts {
  readonly code: "key_changed" | "device_added" | "device_removed";
  /** The account that it concerns. */
  readonly name: string;
}

/** Takes what a person must know. */
export type Warn = (text: string, facts?: WarningFacts) => void;

/** What an engine tells its listeners. Messages come once each, in `local` order, also those other processes stored. */
export type EngineEvent =
  | { readonly kind: "connection"; readonly state: ConnectionState }
  | { readonly kind: "message"; readonly message: ChatMessage; readonly live: boolean }
  /** A state, read mark or text of a known message changed. */
  | { readonly kind: "changed"; readonly message: ChatMessage }
  | { readonly kind: "presence"; readonly users: readonly UserInfo[] }
  | { readonly kind: "notification"; readonly notification: NotificationInfo }
  /** Something a person must know: a changed key, a new device, a refused server. */
  | ({ readonly kind: "warning"; readonly text: string } & Partial<WarningFacts>)
  /** The link between one's own server and another one has come, or has gone. */
  | { readonly kind: "link"; readonly server: string; readonly linked: boolean }
  /** History comes from the archive, on a device that has none yet. */
  | { readonly kind: "archive"; readonly progress: ArchiveProgress }
  /** Everything that waited at connect has been processed. */
  | { readonly kind: "caught_up" };

/** Who and where. */
export interface SelfInfo {
  readonly name: string;
  readonly account: string;
  readonly device: string;
  readonly fingerprint: string;
  readonly server: { readonly host: string; readonly port: number; readonly name: string };
  readonly serverFingerprint: string;
  readonly profile: string;
}

/** Choice of history. */
export interface HistoryQuery {
  readonly target?: Target;
  /** The last so many; all when absent. */
  readonly limit?: number;
  /** Only texts that match; whatever the expression, it ends (`malformed` when it takes too long). */
  readonly grep?: RegExp;
  /** Only texts that contain these words, in any case of letters. */
  readonly contains?: string;
}

/** One account on one device, unlocked. Methods reject with `AppError`; network ones with `code: "timeout"` and alike. */
export interface Engine {
  readonly self: SelfInfo;
  /** Changing what was said: reactions and alike. */
  readonly content: ContentActions;
  readonly files: FileActions;
  /** The server's directory: what was shown of it, and beginning anew. */
  readonly directory: DirectoryDesk;
  readonly groups: GroupsApi;
  readonly requests: RequestsApi;
  /** The account's own history, encrypted on the server for its devices. */
  readonly archive: ArchiveActions;
  readonly devices: DeviceActions;
  /** What the interactive client keeps. */
  readonly desk: Desk;
  connection(): ConnectionState;
  /** Called for every event from now on; `after` first replays stored messages with a greater `local`. */
  subscribe(listener: (event: EngineEvent) => void, options?: { after?: number }): () => void;
  /**
   * Connects and stays connected. `receive`: live messages and presence. Resolves when the first connection is ready,
   * or rejects with the reason; with `keepTrying` it resolves at once and goes on in the background.
   */
  start(options: { receive: boolean; keepTrying: boolean; signal?: AbortSignal }): Promise<void>;
  /** Waits until everything that was waiting at the server has been stored here. */
  caughtUp(signal?: AbortSignal): Promise<void>;
  /** Puts the text into the outbox (durable) and returns its message, then sends in the background. */
  send(target: Target, text: string): Promise<ChatMessage>;
  /** Resolves when message `id` has reached `state` or better (sent < reached < delivered < read), or has failed. */
  waitFor(
    id: string,
    state: WaitedState,
    signal?: AbortSignal,
  ): Promise<ChatMessage>;
  /** Puts a failed message back into the queue. */
  retry(id: string): Promise<void>;
  /**
   * Changes the conversation's keys now, so that nothing stolen before opens what comes (an MLS commit with a fresh path).
   * Makes the conversation when there is none yet. Rejects when the server cannot be reached.
   */
  rekey(target: Target): Promise<void>;
  /** The greatest `local` of any message; 0 when there is none. */
  newest(): number;
  conversations(): Promise<readonly ConversationInfo[]>;
  history(query: HistoryQuery): Promise<readonly ChatMessage[]>;
  /** Unread messages of others, earliest first. */
  unread(target?: Target): Promise<readonly ChatMessage[]>;
  /** Marks everything in the message's conversation up to and including it as read, here and at the server. */
  markRead(message: ChatMessage): Promise<void>;
  exists(name: string): Promise<boolean>;
  users(scope: "online" | "all"): Promise<readonly UserInfo[]>;
  notifications(options: { unseen: boolean }): Promise<readonly NotificationInfo[]>;
  notificationsSeen(through: number): Promise<void>;
  key(name: string): Promise<KeyInfo>;
  /** A person compared the safety number (or, with false, takes that back; also accepts a changed key). */
  setVerified(name: string, verified: boolean): Promise<void>;
  /** Whether this is the account's password; a wrong guess counts as an attempt at the server. */
  isPassword(password: string): Promise<boolean>;
  changePassword(current: string, next: string): Promise<void>;
  revokeDevice(device: string): Promise<void>;
  /** Receipts that `sealpost verify` checks offline, one JSON object per message. */
  exportSigned(query: HistoryQuery): Promise<readonly string[]>;
  /** Drains the outbox for at most `drainMs`, closes the connection and the database. */
  stop(options?: { drainMs?: number }): Promise<void>;
}

/** A server as found at first contact, for a person to judge. */
export interface ContactFacts {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly fingerprint: string;
}

/** How the client decides whom to trust. */
export interface TrustPolicy {
  /** Asked once for an unknown server; false ends with a trust error and nothing was sent. */
  confirm(facts: ContactFacts): Promise<boolean>;
}

export type { ServerAddress } from "../../lib/base/server_address.ts";

/** Before an account is chosen: a server that is, or is about to be, pinned. */
export interface Entrance {
  /** The account this profile used last on this server. */
  readonly lastName: string | undefined;
  /** Whether the account exists on the server; the client's first question. */
  check(name: string): Promise<boolean>;
  /** Whether this machine has an unlockable profile of that account. */
  hasProfile(name: string): boolean;
  /** Whether the profile's key is remembered, so that no password is needed. */
  isRemembered(name: string): boolean;
  register(options: { name: string; password: string; remember: boolean }): Promise<Engine>;
  /**
   * Unlocks the local profile and (later) logs its device in, or, where there is none, logs in by OPAQUE and enrols
   * this device. A wrong password rejects with `invalid_credentials`. No password: the remembered key.
   */
  login(options: { name: string; password?: string; remember: boolean }): Promise<Engine>;
  /** Forgets a remembered key. */
  forget(name: string): Promise<void>;
  close(): Promise<void>;
}
