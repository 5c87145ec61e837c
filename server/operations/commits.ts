/** Making conversations, and leading them from epoch to epoch. */
import { serverLimits } from "../../lib/base/limits.ts";
import { changesNothing } from "../../lib/base/membership.ts";
import type { Conversation, Member, Seat } from "../domain/conversation.ts";
import { keptAfter, memberOf, takeSeat } from "../domain/conversation.ts";
import { membershipOf, refuseChange, refuseDevices } from "../domain/group.ts";
import {
  checkChange,
  checkCreation,
  type FindDevice,
  type KnownDevice,
  resolveEntries,
} from "../domain/roster.ts";
import { appendOwn, refuseIncarnation } from "../domain/sending.ts";
import type { Account, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { accountsOf, enter, refuseInvitations, refuseNewcomers, tellNewcomers } from "./consent.ts";
import {
  actingParty,
  askingParty,
  type Context,
  type Handler,
  type Party,
  refuse,
} from "./context.ts";
import type { Input, Refused } from "./contract.ts";
import { beginFollowing, refuseFollowers, refuseNewServers } from "./followers.ts";
import { changeMembers, removeSeat } from "./membership.ts";
import { accountIds, finder, findListed, knownDevice } from "./parties.ts";
import { refuseInfo, refuseQuota } from "./rows.ts";
import { beginUndo, keepUndo } from "./undo.ts";
import { type Appended, type CommitBytes, verdictBefore, writeCommit } from "./write_commit.ts";

const creations = { most: serverLimits.groupsPerHour, windowMs: 60 * 60 * 1000 };

/** A conversation that is about to be made. */
interface Plan {
  readonly ok: true;
  readonly pair: readonly [number, number] | undefined;
  /** The listed accounts, the creator among them. */
  readonly members: readonly Member[];
}

/** The two accounts of a direct conversation, when there is none yet. */
function planDirect(context: Context, party: Party, input: Input<"conversation.create">) {
  const { tables } = context;
  const other = input.with === undefined ? undefined : tables.accounts.anyById(input.with);
  if (other === undefined) return refuse("no_such_user");
  if (!changesNothing(input.membership)) return refuse("roster_mismatch");
  const pair = [party.account.key, other.key] as const;
  if (tables.conversations.byPair(pair) !== undefined) return refuse("conversation_exists");
  const refused = refuseNewcomers(context, party.account, [other]);
  if (refused !== undefined) return refused;
  const members = [...new Set([party.account, other])].map((account) => {
    const another = pair.find((each) => each !== account.key) ?? account.key;
    const mutes = tables.contacts.blocks(account.key, another);
    return enter(context, { account, by: party.account, role: "member", read: 0, mutes });
  });
  return { ok: true, pair, members } as const;
}

/** The accounts that the commit of a new group lists. */
function planGroup(
  context: Context,
  party: Party,
  input: Input<"conversation.create">,
): Refused | Plan {
  const { tables } = context;
  const { account: creator } = party;
  const { add } = input.membership;
  const nobody = { roles: new Map(), leaving: new Set<string>() };
  const refused = refuseChange(input.membership, { ...nobody, actor: creator.account });
  if (refused !== undefined) return refused;
  const accounts = accountsOf(tables, add.map(({ account }) => account));
  if (accounts === undefined) return refuse("no_such_user");
  if (tables.conversations.createdBy(creator.key) >= serverLimits.groupsPerAccount) {
    return refuse("too_many_groups");
  }
  const unwanted = refuseNewcomers(context, creator, accounts);
  if (unwanted !== undefined) return unwanted;
  const members = accounts.map((account, index) => {
    const role = add[index]?.role ?? "member";
    return enter(context, { account, by: creator, role, read: 0, mutes: false });
  });
  return { ok: true, pair: undefined, members };
}

function repeatedCreation(
  tables: Tables,
  party: Party,
  input: Input<"conversation.create">,
): Appended | undefined {
  const known = tables.conversations.byId(input.conversation);
  const commit = { epoch: 0, hash: input.hash, device: party.device.key };
  return known === undefined ? undefined : verdictBefore(tables, known, commit);
}

/** Makes a conversation and its first epoch; of direct ones there is one for every pair of accounts. */
export const conversationCreate: Handler<"conversation.create"> = (context, input) => {
  const { tables } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const before = repeatedCreation(tables, party, input);
  if (before !== undefined) return before;
  if (tables.conversations.isTaken(input.conversation)) return refuse("conversation_exists");
  const plan = input.kind === "group"
    ? planGroup(context, party, input)
    : planDirect(context, party, input);
  if (!plan.ok) return plan;
  const roster = resolveEntries(input.roster, finder(tables));
  if (roster === undefined) return refuse("roster_mismatch");
  const refused = refuseCreation(context, { party, input, plan, roster });
  return refused ?? openConversation(context, { party, input, plan, roster });
};

/** A group that begins. */
export interface Founding {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly input: CommitBytes;
  /** Its devices, the founder's among them. */
  readonly roster: readonly KnownDevice[];
}

interface Creation {
  readonly party: Party;
  readonly input: Input<"conversation.create">;
  readonly plan: Plan;
  readonly roster: readonly KnownDevice[];
}

/** What is counted comes last: a refusal costs nothing. */
function refuseCreation(
  context: Context,
  { party, input, plan, roster }: Creation,
): Refused | undefined {
  const accounts = new Set(plan.members.map(({ account }) => account));
  const { device: creator } = party.device;
  const size = input.commit.length + input.welcome.length;
  return checkCreation(roster, { creator, accounts, welcome: input.welcome.length }) ??
    refuseQuota(context.tables, undefined, {
      sender: party.account.key,
      accounts,
      size,
      group: input.kind === "group",
    }) ?? refuseNewServers(context.tables, plan.members, size) ??
    refuseInfo(context.tables, party.account.key, {
      before: 0,
      after: input.groupInfo.length,
    }) ?? (input.kind === "group" ? refuseGroup(context, party.account, accounts.size) : undefined);
}

function refuseGroup(context: Context, creator: Account, accounts: number): Refused | undefined {
  const counted = { kind: "group", subject: creator.account, allowance: creations } as const;
  const retryAfterMs = spend(context, counted);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  return refuseInvitations(context, creator, accounts - 1);
}

function openConversation(context: Context, made: Creation): Appended {
  const { party, input, plan } = made;
  const { conversation: id, kind } = input;
  const { pair, members } = plan;
  const by = party.account;
  const conversation = context.tables.conversations
    .add({ id, kind, pair, creator: by.key, members });
  beginFollowing(context, conversation, conversation.members);
  tellNewcomers(context, conversation, { by, members: conversation.members });
  return beginFirst(context, { party, conversation, input, roster: made.roster });
}

/** The first epoch of a conversation that is there without rows. */
export function beginFirst(context: Context, founding: Founding): Appended {
  const { party, conversation, input, roster } = founding;
  const own = knownDevice(party.device);
  const add = roster.filter((device) => device.key !== own.key);
  for (const device of add) takeSeat(conversation, device, { joined: 1, cursor: 0 });
  const seat = takeSeat(conversation, own, { joined: 1, cursor: 0 });
  const seq = appendOwn(conversation, seat);
  return writeCommit(context, {
    party,
    conversation,
    seat,
    seq,
    input,
    external: false,
    founds: true,
    add,
    remove: [],
  });
}

/** Leads the conversation to its next epoch, if nobody else did first. */
export const conversationCommit: Handler<"conversation.commit"> = (context, input) => {
  const { tables } = context;
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok) return found;
  const { conversation } = found;
  const { epoch, hash } = input;
  const before = verdictBefore(tables, conversation, { epoch, hash, device: party.device.key });
  if (before !== undefined) return before;
  if (tables.repairs.isRefused(conversation.key, hash)) return refuse("commit_refused");
  const find = finder(tables);
  const refused = refuseCommit(context, { party, conversation, input, find });
  const add = resolveEntries(input.add, find) ?? [];
  return refused ?? changeConversation(context, { party, conversation, input, add });
};

