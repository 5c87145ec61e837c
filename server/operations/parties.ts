/** Conversations, accounts and devices as the rules and as peers name them. */
import type { RoleEntry } from "../../lib/base/membership.ts";
import {
  type Conversation,
  listedMember,
  listedMembers,
  rosterOf,
} from "../domain/conversation.ts";
import type { AccountId } from "../domain/group.ts";
import type { FindDevice, KnownDevice } from "../domain/roster.ts";
import type { Device, Tables } from "../tables/tables.ts";
import { type Party, refuse } from "./context.ts";
import type { Elsewhere, Refused, RosterEntry, Standing } from "./contract.ts";
import { peerName } from "./remote.ts";

/** A device as the rules for rosters see it. */
export function knownDevice(device: Device): KnownDevice {
  return {
    device: device.key,
    key: device.device,
    account: device.account,
    accountId: device.accountId,
    peer: device.peer,
    revoked: device.revokedAt !== null,
  };
}

/** Looks devices up for the rules, those of linked servers too. */
export function finder(tables: Tables): FindDevice {
  return (key) => {
    const device = tables.devices.anyById(key);
    return device === undefined ? undefined : knownDevice(device);
  };
}

/** The ids of accounts, by storage key. */
export function accountIds(tables: Tables): AccountId {
  return (key) => tables.accounts.byKey(key).account;
}

/** The conversation's devices as peers name them. */
export function rosterEntries(tables: Tables, conversation: Conversation): RosterEntry[] {
  const idOf = accountIds(tables);
  return rosterOf(conversation).map((seat) => ({ account: idOf(seat.account), device: seat.key }));
}

/** The conversation's accounts as peers name them. */
export function roleEntries(tables: Tables, conversation: Conversation): RoleEntry[] {
  const idOf = accountIds(tables);
  return listedMembers(conversation)
    .map(({ account, role }) => ({ account: idOf(account), role }));
}

/** Ids of the accounts that the next commit has to remove. */
export function leavingIds(tables: Tables, conversation: Conversation): string[] {
  const idOf = accountIds(tables);
  return conversation.members.filter(({ state }) => state === "left")
    .map(({ account }) => idOf(account));
}

/** How the account stands to the conversation, as its own devices are told. */
export function standingOf(tables: Tables, conversation: Conversation, account: number): Standing {
  const member = listedMember(conversation, account);
  if (member === undefined || member.state === "out") return { state: "left" };
  const { state, invitedBy } = member;
  if (state !== "request" || invitedBy === null) return { state };
  return { state, by: accountIds(tables)(invitedBy) };
}

/** That another server orders the conversation, which it has to be asked about. */
export function elsewhere(tables: Tables, hub: number, { certificate }: Device): Elsewhere {
  return { ok: false, code: "elsewhere", server: peerName(tables, hub), certificate };
}

/**
 * The conversation, when the acting account is a member and this server orders it. A linked server is told of no other one:
 * it asks the one whose it is.
 */
export function findListed(
  tables: Tables,
  party: Party,
  id: string,
): Refused | Elsewhere | { readonly ok: true; readonly conversation: Conversation } {
  const conversation = tables.conversations.byId(id);
  const { account, device } = party;
  if (conversation === undefined || listedMember(conversation, account.key) === undefined) {
    return refuse("no_such_conversation");
  }
  if (conversation.hub === null) return { ok: true, conversation };
  if (account.peer !== null) return refuse("no_such_conversation");
  return elsewhere(tables, conversation.hub, device);
}
