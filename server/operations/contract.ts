/**
 * What the network side may ask of the storage side: every operation with its input and result. One operation is one
 * transaction (or one savepoint of a shared one). Inputs and results are plain data that cross a worker border;
 * binary that is stored or forwarded as it is travels as bytes, keys and hashes as base64url text.
 */
import type { AdminOperations } from "./contract_admin.ts";
import type { Actor, Ordered, Outcome, Refused } from "./contract_base.ts";
import type { FileBytes, FileOperations } from "./contract_files.ts";
import type { Nudge, SessionKey } from "./contract_nudge.ts";
import type { CommitRefusalReason } from "../../lib/crypto/commit_refusal.ts";
import type { MembershipChange, RoleEntry } from "../../lib/base/membership.ts";
import type { HandedOnOperations, PeerOperations } from "./contract_peers.ts";
import type {
  BlockedServerRow,
  BlockRow,
  ConversationKind,
  ConversationRow,
  DeviceRow,
  LogRow,
  NotificationRow,
  PostRow,
  RosterEntry,
  Standing,
  UserRow,
} from "./contract_rows.ts";

export type * from "./contract_peers.ts";
export type {
  BlockedServerRow,
  BlockRow,
  ConversationKind,
  ConversationRow,
  DeviceRow,
  LogRow,
  MemberRow,
  MemberState,
  MessageRow,
  NotificationRow,
  PostRow,
  RefusalRow,
  RosterEntry,
  Standing,
  UserRow,
} from "./contract_rows.ts";

export type { AccountRow, InviteRow } from "./contract_admin.ts";
export type { Actor, Elsewhere, Ordered, Outcome, Refused } from "./contract_base.ts";
export type { FileBytes, FileSettings } from "./contract_files.ts";
export type { Nudge, SessionKey } from "./contract_nudge.ts";

/** What a session says of itself when it becomes ready. */
export interface Arrival extends SessionKey {
  readonly instance: string;
  readonly receive: boolean;
  /** Take over from older sessions of another instance, which were found dead. */
  readonly replace: boolean;
}

/** The answer to a session that becomes ready, or the older sessions that are in its way. */
export interface Welcome {
  readonly account: string;
  readonly name: string;
  readonly device: string;
  readonly address: string;
  readonly unread: number;
  readonly notifications: number;
  readonly keyPackages: number;
  readonly lastResortAt: number | null;
  readonly lobbyHead: number;
}

/** Becoming ready can also find a session of another instance of the same device, which must be probed first. */
export type ArrivalOutcome =
  | ({ readonly ok: true } & Welcome)
  | { readonly ok: false; readonly code: "already_logged_in"; readonly older: SessionKey[] }
  | Refused;

