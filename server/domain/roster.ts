/** The rules for commits: who may change the group, and what the declared change may contain. */
import { mlsLimits } from "../../lib/base/limits.ts";
import type { Refused, RosterEntry } from "../operations/contract.ts";
import { type Conversation, isInRoster, listedMember, rosterOf } from "./conversation.ts";

/** A device as the rules for rosters see it. */
export interface KnownDevice {
  readonly device: number;
  readonly key: string;
  readonly account: number;
  readonly accountId: string;
  /** Storage key of the linked server that it is of; null for this server's own. */
  readonly peer: number | null;
  readonly revoked: boolean;
}

/** Looks a device up by its key. */
export type FindDevice = (key: string) => KnownDevice | undefined;

/** A change of the group as its sender declares it. */
export interface Change {
  readonly device: KnownDevice;
  readonly epoch: number;
  readonly external: boolean;
  readonly add: readonly RosterEntry[];
  readonly remove: readonly string[];
  /** Length of the welcome in bytes. */
  readonly welcome: number;
}

const mismatch: Refused = { ok: false, code: "roster_mismatch" };

/** The active devices that `entries` name, or undefined when one is unknown, revoked, doubled or of another account. */
export function resolveEntries(
  entries: readonly RosterEntry[],
  find: FindDevice,
): KnownDevice[] | undefined {
  const found = new Map<string, KnownDevice>();
  for (const entry of entries) {
    const device = find(entry.device);
    if (device === undefined || device.revoked || device.accountId !== entry.account) {
      return undefined;
    }
    found.set(device.key, device);
  }
  return found.size === entries.length ? [...found.values()] : undefined;
}

/**
 * The roster of a new conversation of `accounts`: the creator's device, at least one of every other account, nobody
 * else; a welcome exactly when somebody is to be welcomed.
 */
export function checkCreation(
  roster: readonly KnownDevice[],
  options: {
    readonly creator: string;
    /** Storage keys of the listed accounts. */
    readonly accounts: ReadonlySet<number>;
    readonly welcome: number;
  },
): Refused | undefined {
  const { creator, accounts, welcome } = options;
  const hasCreator = roster.some((device) => device.key === creator);
  const present = new Set(roster.map((device) => device.account));
  const exact = present.size === accounts.size &&
    [...present].every((account) => accounts.has(account));
  const welcomed = (welcome > 0) === (roster.length > 1);
  if (roster.length > mlsLimits.groupDevices) return { ok: false, code: "group_full" };
  return hasCreator && exact && welcomed ? undefined : mismatch;
}

/**
 * Undefined when the change may be applied to the conversation. An external commit can by its nature (RFC 9420 section
 * 12.4.3.2) remove nothing but the joiner's own former leaf; queued removals then stay queued for the next commit.
 */
export function checkChange(
  conversation: Conversation,
  change: Change,
  find: FindDevice,
): Refused | undefined {
  if (change.epoch !== conversation.epoch) {
    return { ok: false, code: "epoch_conflict", epoch: conversation.epoch };
  }
  if (change.external) return checkExternal(conversation, change);
  if (!isInRoster(conversation.seats.get(change.device.key))) {
    return { ok: false, code: "not_a_member" };
  }
  const removed = new Set(change.remove);
  if (![...conversation.removals].every((key) => removed.has(key))) {
    return { ok: false, code: "removals_pending" };
  }
  return checkRemoved(conversation, change, removed) ?? checkAdded(conversation, change, find);
}

function checkExternal(conversation: Conversation, change: Change): Refused | undefined {
  const own = change.device.key;
  const seated = isInRoster(conversation.seats.get(own));
  const resync = change.remove.length === 1 && change.remove[0] === own;
  const shapely = change.add.length === 0 && change.welcome === 0;
  if (!shapely || seated !== resync || (!resync && change.remove.length > 0)) return mismatch;
  return resync || rosterOf(conversation).length < mlsLimits.groupDevices
    ? undefined
    : { ok: false, code: "group_full" };
}

function checkRemoved(
  conversation: Conversation,
  change: Change,
  removed: ReadonlySet<string>,
): Refused | undefined {
  const known = change.remove.every((key) => isInRoster(conversation.seats.get(key)));
  const distinct = removed.size === change.remove.length;
  return known && distinct && !removed.has(change.device.key) ? undefined : mismatch;
}

function checkAdded(
  conversation: Conversation,
  change: Change,
  find: FindDevice,
): Refused | undefined {
  const devices = resolveEntries(change.add, find);
  if (devices === undefined) return mismatch;
  // Which accounts a group has after the change, domain/group.ts decides.
  const mayHave = (account: number) =>
    conversation.kind === "group" || listedMember(conversation, account) !== undefined;
  const allowed = devices.every((device) =>
    mayHave(device.account) &&
    (!isInRoster(conversation.seats.get(device.key)) || change.remove.includes(device.key))
  );
  const size = rosterOf(conversation).length - change.remove.length + devices.length;
  const welcomed = (change.welcome > 0) === (devices.length > 0);
  if (size > mlsLimits.groupDevices) return { ok: false, code: "group_full" };
  return allowed && welcomed ? undefined : mismatch;
}
