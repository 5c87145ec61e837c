/** Conversations: making, changing and describing them. */
import {
  type Conversation,
  dropSeat,
  isInRoster,
  memberOf,
  rosterOf,
  type Seat,
  sendingSeat,
  takeSeat,
} from "../domain/conversation.ts";
import {
  checkChange,
  checkCreation,
  type FindDevice,
  type KnownDevice,
  resolveEntries,
} from "../domain/roster.ts";
import { appendOwn, refuseIncarnation, waitsFor } from "../domain/sending.ts";
import type { RoleEntry } from "../../lib/base/membership.ts";
import type { Device, Tables } from "../tables/tables.ts";
import { actingParty, type Context, type Handler, type Party, refuse } from "./context.ts";
import type { ConversationRow, Input, Outcome, Refused, RosterEntry } from "./contract.ts";
import { addWaiting, continueRun, refuseQuota, tellRow } from "./rows.ts";
import { beginUndo, keepUndo } from "./undo.ts";

/** Verdicts on this many epochs are remembered; whoever asks later than that has missed far more. */
const rememberedEpochs = 256;

type Appended = Outcome<{ seq: number; epoch: number; ts: number }>;

export const knownDevice = (device: Device): KnownDevice => ({
  device: device.key,
  key: device.device,
  account: device.account,
  accountId: device.accountId,
  revoked: device.revokedAt !== null,
});

/** Looks devices up for the rules. */
export function finder(tables: Tables): FindDevice {
  return (key) => {
    const device = tables.devices.byId(key);
    return device === undefined ? undefined : knownDevice(device);
  };
}

/** The conversation's devices as peers name them. */
export function rosterEntries(tables: Tables, conversation: Conversation): RosterEntry[] {
  return rosterOf(conversation).map((seat) => ({
    account: tables.accounts.byKey(seat.account).account,
    device: seat.key,
  }));
}

/** The conversation's accounts as peers name them. */
function roleEntries(tables: Tables, conversation: Conversation): RoleEntry[] {
  return conversation.members.map((member) => ({
    account: tables.accounts.byKey(member.account).account,
    role: "member",
  }));
}

/** The answer to a commit that was accepted before, when this is that very commit of that very device. */
export function verdictBefore(
  tables: Tables,
  conversation: Conversation,
  commit: { readonly epoch: number; readonly hash: string; readonly device: number },
): Appended | undefined {
  const verdict = tables.conversations.verdict(conversation.key, commit.epoch);
  if (verdict === undefined || verdict.hash !== commit.hash || verdict.device !== commit.device) {
    return undefined;
  }
  return { ok: true, seq: verdict.seq, epoch: verdict.epoch + 1, ts: verdict.ts };
}

/** A commit that passed every check. The seats are those of the group after it. */
export interface Accepted {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly seat: Seat;
  readonly seq: number;
  readonly input:
    | Input<"conversation.create">
    | Input<"conversation.commit">
    | Input<"conversation.recreate">;
  readonly external: boolean;
  readonly add: readonly KnownDevice[];
  readonly remove: readonly string[];
}

/** Writes the row of a commit and what belongs to it; the head is its sequence already. */
function writeCommit(context: Context, accepted: Accepted): Appended {
  const { tables, now } = context;
  const { conversation, party, seq, input, external, add, remove } = accepted;
  const epoch = conversation.epoch;
  const device = party.device.key;
  const entries = add.map((each) => ({ account: each.accountId, device: each.key }));
  tables.log.addCommit(conversation.key, {
    seq,
    device,
    ts: now,
    epoch,
    bytes: input.commit,
    hash: input.hash,
    external,
    add: entries,
    remove: [...remove],
    roster: add.length > 0 ? rosterEntries(tables, conversation) : [],
    welcome: input.welcome,
    incarnation: conversation.incarnation,
    recreated: false,
  });
  tables.conversations.addVerdict(conversation.key, {
    hash: input.hash,
    epoch,
    seq,
    ts: now,
    device,
  });
  tables.conversations.cutVerdicts(conversation.key, epoch - rememberedEpochs);
  tables.conversations.setGroupInfo(conversation.key, input.groupInfo);
  for (const each of add) tables.keyPackages.consume(each.device, conversation.id);
  return finishCommit(context, accepted);
}

