/** A conversation of another server as that server says it stands, in place of what is known of it here. */
import { mlsLimits, peerLimits } from "../../lib/base/limits.ts";
import {
  type Conversation,
  dropSeat,
  listedMember,
  type Member,
  memberOf,
  newMember,
  takeSeat,
  takesPart,
} from "../domain/conversation.ts";
import type { Peer } from "../tables/peers.ts";
import type { Account, Device, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { enter, tellNewcomers } from "./consent.ts";
import type { Context } from "./context.ts";
import type { SnapshotItem } from "./conversation_items.ts";
import { answerForNew, mostRows, standAs, takeMessage, takeStash } from "./mirror.ts";
import { accountIds, rosterEntries } from "./parties.ts";
import { liveDevices } from "./presence.ts";
import { continueRun, tellRow } from "./rows.ts";
import { forgetOut, recountWaiting } from "./waiting.ts";

const hourMs = 60 * 60 * 1000;
const beginnings = { most: peerLimits.newConversationsPerHour, windowMs: hourMs };
const again = { most: peerLimits.replacedPerTenMinutes, windowMs: hourMs / 6 };

/** A snapshot whose accounts and devices are known. */
interface Known {
  readonly item: SnapshotItem;
  readonly by: Account;
  /** In the order of the item's members. */
  readonly accounts: readonly Account[];
  readonly devices: readonly Device[];
}

/** Takes it. Milliseconds until the peer may begin more conversations, or tell this one anew; 0 when it is dealt with. */
export function takeSnapshot(context: Context, peer: Peer, item: SnapshotItem): number {
  const { tables } = context;
  const { conversations } = tables;
  const present = conversations.byId(item.conversation);
  if (present === undefined ? conversations.isTaken(item.conversation) : present.hub !== peer.key) {
    return 0;
  }
  const known = resolve(tables, item);
  if (known === undefined) return 0;
  if (present !== undefined) {
    const subject = `taken ${peer.fingerprint} ${present.id}`;
    const waitMs = spend(context, { kind: "snapshot", subject, allowance: again });
    if (waitMs === 0) catchUpWith(context, peer, { present, known });
    return waitMs;
  }
  // Whoever has as many does not get its people into more.
  if (tables.following.followedFrom(peer.key) >= peerLimits.followedConversations) return 0;
  const subject = peer.fingerprint;
  const waitMs = spend(context, { kind: "snapshot", subject, allowance: beginnings });
  if (waitMs === 0) begin(context, peer, known);
  return waitMs;
}

/** Replaces the conversation as it was before the messages that are here already, and takes those. */
function catchUpWith(
  context: Context,
  peer: Peer,
  { present, known }: { readonly present: Conversation; readonly known: Known },
): void {
  const rows = takeStash(context.tables, peer, known.item);
  const item = { ...known.item, seq: known.item.seq - rows.length };
  replace(context, peer, present, { ...known, item });
  for (const row of rows) takeMessage(context, peer, row.item, row.bytes);
}

/** What the item names, when all of it is known, within limits, and of listed accounts. */
function resolve({ accounts, devices }: Tables, item: SnapshotItem): Known | undefined {
  const members = item.members.map(({ account }) => accounts.anyById(account));
  const seated = item.roster.map((key) => devices.anyById(key));
  const by = accounts.anyById(item.by);
  const inLimits = item.seq <= mostRows && item.roster.length <= mlsLimits.groupDevices &&
    (item.of === "group" || (members.length > 0 && members.length <= 2));
  if (by === undefined || !inLimits) return undefined;
  const known = members.filter((account) => account !== undefined);
  const sitting = seated.filter((device) => device !== undefined);
  const ids = new Set(item.members.map(({ account }) => account));
  const whole = known.length === members.length && sitting.length === seated.length &&
    ids.size === members.length && new Set(item.roster).size === item.roster.length &&
    sitting.every(({ accountId }) => ids.has(accountId));
  return whole ? { item, by, accounts: known, devices: sitting } : undefined;
}

/** A conversation that was not known here. */
function begin(context: Context, peer: Peer, known: Known): void {
  const { tables } = context;
  const { item, by, accounts, devices } = known;
  const { conversation: id, of: kind } = item;
  const members = accounts.map((account, at) => memberFor(context, known, account, at));
  const pair = kind === "direct" ? pairFor(tables, id, accounts) : undefined;
  const creator = null;
  const hub = peer.key;
  const conversation = tables.conversations.add({ id, kind, pair, creator, members, hub });
  tables.conversations.setGroupInfo(conversation.key, new Uint8Array(0));
  conversation.servers.set(hub, { reached: 0, behind: false, gone: false, changed: true });
  place(conversation, item);
  for (const device of devices) sit(conversation, device, item.seq);
  if (item.seq > 0) continueRun(context, conversation, 0);
  tellNewcomers(context, conversation, { by, members: conversation.members });
  welcomeOwn(context, conversation, conversation.members);
  standAs(context, conversation, item);
  tables.conversations.save(conversation);
}

/** Somebody of this server comes in as this server's rules say; of the others the hub decides. */
function memberFor(context: Context, { item, by }: Known, account: Account, at: number): Member {
  const role = item.members[at]?.role ?? "member";
  const read = item.seq;
  if (account.peer !== null) {
    const facts = { role, state: "active", invitedBy: null, read, mutes: false } as const;
    return newMember({ account: account.key, peer: account.peer }, facts);
  }
  const mutes = item.of === "direct" && context.tables.contacts.blocks(account.key, by.key);
  return enter(context, { account, by, role, read, mutes, follows: true });
}

function welcomeOwn(
  context: Context,
  conversation: Conversation,
  members: readonly Member[],
): void {
  for (const member of members) {
    if (member.peer === null) answerForNew(context, conversation, member);
  }
}

/** Of two conversations that a pair began at once the one with the smaller id stands for it. */
function pairFor(
  { conversations }: Tables,
  id: string,
  accounts: readonly Account[],
): readonly [number, number] | undefined {
  const [one, other = one] = accounts;
  if (one === undefined || other === undefined) return undefined;
  const pair = [one.key, other.key] as const;
  const present = conversations.byPair(pair);
  if (present === undefined) return pair;
  if (present.id < id) return undefined;
  conversations.setPair(present.key, undefined);
  return pair;
}

function place(conversation: Conversation, { seq, epoch, incarnation }: SnapshotItem): void {
  Object.assign(conversation, { head: seq, epoch, incarnation, lastCommit: seq });
}

/** A place in the group; rows before the snapshot are not for it any more. */
function sit(conversation: Conversation, device: Device, seq: number): void {
  const { key, device: id, account, peer } = device;
  const known = conversation.seats.get(id);
  if (known !== undefined && known.until === null) {
    if (known.cursor > seq || known.joined > seq) {
      Object.assign(known, { cursor: seq, joined: Math.min(known.joined, seq), lost: seq });
      known.changed = true;
    } else if (known.cursor < seq) {
      known.lost = known.dead ? 0 : seq;
      known.cursor = seq;
      known.changed = true;
    }
    return;
  }
  const seat = takeSeat(
    conversation,
    { device: key, key: id, account, peer },
    { joined: seq, cursor: seq },
  );
  seat.revoked = device.revokedAt !== null;
  const member = memberOf(conversation, account);
  seat.dead = seat.revoked || (member !== undefined && !takesPart(member));
}

/** What was known of it gives way; what its devices had not got before is lost to them, and they are told so. */
function replace(context: Context, peer: Peer, conversation: Conversation, known: Known): void {
  const { tables } = context;
  const { item, by, accounts, devices } = known;
  const { restored } = item;
  const before = { head: conversation.head, epoch: conversation.epoch };
  const missed = before.head !== item.seq || before.epoch !== item.epoch ||
    conversation.incarnation !== item.incarnation;
  const seated = new Set(item.roster);
  for (const seat of [...conversation.seats.values()]) {
    if (!seated.has(seat.key)) dropSeat(conversation, seat);
  }
  const fresh = relist(context, conversation, known);
  const forgotten = restored !== undefined && restored.at > before.head ? restored.last : undefined;
  if (missed) {
    // What the hub says now it may have said otherwise before.
    tables.log.forgetAfter(conversation, item.seq);
    conversation.trimmed = Math.min(conversation.trimmed, item.seq);
    conversation.cleared = Math.min(conversation.cleared, item.seq);
    tables.repairs.clear(conversation.key);
    tables.conversations.dropVerdicts(conversation.key, 0);
  }
  place(conversation, item);
  // Where the hub itself has forgotten rows, a row says so; it is the last, and for everybody.
  for (const device of devices) {
    if (!missed && conversation.seats.has(device.device)) continue;
    sit(conversation, device, forgotten === undefined ? item.seq : item.seq - 1);
  }
  conversation.servers.set(peer.key, { reached: 0, behind: false, gone: false, changed: true });
  if (missed) continueRun(context, conversation, 0);
  if (forgotten !== undefined) sayForgotten(context, conversation, { forgotten, ts: item.ts });
  for (const { account, peer: server } of [...conversation.members]) {
    if (server === null) recountWaiting(tables, conversation, account);
    forgetOut(tables, conversation, account);
  }
  tellNewcomers(context, conversation, { by, members: fresh });
  welcomeOwn(context, conversation, fresh);
  standAs(context, conversation, item);
  tables.conversations.save(conversation);
  if (forgotten !== undefined) tellRow(context, conversation, { by: "" });
  else if (missed) tellLost(context, conversation, accounts);
}

/** Lists the accounts that the hub lists; returns those who are new. */
function relist(context: Context, conversation: Conversation, known: Known): Member[] {
  const { tables } = context;
  const listed = new Set(known.accounts.map(({ key }) => key));
  for (const member of conversation.members) {
    if (listed.has(member.account) || member.state === "out") continue;
    Object.assign(member, { state: "out", unread: 0, changed: true });
    member.notice.seen = true;
  }
  return known.accounts.flatMap((account, at) => {
    const present = listedMember(conversation, account.key);
    if (present !== undefined) {
      const role = known.item.members[at]?.role ?? present.role;
      Object.assign(present, { role, changed: true });
      return [];
    }
    const member = memberFor(context, known, account, at);
    const place = conversation.members.findIndex((each) => each.account === account.key);
    if (place >= 0) conversation.members.splice(place, 1);
    conversation.members.push(member);
    conversation.forgotten.delete(account.key);
    tables.conversations.save(conversation);
    return [member];
  });
}

/** The row by which devices learn that the hub was restored from a backup. */
function sayForgotten(
  { tables }: Context,
  conversation: Conversation,
  { forgotten, ts }: { readonly forgotten: number; readonly ts: number },
): void {
  const [first] = rosterEntries(tables, conversation);
  const someone = conversation.members[0];
  const account = first?.account ?? (someone && accountIds(tables)(someone.account));
  if (account === undefined) return;
  const { key, head: seq, epoch, incarnation } = conversation;
  const device = first?.device ?? noKey;
  const facts = { forgotten, account, device, epoch, incarnation, hash: noKey };
  tables.repairs.addRollback(key, { ...facts, seq, ts, refusals: [], roster: [] });
}

/** 32 bytes of zeros, base64url: there is no commit. */
const noKey = "A".repeat(43);

/** Live devices look at their list anew, where it stands that they have lost rows. */
function tellLost(
  context: Context,
  conversation: Conversation,
  accounts: readonly Account[],
): void {
  for (const { key, peer } of accounts) {
    const member = peer === null ? listedMember(conversation, key) : undefined;
    if (member === undefined || !takesPart(member)) continue;
    const devices = liveDevices(context.tables, key);
    if (devices.length > 0) {
      context.nudge({ kind: "state", conversation: conversation.id, state: "active", devices });
    }
  }
}
