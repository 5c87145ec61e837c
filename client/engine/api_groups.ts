/** Groups, requests and blocking as the user interface and the one-shot commands see them. */
import type { Role } from "../../lib/base/membership.ts";
import type { Target } from "./api_target.ts";

/** A group's name as somebody typed it, or what the engine told of it before. */
export type GroupTarget = Extract<Target, { readonly kind: "group" }>;

/** Where this account stands to a group. */
export type GroupStanding = "active" | "request" | "leaving" | "left" | "removed" | "dissolved";

/** One member of a group. */
export interface GroupMemberInfo {
  readonly name: string;
  readonly account: string;
  readonly role: Role;
  readonly self: boolean;
}

/** One group. Names come from others and are not sanitised. */
export interface GroupInfo {
  readonly target: GroupTarget;
  /** The conversation's id (UUID). */
  readonly id: string;
  /** Without `#`; made of its id until somebody has told it. */
  readonly name: string;
  readonly named: boolean;
  readonly description?: string;
  readonly standing: GroupStanding;
  /** Who invited, removed or dissolved. */
  readonly by?: string;
  readonly members: readonly GroupMemberInfo[];
  readonly role: Role | undefined;
  readonly unread: number;
}

/** An account that is blocked, or a linked server with everybody on it. */
export interface BlockedInfo {
  /** The account's address here; of a server `@` and its name here. */
  readonly name: string;
  /** Absent for a server. */
  readonly account?: string;
  /** The server's name here; absent for an account. */
  readonly server?: string;
  readonly since: number;
}

/**
 * What can be done with groups. Methods reject with `AppError`: `not_found` for a group that is not there or not certain,
 * `not_allowed` for what the role does not allow, `not_a_member`, `no_such_user`, `group_full`, and network errors.
 */
export interface GroupsApi {
  /** Makes a group with the accounts of these names. */
  create(name: string, users: readonly string[]): Promise<GroupInfo>;
  list(): Promise<readonly GroupInfo[]>;
  info(target: GroupTarget): Promise<GroupInfo>;
  /** Adds accounts; those who are in it already are left out of the answer, which names who was added. */
  add(target: GroupTarget, users: readonly string[]): Promise<readonly string[]>;
  /** Removes accounts; the answer names who was removed. */
  remove(target: GroupTarget, users: readonly string[]): Promise<readonly string[]>;
  setRole(target: GroupTarget, user: string, role: Role): Promise<void>;
  rename(target: GroupTarget, name: string): Promise<void>;
  /** Rejects with `last_owner` while others remain and there is no other owner. */
  leave(target: GroupTarget): Promise<void>;
  /** Removes everybody else, and leaves. */
  dissolve(target: GroupTarget): Promise<void>;
}

/** What can be done about strangers. Methods reject with `AppError`: `not_found`, `no_such_user`, and network errors. */
export interface RequestsApi {
  /** Answers a request: a group's invitation, or a stranger's first messages. */
  answer(target: Target, answer: "accept" | "decline"): Promise<void>;
  /**
   * Blocks an account, or everybody of a linked server: `@SERVER`, where a server of that name is linked with one's own;
   * else `@` before an account's name counts for nothing. The answer is who was blocked, as `blocked` names them.
   */
  block(name: string): Promise<string>;
  /** Ends that, in the same way. */
  unblock(name: string): Promise<string>;
  blocked(): Promise<readonly BlockedInfo[]>;
}
