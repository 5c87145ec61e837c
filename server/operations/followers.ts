/**
 * The hub's part in conversations with members on other servers: each of those gets every row through its outbox, from the
 * transaction on that wrote it. One that has no room for that is behind, and gets the conversation as it stands later.
 */
import { encodeMembershipChange, type MembershipChange } from "../../lib/base/membership.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import { type Conversation, listedMembers, type Member, rosterOf } from "../domain/conversation.ts";
import type { RollbackFacts } from "../tables/repairs.ts";
import type { Peer } from "../tables/peers.ts";
import type { Tables } from "../tables/tables.ts";
import { type Context, refuse } from "./context.ts";
import type { Refused } from "./contract.ts";
import type {
  CommitItem,
  DeviceItem,
  EndItem,
  MessageItem,
  PartItem,
  RollbackItem,
  SnapshotItem,
  StandingItem,
} from "./conversation_items.ts";
import {
  hasRoom,
  isShutOut,
  type NewItem,
  queueAll,
  type ReadyItem,
  readyItems,
} from "./outbox.ts";
import { accountIds, leavingIds, roleEntries } from "./parties.ts";
import { peerName } from "./remote.ts";

/** Servers to which rows go. */
function followersOf(conversation: Conversation): number[] {
  if (conversation.hub !== null) return [];
  return [...conversation.servers].filter(([, { gone, behind }]) => !gone && !behind)
    .map(([key]) => key);
}

/** Room that an item takes beside its bytes. */
const itemOverhead = 1024;

/**
 * Refuses a row that servers with members in it cannot get, because their outboxes are full: in a group only when nobody
 * would get it.
 */
export function refuseFollowers(
  { peers }: Tables,
  conversation: Conversation,
  bytes: number,
): Refused | undefined {
  const { hub, servers, members, kind } = conversation;
  if (hub !== null || servers.size === 0) return undefined;
  const full = [...servers].filter(([key, { behind, gone }]) => {
    const peer = peers.byKey(key);
    return !gone && (behind || peer === undefined || !takes(peer, bytes));
  });
  const silenced = kind === "direct" ||
    (full.length === servers.size && members.filter(({ peer }) => peer === null).length < 2);
  if (full.length === 0 || !silenced) return undefined;
  return refuse(
    full.every(([key]) => isBlocked(peers.byKey(key))) ? "server_blocked" : "quota_exceeded",
  );
}

function isBlocked(peer: Peer | undefined): boolean {
  return peer?.state === "blocked";
}

function takes(peer: Peer, bytes: number): boolean {
  return !isShutOut(peer) && hasRoom(peer, bytes + itemOverhead);
}

/** Refuses to bring accounts in whose servers have no room for what that takes. */
export function refuseNewServers(
  { peers }: Tables,
  members: readonly Pick<Member, "peer">[],
  bytes: number,
): Refused | undefined {
  const full = members.some(({ peer: key }) => {
    const peer = key === null ? undefined : peers.byKey(key);
    return peer !== undefined && !takes(peer, bytes);
  });
  return full ? refuse("quota_exceeded") : undefined;
}

/** Gives every follower the same items; those without room are behind from now on. */
function forward(context: Context, conversation: Conversation, items: readonly NewItem[]): void {
  const followers = followersOf(conversation);
  if (followers.length === 0) return;
  const ready = readyItems(items);
  for (const key of followers) give(context, conversation, { key, items: ready });
}

function give(
  context: Context,
  conversation: Conversation,
  { key, items }: { readonly key: number; readonly items: readonly ReadyItem[] },
): void {
  const peer = context.tables.peers.byKey(key);
  if (peer === undefined || !queueAll(context, peer, items)) {
    leaveBehind(context.tables, conversation, key);
  }
}

function leaveBehind({ peers }: Tables, { servers }: Conversation, key: number): void {
  const [server, peer] = [servers.get(key), peers.byKey(key)];
  if (server !== undefined) Object.assign(server, { behind: true, changed: true });
  if (peer !== undefined) peer.mayBeBehind = true;
}

