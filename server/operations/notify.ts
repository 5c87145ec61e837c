/** Putting up notifications. */
import type { Account, StoredNotification } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import type { NotificationRow } from "./contract.ts";
import { liveDevices } from "./presence.ts";

/** A stored notification as peers get it. */
export function notificationRow(stored: StoredNotification): NotificationRow {
  return {
    notification: stored.number,
    kind: stored.kind,
    ts: stored.ts,
    seen: stored.seen,
    ...(stored.device === null ? {} : { device: stored.device }),
    ...(stored.label === null ? {} : { label: stored.label }),
    ...(stored.count === null ? {} : { count: stored.count }),
  };
}

/** Gives the account's next notification number. */
export function nextNumber(context: Context, account: Account): number {
  account.notifications += 1;
  context.tables.accounts.save(account);
  return account.notifications;
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
  const stored: StoredNotification = {
    number: nextNumber(context, account),
    kind: about.kind,
    ts: context.now,
    seen: false,
    device: about.device,
    label: about.label,
    count: null,
  };
  context.tables.notifications.add(account.key, stored);
  const devices = liveDevices(context.tables, account.key, about.by);
  if (devices.length === 0) return;
  context.nudge({ kind: "notification", devices, notification: notificationRow(stored) });
}

/** Stores that `count` logins failed, or raises the count of such a notification that was not seen yet. */
export function notifyOfFailures(context: Context, account: Account, count: number): void {
  const { notifications } = context.tables;
  const known = notifications.unseen(account.key, "login_failures");
  if (known !== undefined) {
    notifications.update(account.key, known.number, { ts: context.now, count });
    return;
  }
  const stored: StoredNotification = {
    number: nextNumber(context, account),
    kind: "login_failures",
    ts: context.now,
    seen: false,
    device: null,
    label: null,
    count,
  };
  notifications.add(account.key, stored);
  const devices = liveDevices(context.tables, account.key);
  if (devices.length === 0) return;
  context.nudge({ kind: "notification", devices, notification: notificationRow(stored) });
}