/** Counts the row of a commit, leads to the next epoch and tells those who are online. */
export function finishCommit(context: Context, accepted: Accepted): Appended {
  const { tables, now } = context;
  const { conversation, party, seat, seq, input } = accepted;
  const size = input.commit.length + input.welcome.length;
  addWaiting(tables, conversation, { accounts: waitsFor(conversation, seat), size });
  continueRun(context, conversation, 0);
  conversation.lastCommit = seq;
  conversation.epoch += 1;
  tables.conversations.save(conversation);
  tellRow(context, conversation, party.device.device);
  return { ok: true, seq, epoch: conversation.epoch, ts: now };
}

/** The account with which a direct conversation is to be, and whether there is none yet. */
function checkPair(
  tables: Tables,
  party: Party,
  input: Input<"conversation.create">,
): Refused | { readonly ok: true; readonly pair: readonly [number, number] } {
  const other = input.with === undefined ? undefined : tables.accounts.byId(input.with);
  if (other === undefined || other.disabled) return refuse("no_such_user");
  const pair = [party.account.key, other.key] as const;
  const taken = tables.conversations.byId(input.conversation) ?? tables.conversations.byPair(pair);
  return taken === undefined ? { ok: true, pair } : refuse("conversation_exists");
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

/** Makes a direct conversation and its first epoch; there is one for every pair of accounts. */
export const conversationCreate: Handler<"conversation.create"> = (context, input) => {
  const { tables } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const before = repeatedCreation(tables, party, input);
  if (before !== undefined) return before;
  const pairing = checkPair(tables, party, input);
  if (!pairing.ok) return pairing;
  const { pair } = pairing;
  const roster = resolveEntries(input.roster, finder(tables));
  if (roster === undefined) return refuse("roster_mismatch");
  const creator = party.device.device;
  const refused = checkCreation(roster, { creator, pair, welcome: input.welcome.length }) ??
    refuseQuota(tables, undefined, {
      sender: party.account.key,
      accounts: new Set(pair),
      size: input.commit.length + input.welcome.length,
    });
  if (refused !== undefined) return refused;
  return openConversation(context, { party, input, pair, roster });
};

function openConversation(
  context: Context,
  made: {
    readonly party: Party;
    readonly input: Input<"conversation.create">;
    readonly pair: readonly [number, number];
    readonly roster: readonly KnownDevice[];
  },
): Appended {
  const { party, input, pair } = made;
  const creator = party.device.device;
  const accounts = [...new Set(pair)];
  const conversation = context.tables.conversations.add({ id: input.conversation, pair, accounts });
  const add = made.roster.filter((device) => device.key !== creator);
  for (const device of add) takeSeat(conversation, device, { joined: 1, cursor: 0 });
  const own = knownDevice(party.device);
  const seat = takeSeat(conversation, own, { joined: 1, cursor: 0 });
  const seq = appendOwn(conversation, seat);
  return writeCommit(context, {
    party,
    conversation,
    seat,
    seq,
    input,
    external: false,
    add,
    remove: [],
  });
}

/** Why the device cannot change this conversation at all. */
export function findListed(
  tables: Tables,
  party: Party,
  id: string,
): Refused | { readonly ok: true; readonly conversation: Conversation } {
  const conversation = tables.conversations.byId(id);
  const listed = conversation !== undefined && memberOf(conversation, party.account.key);
  return listed ? { ok: true, conversation } : refuse("no_such_conversation");
}

/** Leads the conversation to its next epoch, if nobody else did first. */
export const conversationCommit: Handler<"conversation.commit"> = (context, input) => {
  const { tables } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok) return found;
  const { conversation } = found;
  const { epoch, hash } = input;
  const before = verdictBefore(tables, conversation, { epoch, hash, device: party.device.key });
  if (before !== undefined) return before;
  if (tables.repairs.isRefused(conversation.key, hash)) return refuse("commit_refused");
  const own = knownDevice(party.device);
  const find = finder(tables);
  const welcome = input.welcome.length;
  const refused = refuseIncarnation(conversation, input.incarnation) ??
    checkChange(conversation, { ...input, device: own, welcome }, find) ??
    refuseCommitQuota(tables, conversation, { input, sender: party.account.key });
  if (refused !== undefined) return refused;
  return changeConversation(context, { party, conversation, input, find });
};

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
      readonly remove?: readonly string[];
      readonly external?: boolean;
    };
    readonly sender: number;
  },
): Refused | undefined {
  if ((input.remove?.length ?? 0) > 0 && input.external !== true) return undefined;
  const accounts = new Set(conversation.members.map((member) => member.account));
  const size = input.commit.length + input.welcome.length;
  return refuseQuota(tables, conversation, { sender, accounts, size });
}

