/** Putting up notifications. */
import type { Role } from "../../lib/base/membership.ts";
import type { Account, StoredNotification, Tables } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import type { NotificationRow } from "./contract.ts";
import { liveDevices } from "./presence.ts";
import { shownName } from "./remote.ts";

/** A stored notification as peers get it. */
export function notificationRow(tables: Tables, stored: StoredNotification): NotificationRow {
  return {
    notification: stored.number,
    kind: stored.kind,
    ts: stored.ts,
    seen: stored.seen,
    ...(stored.device === null ? {} : { device: stored.device }),
    ...(stored.label === null ? {} : { label: stored.label }),
    ...(stored.count === null ? {} : { count: stored.count }),
    ...(stored.conversation === null ? {} : { conversation: stored.conversation }),
    ...(stored.from === null
      ? {}
      : { from: shownName(tables, tables.accounts.byKey(stored.from)) }),
    ...(stored.role === null ? {} : { role: stored.role }),
  };
}

/** Gives the account's next notification number. */
export function nextNumber(context: Context, account: Account): number {
  account.notifications += 1;
  context.tables.accounts.save(account);
  return account.notifications;
}

/** Nothing in particular. */
const nothing = {
  device: null,
  label: null,
  count: null,
  conversation: null,
  from: null,
  role: null,
} as const;

type Facts = Partial<Omit<StoredNotification, "number" | "ts" | "seen" | "kind">>;

/** Stores a notification and tells the account's live devices, other than `by`. Accounts of other servers have theirs there. */
function notify(
  context: Context,
  account: Account,
  about: { readonly kind: StoredNotification["kind"]; readonly facts: Facts; readonly by?: string },
): void {
  if (account.peer !== null) return;
  const { tables, now: ts } = context;
  const { kind, facts, by } = about;
  const number = nextNumber(context, account);
  const stored: StoredNotification = { number, kind, ts, seen: false, ...nothing, ...facts };
  tables.notifications.add(account.key, stored);
  const devices = liveDevices(tables, account.key, by);
  if (devices.length === 0) return;
  context.nudge({ kind: "notification", devices, notification: notificationRow(tables, stored) });
}

/** Stores a notification about a device and tells the account's other live devices. */
export function notifyOfDevice(
  context: Context,
  account: Account,
  about: {
    readonly kind: "device_added" | "device_removed";
    readonly device: string;
    readonly label: string;
    /** The device that did it, which need not be told. */
    readonly by: string;
  },
): void {
  const { kind, device, label, by } = about;
  notify(context, account, { kind, facts: { device, label }, by });
}

/**
 * Stores what somebody did with the account (storage key) in a conversation. Of each kind the latest is kept that was not
 * seen: whoever adds and removes somebody in a loop fills no list.
 */
export function notifyOfConversation(
  context: Context,
  account: number,
  about: {
    readonly kind: "request" | "group_added" | "group_removed" | "group_role";
    /** Its id. */
    readonly conversation: string;
    /** Storage key of the account that did it. */
    readonly from: number;
    readonly role?: Role;
  },
): void {
  const { kind, ...facts } = about;
  // Those of other servers are told there.
  if (context.tables.accounts.byKey(account).peer !== null) return;
  context.tables.notifications.replace(account, kind, about.conversation);
  notify(context, context.tables.accounts.byKey(account), { kind, facts });
}

/** Stores that `count` logins failed, or raises the count of such a notification that was not seen yet. */
export function notifyOfFailures(context: Context, account: Account, count: number): void {
  const { notifications } = context.tables;
  const known = notifications.unseen(account.key, "login_failures");
  if (known !== undefined) {
    notifications.update(account.key, known.number, { ts: context.now, count });
    return;
  }
  notify(context, account, { kind: "login_failures", facts: { count } });
}
