/** An own change of a group that waits for the server's verdict, as it is stored. */
import { type Bytes, fromBase64url, fromUtf8, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import type { PendingCommit } from "../../lib/mls/mod.ts";
import type { GroupFacts } from "../store/group_facts.ts";
import type { Notice } from "./notices.ts";

/** What kind of change: a new conversation, a member's commit, or joining by oneself. */
export type Change =
  /** `with`: the other account; without it a group. */
  | { readonly kind: "create"; readonly with?: string }
  | { readonly kind: "commit" }
  | { readonly kind: "external" }
  /** A new group in an old conversation. */
  | { readonly kind: "recreate" };

/** One device of a conversation, as the server is told. */
export interface RosterEntry {
  readonly account: string;
  readonly device: string;
}

/** What a change makes of a group, beside its keys. */
export interface PendingGroup {
  readonly facts: GroupFacts;
  readonly notices: readonly Notice[];
  /** Accounts that leave by it. */
  readonly leaving: readonly string[];
  /** What the others are told with it: what the group is called; or they are asked for that. */
  readonly tell: "name" | "ask" | "nothing";
}

/** A change with everything that sending it again takes, and the state that it leads to. */
export interface Pending {
  readonly change: Change;
  readonly conversation: string;
  /** The conversation's, with the change accepted; 0 when absent. */
  readonly incarnation?: number;
  /** Epoch that it applies to. */
  readonly epoch: number;
  readonly hash: string;
  readonly commit: Bytes;
  readonly welcome: Bytes;
  readonly groupInfo: Bytes;
  readonly next: Bytes;
  readonly add: readonly RosterEntry[];
  readonly remove: readonly string[];
  readonly group?: PendingGroup;
  /** Of joining by oneself: the row after which everything comes all the same. */
  readonly after?: number;
}

/** Of the library's pending commit. */
export function pendingOf(
  built: PendingCommit,
  facts: Pick<Pending, "change" | "conversation" | "incarnation" | "group" | "after">,
): Pending {
  return {
    ...facts,
    epoch: built.epoch,
    hash: built.hash,
    commit: built.bytes,
    welcome: built.welcome ?? new Uint8Array(),
    groupInfo: built.groupInfo,
    next: built.next.encode(),
    add: built.added.map(({ certificate }) => ({
      account: certificate.accountId,
      device: toBase64url(certificate.deviceKey),
    })),
    remove: built.removed.map(({ certificate }) => toBase64url(certificate.deviceKey)),
  };
}

/** As bytes for the store. Holds secrets. */
export function encodePending(pending: Pending): Bytes {
  const { commit, welcome, groupInfo, next, ...rest } = pending;
  return utf8(JSON.stringify({
    ...rest,
    commit: toBase64url(commit),
    welcome: toBase64url(welcome),
    groupInfo: toBase64url(groupInfo),
    next: toBase64url(next),
  }));
}

/** What `encodePending` made; it comes from the own store. */
export function decodePending(bytes: Uint8Array): Pending {
  const stored = JSON.parse(fromUtf8(bytes));
  return {
    ...stored,
    commit: fromBase64url(stored.commit),
    welcome: fromBase64url(stored.welcome),
    groupInfo: fromBase64url(stored.groupInfo),
    next: fromBase64url(stored.next),
  };
}
