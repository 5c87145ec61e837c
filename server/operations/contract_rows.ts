/** The rows that operations answer with, and what they are made of: plain data that crosses a worker border. */
import type { Role, RoleEntry } from "../../lib/base/membership.ts";
import type { CommitRefusalReason } from "../../lib/crypto/commit_refusal.ts";

/** One device in a conversation. */
export interface RosterEntry {
  readonly account: string;
  readonly device: string;
}

/** What kind of conversation it is. */
export type ConversationKind = "direct" | "group";

/** How an account stands to a conversation: takes part, has not answered, has declined, is to be removed. */
export type MemberState = "active" | "request" | "declined" | "left";

/** The own account's state, and in a request, who made it (account id). */
export interface Standing {
  readonly state: MemberState;
  readonly by?: string;
}

/** One row of a conversation's log, as a given device sees it. */
export type LogRow =
  & {
    readonly conversation: string;
    readonly seq: number;
    readonly account: string;
    readonly device: string;
    readonly ts: number;
    readonly epoch: number;
    readonly bytes: Uint8Array;
  }
  & (
    | { readonly type: "message"; readonly message: string }
    | {
      readonly type: "commit";
      readonly hash: string;
      readonly external: boolean;
      readonly add: RosterEntry[];
      readonly remove: string[];
    }
    | (Standing & {
      readonly type: "welcome";
      readonly kind: ConversationKind;
      readonly roster: RosterEntry[];
      readonly members: RoleEntry[];
      readonly incarnation: number;
    })
    /** By the server itself: `account` and `device` are the committer's. */
    | {
      readonly type: "rollback";
      readonly incarnation: number;
      readonly hash: string;
      readonly refusals: readonly RefusalRow[];
      readonly roster: readonly RosterEntry[];
    }
    | {
      readonly type: "recreated";
      readonly incarnation: number;
      readonly hash: string;
      /** The server was restored from a backup: it has forgotten the rows after that one. */
      readonly forgotten?: number;
    }
  );

/** A message of a log: the same for every device that gets it. */
export type MessageRow = Extract<LogRow, { readonly type: "message" }>;

/** A device that cannot apply a commit, with its signature (lib/crypto/commit_refusal.ts). */
export interface RefusalRow {
  readonly account: string;
  readonly device: string;
  readonly reason: CommitRefusalReason;
  /** Base64url. */
  readonly signature: string;
}

/** One account as others see it. */
export interface UserRow {
  readonly name: string;
  readonly account: string;
  readonly online: boolean;
  readonly addresses: string[];
  readonly lastSeen: number | null;
}

/** How far a member has got in a conversation. */
export interface MemberRow {
  readonly account: string;
  readonly name: string;
  readonly role: Role;
  readonly delivered: number;
  readonly deliveredAt: number | null;
  readonly read: number;
  readonly readAt: number | null;
  /** Of a member of another server: everything up to here is on that server's disk. */
  readonly reached?: number;
}

/** A conversation as one device's account sees it. */
export interface ConversationRow extends Standing {
  readonly conversation: string;
  readonly kind: ConversationKind;
  /** Name here of the linked server whose conversation it is; absent for an own one. */
  readonly hub?: string;
  readonly members: MemberRow[];
  readonly epoch: number;
  readonly incarnation: number;
  readonly head: number;
  readonly cursor: number | null;
  /** Everything up to here this device said it has; and how far its sending keys are used, where that is known. */
  readonly acked?: number;
  readonly used?: { readonly epoch: number; readonly generations: number };
  /** Rows up to here were given up before this device had them. */
  readonly lost?: number;
  readonly unread: number;
  readonly removals: string[];
  readonly leaving: string[];
}

/** A post of the lobby. */
export interface PostRow {
  readonly seq: number;
  readonly post: string;
  readonly account: string;
  readonly name: string;
  readonly device: string;
  readonly text: string;
  readonly sentAt: number;
  readonly ts: number;
  readonly signature: string;
}

/** A notification. */
export interface NotificationRow {
  readonly notification: number;
  readonly kind:
    | "message"
    | "request"
    | "group_added"
    | "group_removed"
    | "group_role"
    | "device_added"
    | "device_removed"
    | "key_changed"
    | "login_failures";
  readonly ts: number;
  readonly seen: boolean;
  readonly conversation?: string;
  readonly from?: string;
  readonly count?: number;
  readonly role?: Role;
  readonly device?: string;
  readonly label?: string;
}

/** One device of an account as its owner sees it. */
export interface DeviceRow {
  readonly device: string;
  readonly label: string;
  readonly createdAt: number;
  readonly lastSeen: number | null;
  readonly online: boolean;
  readonly revoked: boolean;
}

/** An account that is blocked. */
export interface BlockedServerRow {
  /** Its name here. */
  readonly server: string;
  readonly since: number;
}

/** A blocked account. */
export interface BlockRow {
  readonly account: string;
  readonly name: string;
  readonly since: number;
}