/** One sealed batch of an archive. */
export interface ArchiveBatch {
  /** From 1. */
  readonly position: number;
  /** From 1. */
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** The last batch of an archive, the size of all, and how large they may be together. */
export interface ArchiveState {
  readonly position: number;
  readonly revision: number;
  readonly bytes: number;
  readonly most: number;
}

type Empty = Record<never, never>;

interface CommitInput extends Actor {
  readonly conversation: string;
  readonly hash: string;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array;
  readonly groupInfo: Uint8Array;
  /** What the commit itself says that it changes about accounts. */
  readonly membership: MembershipChange;
}

interface Appended {
  readonly seq: number;
  readonly epoch: number;
  readonly ts: number;
}

/** Every operation: `in` is what it takes, `out` what it answers. Time (`now`) is added by the storage side. */
export interface Operations
  extends FileOperations, AdminOperations, PeerOperations, HandedOnOperations {
  // Accounts
  "account.exists": { in: { name: string }; out: { exists: boolean } };
  /** Refuses bad names, taken names, closed registration and too many registrations from one address, begun or done. */
  "account.registrable": {
    in: { name: string; remote: string; invite?: string | undefined };
    out: Outcome<Empty>;
  };
  /** The certificate was verified by the gateway against the session's device key and the server's identity. */
  "account.register": {
    in: {
      name: string;
      remote: string;
      account: string;
      accountKey: string;
      record: string;
      vault: Uint8Array;
      device: string;
      certificate: string;
      label: string;
      /** The token of an invitation. */
      invite?: string | undefined;
      arrival: Arrival;
    };
    out: ArrivalOutcome;
  };
  /** The OPAQUE record; undefined for an unknown name, which is to be answered alike. Counts attempts. */
  "login.start": {
    in: { name: string; remote: string };
    out: Outcome<{ record: string | undefined }>;
  };
  "login.failed": { in: { name: string; remote: string }; out: Empty };
  "login.succeeded": {
    in: { name: string; remote: string };
    out: Outcome<{ account: string; name: string; accountKey: string; vault: Uint8Array }>;
  };
  "device.enrol": {
    in: Actor & { certificate: string; label: string; arrival: Arrival };
    out: ArrivalOutcome;
  };
  "login.device": { in: { device: string; arrival: Arrival }; out: ArrivalOutcome };
  "session.close": { in: SessionKey; out: Empty };
  "session.receive": { in: SessionKey & { receive: boolean }; out: Empty };
  "password.record": {
    in: Actor;
    out: Outcome<{ name: string; record: string }>;
  };
  "password.change": {
    in: Actor & { record: string; vault: Uint8Array };
    out: Outcome<Empty>;
  };
  "vault.get": { in: Actor; out: Outcome<{ vault: Uint8Array }> };
  "device.rename": { in: Actor & { renamed: string; label: string }; out: Outcome<Empty> };
  "device.list": { in: Actor; out: { devices: DeviceRow[] } };
  /** The revocation was verified by the gateway; `revoked` is the device it names. Queues removals everywhere. */
  "device.revoke": {
    in: Actor & { revoked: string; revocation: string };
    out: Outcome<Empty>;
  };

  "account.block": { in: Actor & { other: string }; out: Outcome<Empty> };
  "account.unblock": { in: Actor & { other: string }; out: Outcome<Empty> };
  "account.blocks": {
    in: Actor & { after: string | undefined; limit: number };
    out: { blocked: BlockRow[]; servers: BlockedServerRow[]; more: boolean };
  };
  /** Everybody of the linked server of that name here is blocked, or no longer. */
  "server.block": { in: Actor & { server: string }; out: Outcome<Empty> };
  "server.unblock": { in: Actor & { server: string }; out: Outcome<Empty> };

  // Directory
  "directory.users": {
    in: { scope: "online" | "all"; after: string | undefined; limit: number };
    out: { users: UserRow[]; more: boolean };
  };
  "directory.keys": {
    in: { name: string | undefined; account: string | undefined };
    out: Outcome<{
      account: string;
      name: string;
      accountKey: string;
      certificates: string[];
      revocations: string[];
      entry: Uint8Array;
      index: number;
      path: string[];
      size: number;
      root: string;
    }>;
  };
  /** Of an account that is none of this server's own; nothing where it is not known either. */
  "directory.home": { in: { account: string }; out: { server?: string } };
  "directory.head": { in: Empty; out: { size: number; root: string } };
  "directory.consistency": { in: { from: number; to: number }; out: Outcome<{ path: string[] }> };
  "directory.entries": { in: { from: number; limit: number }; out: { entries: Uint8Array[] } };
  "keypackages.put": {
    in: Actor & { packages: { ref: string; lastResort: boolean; bytes: Uint8Array }[] };
    out: Outcome<{ keyPackages: number }>;
  };
  "keypackages.claim": {
    in: Actor & { target: string; conversation: string; anew?: boolean };
    out: Outcome<{
      packages: { device: string; ref: string; lastResort: boolean; bytes: Uint8Array }[];
      missing: string[];
      /** Whether the account is asked before the acting one may write to it. */
      asked: boolean;
    }>;
  };

  // Conversations
  "conversation.create": {
    in: CommitInput & {
      kind: ConversationKind;
      /** Of a direct conversation: the other account. */
      with: string | undefined;
      roster: RosterEntry[];
    };
    out: Outcome<Appended>;
  };
  "conversation.commit": {
    in: CommitInput & {
      /** 0 when left out. */
      incarnation?: number;
      epoch: number;
      external: boolean;
      add: RosterEntry[];
      remove: string[];
    };
    out: Ordered<Appended>;
  };
  "conversation.list": {
    in: Actor & { after: string | undefined; limit: number };
    out: { conversations: ConversationRow[]; more: boolean };
  };
  "conversation.info": {
    in: Actor & { conversation: string };
    out: Ordered<
      Standing & {
        kind: ConversationKind;
        members: RoleEntry[];
        incarnation: number;
        epoch: number;
        head: number;
        after?: number;
        roster: RosterEntry[];
        removals: string[];
        leaving: string[];
        groupInfo: Uint8Array;
      }
    >;
  };
  /** The account leaves a group; the last one deletes it. */
  "conversation.leave": {
    in: Actor & { conversation: string };
    out: Ordered<{ deleted: boolean }>;
  };
  "conversation.answer": {
    in: Actor & { conversation: string; answer: "accept" | "decline" };
    out: Outcome<Empty>;
  };
  /** The signature was verified by the gateway. */
  "conversation.refuse": {
    in: Actor & {
      conversation: string;
      incarnation: number;
      epoch: number;
      hash: string;
      reason: CommitRefusalReason;
      signature: string;
    };
    out: Ordered<{ rolledBack: boolean; others: number }>;
  };
  "conversation.recreate": {
    in: CommitInput & { incarnation: number; roster: RosterEntry[] };
    out: Ordered<Appended & { incarnation: number }>;
  };
  "message.send": {
    in: Actor & {
      conversation: string;
      message: string;
      /** 0 when left out. */
      incarnation?: number;
      epoch: number;
      bytes: Uint8Array;
      /** Whether it counts as nothing unread; it does when left out. */
      quiet?: boolean;
      /** Which of the device's sending keys of the epoch; undefined where it does not say. */
      generation?: number;
      /** Days that its bytes are kept; the server's own time when left out. */
      keepDays?: number;
    };
    out: Ordered<{ seq: number; ts: number }>;
  };
  /** Rows after the greater of `after` and the device's cursor, without the device's own. */
  "log.read": {
    in: Actor & { conversation: string; after: number; limit: number; maxBytes: number };
    out: Outcome<{ rows: LogRow[]; more: boolean }>;
  };
  /** Conversations in which rows wait for the device. */
  "log.pending": { in: Actor; out: { conversations: { conversation: string; cursor: number }[] } };
  "message.ack": { in: Actor & { acks: { conversation: string; seq: number }[] }; out: Empty };
  "message.read": {
    in: Actor & { conversation: string; seq: number };
    out: Outcome<{ unread: number }>;
  };

  // Lobby and notifications
  "lobby.post": {
    in: Actor & { post: string; text: string; sentAt: number; signature: string };
    out: Outcome<{ seq: number; ts: number }>;
  };
  "lobby.read": {
    in: { after: number; limit: number };
    out: { posts: PostRow[]; head: number; more: boolean };
  };
  "notification.list": {
    in: Actor & { unseen: boolean; after: number; limit: number };
    out: { notifications: NotificationRow[]; more: boolean };
  };
  "notification.seen": { in: Actor & { through: number }; out: Empty };

  // The archive
  "archive.head": { in: Actor; out: Outcome<ArchiveState> };
  "archive.read": {
    in: Actor & { positions: number[]; maxBytes: number };
    out: Outcome<{ batches: ArchiveBatch[] }>;
  };
  "archive.write": { in: Actor & { batches: ArchiveBatch[] }; out: Outcome<ArchiveState> };

  // Between gateways
  /** Asks whichever gateway holds `target` whether that session still lives; answered by a `probed` nudge. */
  "session.probe": { in: { target: SessionKey; probe: string }; out: Empty };
  "session.probed": { in: { probe: string; alive: boolean }; out: Empty };
  /** Deletes what is past its retention. */
  "retention.run": { in: Empty; out: { deleted: number } };
}

/** The name of an operation. */
export type OperationName = keyof Operations;
/** What operation `N` takes. */
export type Input<N extends OperationName> = Operations[N]["in"];
/** What operation `N` answers. */
export type Result<N extends OperationName> = Operations[N]["out"];

/** The storage side as gateways see it; behind it are a worker and batches. */
export interface Storage {
  /** Runs one operation. Resolves after its commit. Rejects with an `AppError` (`storage_full`, `internal`). */
  call<N extends OperationName>(name: N, input: Input<N>): Promise<Result<N>>;
  /** Registers the receiver of nudges; there is one. */
  onNudges(receive: (nudges: readonly Nudge[]) => void): void;
  readonly files: FileBytes;
}