/** A message has become a row. Where it only comes back to the device that wrote it, its bytes stay here. */
export function forwardMessage(
  context: Context,
  conversation: Conversation,
  { bytes, ...message }: Omit<MessageItem, "kind" | "conversation"> & {
    readonly bytes: Uint8Array;
  },
): void {
  if (conversation.servers.size === 0) return;
  const item: MessageItem = { kind: "message", conversation: conversation.id, ...message };
  const row = { conversation: conversation.key, seq: message.seq };
  const [bare] = readyItems([{ item, row }]);
  if (bare === undefined) return;
  const whole = { ...bare, body: bytes, ...untilOf(message) };
  const reading = serversOfOthers(conversation, message.device);
  for (const key of followersOf(conversation)) {
    give(context, conversation, { key, items: [reading.has(key) ? whole : bare] });
  }
}

/**
 * Servers with another device than this one in the group. Where one comes back because its removal is taken back, what was written
 * meanwhile is written once more.
 */
function serversOfOthers({ seats }: Conversation, device: string): ReadonlySet<number> {
  const servers = new Set<number>();
  for (const { key, peer } of seats.values()) {
    if (peer !== null && key !== device) servers.add(peer);
  }
  return servers;
}

/** What says itself when it is to be forgotten is forgotten here too then. */
function untilOf({ until }: Pick<MessageItem, "until">): Pick<NewItem, "until"> {
  return until === undefined ? {} : { until };
}

/** A commit as it has become a row. */
export interface ForwardedCommit extends
  Pick<
    CommitItem,
    "seq" | "ts" | "epoch" | "device" | "hash" | "external" | "founds" | "add" | "remove"
  > {
  readonly membership: MembershipChange;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array;
}