interface ChangeOf {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly input: Input<"conversation.commit">;
  readonly find: FindDevice;
}

/** What a commit does, once it is accepted. */
export interface AcceptedChange {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly input:
    & CommitBytes
    & Pick<Input<"conversation.commit">, "external" | "remove">;
  /** The devices that it adds. */
  readonly add: readonly KnownDevice[];
}

function refuseCommit(context: Context, change: ChangeOf): Refused | undefined {
  const { party, conversation, input, find } = change;
  const device = knownDevice(party.device);
  const state = memberOf(conversation, party.account.key)?.state;
  if (state === "left" || state === "declined") return refuse("not_a_member");
  const welcome = input.welcome.length;
  return refuseIncarnation(conversation, input.incarnation) ??
    checkChange(conversation, { ...input, device, welcome }, find) ??
    refuseMembers(context, change) ??
    refuseCommitQuota(context.tables, conversation, { input, sender: party.account.key }) ??
    refuseFollowers(context.tables, conversation, input.commit.length + welcome) ??
    refuseInvitations(context, party.account, input.membership.add.length);
}

/** What a commit does to accounts; a device that joins by itself does nothing to them. */
function refuseMembers(
  context: Context,
  { party, conversation, input, find }: ChangeOf,
): Refused | undefined {
  const { membership, external } = input;
  if (conversation.kind === "direct" || external) {
    return changesNothing(membership) ? undefined : refuse("roster_mismatch");
  }
  const idOf = accountIds(context.tables);
  const actor = party.account.account;
  const refused = refuseChange(membership, { ...membershipOf(conversation, idOf), actor });
  if (refused !== undefined) return refused;
  const newcomers = accountsOf(context.tables, membership.add.map(({ account }) => account));
  if (newcomers === undefined) return refuse("no_such_user");
  const devices = resolveEntries(input.add, find) ?? [];
  const added = new Map(devices.map(({ key, accountId }) => [key, accountId]));
  const removed = new Set(input.remove);
  const size = input.commit.length + input.welcome.length;
  return refuseDevices(conversation, { actor, membership, added, removed }, idOf) ??
    refuseNewcomers(context, party.account, newcomers) ??
    refuseNewServers(context.tables, newcomers, size);
}

