/**
 * What linked servers queue for each other about conversations: the hub its rows, a follower what its own users have got.
 * Devices are named by their keys; whose they are both sides know, from their certificates.
 */
import type { RoleEntry } from "../../lib/base/membership.ts";
import type { ConversationKind, RefusalRow } from "./contract.ts";

/** The certificate of a device that following items name. */
export interface DeviceItem {
  readonly kind: "device";
  readonly certificate: string;
  /** Of an account of a third server: what that is called here. */
  readonly server?: string;
}

/** A piece (the body) of the body of the next item that is not such a piece. */
export interface PartItem {
  readonly kind: "part";
}

/** A message; the body is its bytes. */
export interface MessageItem {
  readonly kind: "message";
  readonly conversation: string;
  readonly seq: number;
  readonly ts: number;
  readonly epoch: number;
  readonly device: string;
  readonly message: string;
  /** It counts as nothing unread. */
  readonly quiet?: true;
  /** When its bytes are to be forgotten; left out: each server's own time. */
  readonly until?: number;
  readonly generation?: number;
}

/** A commit; the body is what it changes about accounts, the commit, the welcome. */
export interface CommitItem {
  readonly kind: "commit";
  readonly conversation: string;
  /** After it. */
  readonly incarnation: number;
  readonly seq: number;
  readonly ts: number;
  /** The epoch that it leads away from. */
  readonly epoch: number;
  readonly device: string;
  readonly hash: string;
  readonly external: boolean;
  /** It begins a group, the first or one that is made anew: whoever is not added is out. */
  readonly founds: boolean;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Lengths of the parts of the body. */
  readonly parts: readonly [number, number, number];
}

/** The latest commit was taken back. */
export interface RollbackItem {
  readonly kind: "rollback";
  readonly conversation: string;
  /** After it. */
  readonly incarnation: number;
  readonly seq: number;
  readonly ts: number;
  readonly hash: string;
  readonly refusals: readonly RefusalRow[];
}

/** Whom the next commit has to remove. */
export interface StandingItem {
  readonly kind: "standing";
  readonly conversation: string;
  readonly removals: readonly string[];
  /** Accounts that leave. */
  readonly leaving: readonly string[];
}

/** A conversation as it stands after row `seq`: whoever has another state of it takes this one. */
export interface SnapshotItem {
  readonly kind: "snapshot";
  readonly conversation: string;
  readonly of: ConversationKind;
  /** The account on whose behalf those come in who are new to it. */
  readonly by: string;
  readonly incarnation: number;
  readonly epoch: number;
  readonly seq: number;
  readonly ts: number;
  readonly members: readonly RoleEntry[];
  readonly roster: readonly string[];
  readonly removals: readonly string[];
  readonly leaving: readonly string[];
  /** The hub was restored from a backup with row `at`: it has forgotten the rows after `last`, and everybody enters anew. */
  readonly restored?: { readonly at: number; readonly last: number };
}

/** How far an account is. */
export interface Progress {
  readonly conversation: string;
  readonly account: string;
  readonly delivered: number;
  readonly read: number;
  readonly at: number;
  /** Of an account of a third server: that server has everything up to here. */
  readonly reached?: number;
}

/** How far accounts are; from the hub those of other servers, from a follower its own. */
export interface ReceiptsItem {
  readonly kind: "receipts";
  readonly receipts: readonly Progress[];
}

/** The hub has no such conversation, or none that the server has members in. */
export interface EndItem {
  readonly kind: "end";
  readonly conversation: string;
}

/** To the hub: how an own account of the follower stands to the conversation now. */
export interface AnswerItem {
  readonly kind: "answer";
  readonly conversation: string;
  readonly account: string;
  readonly state: "active" | "request" | "declined";
}

/** To the hub: the follower has lost its place. */
export interface WantedItem {
  readonly kind: "wanted";
  readonly conversation: string;
}

/** A device of the sending server speaks for its account no longer. */
export interface RevokedItem {
  readonly kind: "revoked";
  readonly revocation: string;
}

/** Everything about conversations. */
export type ConversationItem =
  | DeviceItem
  | PartItem
  | MessageItem
  | CommitItem
  | RollbackItem
  | StandingItem
  | SnapshotItem
  | ReceiptsItem
  | EndItem
  | AnswerItem
  | WantedItem
  | RevokedItem;