function changeConversation(
  context: Context,
  change: {
    readonly party: Party;
    readonly conversation: Conversation;
    readonly input: Input<"conversation.commit">;
    readonly find: FindDevice;
  },
): Appended {
  const { tables } = context;
  const { party, conversation, input } = change;
  const own = party.device.device;
  const seq = conversation.head + 1;
  const undo = beginUndo(tables, conversation);
  for (const key of input.remove) removeSeat(context, conversation, { key, seq, own });
  const add = resolveEntries(input.add, change.find) ?? [];
  const position = { joined: seq, cursor: seq - 1 };
  for (const device of add) takeSeatAgain(context, conversation, { device, position });
  const device = knownDevice(party.device);
  const seat = input.external
    ? takeSeatAgain(context, conversation, { device, position })
    : conversation.seats.get(own);
  if (seat === undefined) return refuse("not_a_member");
  appendOwn(conversation, seat);
  const { external, remove, hash } = input;
  keepUndo(context, conversation, { undo, seq, hash, device: party.device.key });
  return writeCommit(context, { party, conversation, seat, seq, input, external, add, remove });
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

/** The device is out with row `seq`, which is the last that it gets; one that was revoked gets nothing more. */
function removeSeat(
  { tables }: Context,
  conversation: Conversation,
  options: { readonly key: string; readonly seq: number; readonly own: string },
): void {
  const seat = conversation.seats.get(options.key);
  if (seat === undefined || options.key === options.own) return;
  if (seat.dead) dropSeat(conversation, seat);
  seat.until = options.seq;
  seat.changed = true;
  if (conversation.removals.delete(options.key)) {
    tables.conversations.unqueueRemoval(conversation.key, seat.device);
  }
}

function conversationRow(
  tables: Tables,
  conversation: Conversation,
  actor: { readonly account: number; readonly device: string },
): ConversationRow {
  return {
    conversation: conversation.id,
    kind: conversation.kind,
    members: conversation.members.map((member) => {
      const { account, name } = tables.accounts.byKey(member.account);
      const { delivered, deliveredAt, read, readAt } = member;
      return { account, name, role: "member", delivered, deliveredAt, read, readAt };
    }),
    epoch: conversation.epoch,
    incarnation: conversation.incarnation,
    head: conversation.head,
    cursor: sendingSeat(conversation, actor.device)?.cursor ?? null,
    unread: memberOf(conversation, actor.account)?.unread ?? 0,
    state: "active",
    removals: [...conversation.removals],
    leaving: [],
  };
}

/** The account's conversations, in order of their ids. */
export const conversationList: Handler<"conversation.list"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return { conversations: [], more: false };
  const actor = { account: party.account.key, device: input.device };
  const found = tables.conversations.ofAccount(actor.account, input.after, input.limit + 1);
  return {
    conversations: found.slice(0, input.limit)
      .map((conversation) => conversationRow(tables, conversation, actor)),
    more: found.length > input.limit,
  };
};

/** What a device of a listed member needs to join by itself, or to plan a change. */
export const conversationInfo: Handler<"conversation.info"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok) return found;
  const { conversation } = found;
  return {
    ok: true,
    kind: conversation.kind,
    members: roleEntries(tables, conversation),
    state: "active",
    leaving: [],
    incarnation: conversation.incarnation,
    epoch: conversation.epoch,
    head: conversation.head,
    roster: rosterEntries(tables, conversation),
    removals: [...conversation.removals].filter((key) => isInRoster(conversation.seats.get(key))),
    groupInfo: tables.conversations.groupInfo(conversation.key),
  };
};