/** A commit has become a row; whoever has nobody left in the conversation follows no longer. */
export function forwardCommit(
  context: Context,
  conversation: Conversation,
  { membership, commit, welcome, ...facts }: ForwardedCommit,
): void {
  if (conversation.hub !== null || conversation.servers.size === 0) return;
  const bodies = [encodeMembershipChange(membership), commit, welcome] as const;
  const [first, second, third] = bodies;
  const item: CommitItem = {
    kind: "commit",
    conversation: conversation.id,
    incarnation: conversation.incarnation,
    ...facts,
    parts: [first.length, second.length, third.length],
  };
  const row = { conversation: conversation.key, seq: facts.seq };
  const named = [...facts.add, facts.device];
  forward(context, conversation, [
    ...deviceItems(context.tables, named),
    ...inPieces({ item, row }, joined(bodies)),
  ]);
  endFollowing(conversation);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The item with its body, in front of it the pieces that it cannot hold itself. */
function inPieces(item: Omit<NewItem, "body">, body: Uint8Array): NewItem[] {
  const pieces: NewItem[] = [];
  const part: PartItem = { kind: "part" };
  let at = 0;
  for (; body.length - at > peerLimits.partBytes; at += peerLimits.partBytes) {
    pieces.push({ item: part, body: body.subarray(at, at + peerLimits.partBytes) });
  }
  return [...pieces, { ...item, body: body.subarray(at) }];
}

/** Certificates of devices by their keys. */
function deviceItems(tables: Tables, keys: readonly string[]): NewItem[] {
  return [...new Set(keys)].flatMap((key) => {
    const device = tables.devices.anyById(key);
    if (device === undefined) return [];
    const { certificate, peer } = device;
    const server = peer === null ? {} : { server: peerName(tables, peer) };
    const item: DeviceItem = { kind: "device", certificate, ...server };
    return [{ item }];
  });
}

/** Servers without a listed member and without a device in the group have got their last row. */
function endFollowing({ servers, members, seats }: Conversation): void {
  for (const [key, server] of servers) {
    const there = members.some(({ peer, state }) => peer === key && state !== "out") ||
      [...seats.values()].some(({ peer }) => peer === key);
    if (!there) Object.assign(server, { gone: true, changed: true });
  }
}

/** The latest commit was taken back with row `seq`. */
export function forwardRollback(
  context: Context,
  conversation: Conversation,
  { seq, ts, incarnation, hash, refusals }: RollbackFacts & {
    readonly seq: number;
    readonly ts: number;
  },
): void {
  const facts = { incarnation, seq, ts, hash, refusals };
  const item: RollbackItem = { kind: "rollback", conversation: conversation.id, ...facts };
  forward(context, conversation, [{ item, row: { conversation: conversation.key, seq } }]);
  endFollowing(conversation);
}

/** Removals were queued. */
export function forwardStanding(context: Context, conversation: Conversation): void {
  const { tables } = context;
  const item: StandingItem = {
    kind: "standing",
    conversation: conversation.id,
    removals: [...conversation.removals],
    leaving: leavingIds(tables, conversation),
  };
  forward(context, conversation, [{ item }]);
}

/** The conversation is about to be deleted. */
export function forwardEnd(context: Context, conversation: Conversation): void {
  const item: EndItem = { kind: "end", conversation: conversation.id };
  forward(context, conversation, [{ item }]);
}

/** A conversation as it stands, for one server. */
function snapshotItems(
  { tables, now: ts }: Context,
  conversation: Conversation,
  { peer, by }: { readonly peer: Peer; readonly by: number },
): NewItem[] {
  const { id, key, kind: of, incarnation, epoch, head: seq } = conversation;
  const roster = rosterOf(conversation).map((seat) => seat.key);
  const seated = new Set(rosterOf(conversation).map(({ account }) => account));
  const others = listedMembers(conversation).filter(({ account }) => !seated.has(account))
    .flatMap(({ account }) => tables.devices.ofAccount(account).slice(-1));
  const named = [...roster, ...others.map(({ device }) => device)];
  const restored = tables.conversations.restored(key);
  const item: SnapshotItem = {
    kind: "snapshot",
    conversation: id,
    of,
    by: accountIds(tables)(by),
    incarnation,
    epoch,
    seq,
    ts,
    members: roleEntries(tables, conversation),
    roster,
    removals: [...conversation.removals],
    leaving: leavingIds(tables, conversation),
    ...(restored === undefined ? {} : { restored }),
  };
  const foreign = named.filter((each) => tables.devices.anyById(each)?.peer !== peer.key);
  return [...deviceItems(tables, foreign), { item, row: { conversation: key, seq } }];
}

/** Gives a server the conversation as it stands. False when there is no room for that. */
export function sendSnapshot(context: Context, conversation: Conversation, key: number): boolean {
  const { tables } = context;
  const peer = tables.peers.byKey(key);
  const by = conversation.creator ?? conversation.members[0]?.account;
  const ready = peer === undefined || by === undefined
    ? []
    : readyItems(snapshotItems(context, conversation, { peer, by }));
  const sent = peer !== undefined && ready.length > 0 && queueAll(context, peer, ready);
  const reached = conversation.servers.get(key)?.reached ?? 0;
  conversation.servers.set(key, { reached, behind: !sent, gone: false, changed: true });
  if (peer !== undefined && !sent) peer.mayBeBehind = true;
  tables.conversations.save(conversation);
  return sent;
}

/** Servers of these accounts that do not follow yet begin with the conversation as it is now. */
export function beginFollowing(
  context: Context,
  conversation: Conversation,
  accounts: readonly Pick<Member, "peer">[],
): void {
  if (conversation.hub !== null) return;
  for (const key of new Set(accounts.map(({ peer }) => peer))) {
    const known = key === null ? undefined : conversation.servers.get(key);
    if (key === null || (known !== undefined && !known.gone)) continue;
    sendSnapshot(context, conversation, key);
  }
}

/** Conversations of one step of catching up. */
const caughtUpAtOnce = 50;

/** Gives a peer the conversations in which it is behind, as far as there is room: half of all, lest it stop at once again. */
export function catchUp(context: Context, peer: Peer): void {
  if (!peer.mayBeBehind) return;
  if (peer.queued > peerLimits.queuedItems / 2 || peer.queuedBytes > peerLimits.queuedBytes / 2) {
    return;
  }
  const { conversations, following } = context.tables;
  const behind = following.behind(peer.key, "own", caughtUpAtOnce);
  peer.mayBeBehind = behind.length > 0;
  for (const key of behind) {
    if (!sendSnapshot(context, conversations.byKey(key), peer.key)) return;
  }
}
