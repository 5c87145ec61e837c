/** The rules for commits in groups that concern accounts; the policy itself is lib/base/membership.ts. */
import type { ErrorCode } from "../../lib/base/errors.ts";
import {
  type MembershipChange,
  type MembershipRefusal,
  refuseMembershipChange,
  type Role,
} from "../../lib/base/membership.ts";
import type { Refused } from "../operations/contract.ts";
import { type Conversation, listedMembers, memberOf, rosterOf } from "./conversation.ts";

/** The text that peers know an account by, for its storage key. */
export type AccountId = (account: number) => string;

/** Who belongs to the group, by account id. */
export interface Membership {
  readonly roles: Map<string, Role>;
  readonly leaving: Set<string>;
}

/** The members of a conversation as the policy wants them. */
export function membershipOf(conversation: Conversation, idOf: AccountId): Membership {
  const listed = listedMembers(conversation).map((member) => ({
    id: idOf(member.account),
    ...member,
  }));
  return {
    roles: new Map(listed.map(({ id, role }) => [id, role])),
    leaving: new Set(listed.filter(({ state }) => state === "left").map(({ id }) => id)),
  };
}

const codes: Readonly<Record<MembershipRefusal, ErrorCode>> = {
  not_listed: "roster_mismatch",
  already_listed: "roster_mismatch",
  leaving_stay: "removals_pending",
  too_many: "group_full",
  not_allowed: "not_allowed",
  no_owner: "last_owner",
};

/** Undefined when the account `actor` may make the change. */
export function refuseChange(
  change: MembershipChange,
  proposed: Membership & { readonly actor: string },
): Refused | undefined {
  const refusal = refuseMembershipChange(change, proposed);
  return refusal === undefined ? undefined : { ok: false, code: codes[refusal] };
}

/** What a commit does to devices, beside what it says about accounts. */
export interface DeviceChange {
  readonly actor: string;
  readonly membership: MembershipChange;
  /** Account ids of the added devices, by device key. */
  readonly added: ReadonlyMap<string, string>;
  /** Keys of removed devices. */
  readonly removed: ReadonlySet<string>;
}

/**
 * Undefined when devices and accounts agree: whoever is removed keeps no device, whoever is added has one, only devices
 * of members come in, and nobody takes devices of others out that are neither queued nor replaced nor of removed members.
 */
export function refuseDevices(
  conversation: Conversation,
  change: DeviceChange,
  idOf: AccountId,
): Refused | undefined {
  const { membership, added, removed } = change;
  const after = membershipOf(conversation, idOf).roles;
  for (const account of membership.remove) after.delete(account);
  for (const { account } of membership.add) after.set(account, "member");
  const owners = [...added.values()];
  const agree = owners.every((account) => after.has(account)) &&
    membership.add.every(({ account }) => account === change.actor || owners.includes(account)) &&
    rosterOf(conversation).every(({ key, account }) =>
      removed.has(key) || after.has(idOf(account))
    );
  if (!agree) return { ok: false, code: "roster_mismatch" };
  return [...removed].every((key) => mayRemove(conversation, { ...change, key }, idOf))
    ? undefined
    : { ok: false, code: "not_allowed" };
}

function mayRemove(
  conversation: Conversation,
  change: DeviceChange & { readonly key: string },
  idOf: AccountId,
): boolean {
  const { key, actor, membership, added } = change;
  const seat = conversation.seats.get(key);
  if (seat === undefined) return false;
  const owner = idOf(seat.account);
  return owner === actor || conversation.removals.has(key) || added.has(key) ||
    membership.remove.includes(owner);
}

/** Whether the account may leave: a group with others in it keeps an owner. */
export function isLastOwner(conversation: Conversation, account: number): boolean {
  const others = stayingOthers(conversation, account);
  const own = memberOf(conversation, account);
  return own?.role === "owner" && others.length > 0 &&
    others.every(({ role }) => role !== "owner");
}

/** The members beside `account` that are not leaving. */
export function stayingOthers(conversation: Conversation, account: number) {
  return listedMembers(conversation)
    .filter((member) => member.account !== account && member.state !== "left");
}
