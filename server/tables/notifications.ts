/** The part of the storage port that keeps notifications. */
import type { Role } from "../../lib/base/membership.ts";
import type { NotificationRow } from "../operations/contract.ts";

/** A stored notification; those of messages are part of the member instead. */
export interface StoredNotification {
  readonly number: number;
  readonly kind: Exclude<NotificationRow["kind"], "message">;
  readonly ts: number;
  readonly seen: boolean;
  readonly device: string | null;
  readonly label: string | null;
  readonly count: number | null;
  /** Id of the conversation. */
  readonly conversation: string | null;
  /** Storage key of the account that did it. */
  readonly from: number | null;
  readonly role: Role | null;
}

/** A member's notification of messages. */
export interface MessageNotification {
  readonly number: number;
  readonly conversation: string;
  /** Storage key of the account that sent the latest. */
  readonly from: number;
  readonly count: number;
  readonly ts: number;
  readonly seen: boolean;
}

/** Notifications. Lists hold those after `after`, ascending; with `unseen`, only such. */
export interface Notifications {
  add(account: number, notification: StoredNotification): void;
  /** Deletes all stored ones of an account. */
  removeAll(account: number): void;
  /** The newest one of this kind that was not seen. */
  unseen(account: number, kind: StoredNotification["kind"]): StoredNotification | undefined;
  update(
    account: number,
    number: number,
    change: { readonly ts: number; readonly count: number },
  ): void;
  /** Forgets those of this kind about a conversation (its id) that were not seen: a newer one takes their place. */
  replace(account: number, kind: StoredNotification["kind"], conversation: string): void;
  list(account: number, query: NotificationQuery): StoredNotification[];
  ofMessages(account: number, query: NotificationQuery): MessageNotification[];
  /** Storage keys of the conversations with unseen notifications up to `through`; marks all others as seen. */
  see(account: number, through: number): number[];
  expire(before: number): number;
}

/** Which notifications to list. */
export interface NotificationQuery {
  readonly unseen: boolean;
  readonly after: number;
  readonly limit: number;
}