/**
 * Who has been removed must be kept out even when the store of some member is full. A device that replaces itself removes
 * nobody, and could do so without end.
 */
export function refuseCommitQuota(
  tables: Tables,
  conversation: Conversation,
  { input, sender }: {
    readonly input: {
      readonly commit: Uint8Array;
      readonly welcome: Uint8Array;
      readonly groupInfo: Uint8Array;
      readonly remove?: readonly string[];
      readonly external?: boolean;
    };
    readonly sender: number;
  },
): Refused | undefined {
  if ((input.remove?.length ?? 0) > 0 && input.external !== true) return undefined;
  const accounts = new Set(conversation.members.map((member) => member.account));
  const size = input.commit.length + input.welcome.length;
  const group = conversation.kind === "group";
  const before = tables.conversations.groupInfo(conversation.key).length;
  return refuseQuota(tables, conversation, { sender, accounts, size, group }) ??
    refuseInfo(tables, conversation.creator, { before, after: input.groupInfo.length });
}

/** Leads the conversation to its next epoch. */
export function changeConversation(context: Context, change: AcceptedChange): Appended {
  const { party, conversation, input, add } = change;
  const own = party.device.device;
  const seq = conversation.head + 1;
  const undo = beginUndo(context.tables, conversation);
  const added = accountsOf(context.tables, input.membership.add.map(({ account }) => account));
  beginFollowing(context, conversation, added ?? []);
  for (const key of input.remove) removeSeat(context, conversation, { key, seq, own });
  changeMembers(context, conversation, { by: party.account, membership: input.membership, seq });
  const position = { joined: seq, cursor: seq - 1 };
  for (const device of add) takeSeatAgain(context, conversation, { device, position });
  const device = knownDevice(party.device);
  const before = conversation.seats.get(own);
  // What a device that enters anew had not got it still gets: it cannot read that, but it can ask for it.
  const cursor = keptAfter(before) ?? position.cursor;
  const seat = input.external
    ? takeSeatAgain(context, conversation, { device, position: { ...position, cursor } })
    : before;
  if (seat === undefined) return refuse("not_a_member");
  appendOwn(conversation, seat);
  if (input.membership.add.length > 0) conversation.newest = conversation.epoch + 1;
  const { external, remove, hash } = input;
  keepUndo(context, conversation, { undo, seq, hash, device: party.device.key });
  const founds = false;
  const accepted = { party, conversation, seat, seq, input, external, founds, add, remove };
  return writeCommit(context, accepted);
}

/** As `takeSeat`, for a device that may have been in the conversation before: its message ids are still remembered. */
export function takeSeatAgain(
  { tables }: Context,
  conversation: Conversation,
  { device, position }: {
    readonly device: KnownDevice;
    readonly position: { readonly joined: number; readonly cursor: number };
  },
): Seat {
  const seat = takeSeat(conversation, device, position);
  if (seat.lastMessage === "") {
    seat.lastMessage = tables.log.lastSent(conversation.key, device.device);
  }
  return seat;
}
