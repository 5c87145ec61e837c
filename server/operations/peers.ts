/** Linked servers: who they are, and how far both sides have got. */
import { randomId } from "../../lib/base/ids.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import {
  choosePeerName,
  declaredName,
  isPeerName,
  itemDigest,
  receivedOf,
  resume,
} from "../domain/peers.ts";
import { isListed, type Peer } from "../tables/peers.ts";
import { spend, type Spending } from "./allowance.ts";
import { type Context, type Handler, refuse } from "./context.ts";
import type { PeerItem, PeerRow } from "./contract.ts";
import { dropThrough } from "./outbox.ts";
import { catchUp } from "./followers.ts";
import { forgetParts, takeItem } from "./peer_items.ts";
import { noteReached, tellProgress } from "./receipts.ts";
import { askForLost, isBroken, tellAnew } from "./resync.ts";

/** What others see of a peer that is not removed. */
function peerRow(peer: Peer): PeerRow {
  return {
    peer: peer.key,
    fingerprint: peer.fingerprint,
    identity: peer.identity,
    name: peer.name,
    declared: peer.declared,
    address: peer.address,
    pin: peer.pin,
    state: isListed(peer) ? peer.state : "paused",
    seen: peer.seen,
    addedAt: peer.addedAt,
    linkedAt: peer.linkedAt,
    queued: peer.queued,
    queuedBytes: peer.queuedBytes,
  };
}

/** Adds a server under a name that nobody else has here. */
export const peerAdd: Handler<"peer.add"> = (context, input) => {
  const { tables: { peers }, now } = context;
  const declared = declaredName(input.declared);
  const isTaken = (name: string) => {
    const holder = peers.byName(name);
    return holder !== undefined && holder.state !== "named";
  };
  const before = peers.byFingerprint(input.fingerprint);
  if (before !== undefined && isListed(before)) return refuse("peer_duplicate");
  if (peers.list().length >= peerLimits.peers) return refuse("quota_exceeded");
  if (input.name !== undefined && !isPeerName(input.name)) return refuse("invalid_name");
  if (input.name !== undefined && isTaken(input.name)) return refuse("name_taken");
  const { fingerprint, identity, address, pin } = input;
  const name = input.name ?? choosePeerName({ declared, fingerprint }, isTaken);
  giveWay(context, name);
  const facts = { identity, name, declared, address, pin, stream: randomId(), addedAt: now };
  const peer = before ?? peers.add({ fingerprint, ...facts });
  Object.assign(peer, { state: input.blocked === true ? "blocked" : "active", ...facts } as const);
  peers.save(peer);
  context.nudge({ kind: "peers" });
  return { ok: true, peer: peerRow(peer) };
};

/** A name that the operator gives goes before one that another server has given. */
function giveWay({ tables: { peers } }: Context, name: string): void {
  const holder = peers.byName(name);
  if (holder?.state !== "named") return;
  holder.name = holder.fingerprint;
  peers.save(holder);
}

/** All of them. */
export const peerList: Handler<"peer.list"> = ({ tables }) => ({
  peers: tables.peers.list().map(peerRow),
});

/** Through whom a server can be asked that is not linked with this one. */
export const peerThrough: Handler<"peer.through"> = ({ tables }, { name }) => {
  const { peers, following } = tables;
  const peer = peers.byName(name);
  if (peer?.state !== "named" || peer.identity === null) return refuse("no_such_server");
  return { ok: true, identity: peer.identity, through: following.hubsWith(peer.key) };
};

/** What is learned of a peer, or what the operator decides. */
export const peerUpdate: Handler<"peer.update"> = (context, input) => {
  const { tables: { peers } } = context;
  const peer = known(context, input.peer);
  if (peer === undefined) return refuse("not_found");
  if (input.state !== undefined) {
    peer.state = input.state;
    peer.seen = input.seen ?? null;
  }
  if (input.address !== undefined) peer.address = input.address;
  peers.save(peer);
  context.nudge({ kind: "peers" });
  return { ok: true, peer: peerRow(peer) };
};

/** Removes a peer with what waits for it. How far its own outbox was taken in stays known, and so do its accounts. */
export const peerRemove: Handler<"peer.remove"> = (context, { peer: key }) => {
  const { tables: { peers } } = context;
  const peer = known(context, key);
  if (peer === undefined) return refuse("not_found");
  const dropped = forgetWaiting(context, peer);
  forgetParts(context.tables, peer);
  Object.assign(peer, { state: "removed", name: `removed-${peer.fingerprint}`, lobby: false });
  peers.save(peer);
  context.nudge({ kind: "peers" });
  return { ok: true, dropped };
};

/** Nothing waits for it any more; returns how many items did. */
function forgetWaiting({ tables }: Context, peer: Peer): number {
  const dropped = peer.queued;
  tables.peers.clearOutbox(peer.key);
  tables.following.clearDue(peer.key);
  Object.assign(peer, { queued: 0, queuedBytes: 0, acked: peer.counter, ackedDigest: "" });
  return dropped;
}

/** Whoever is blocked gets no rows from now on, and is behind in every conversation until this is ended. */
export const peerBlock: Handler<"peer.block"> = (context, { peer: key }) => {
  const peer = known(context, key);
  if (peer === undefined) return refuse("not_found");
  const dropped = forgetWaiting(context, peer);
  Object.assign(peer, { state: "blocked", lobby: false });
  context.tables.peers.save(peer);
  context.nudge({ kind: "peers" });
  return { ok: true, dropped };
};

/**
 * Tells the peer how what the two share stands now; what it has queued meanwhile comes with the next link. One that was
 * never linked nor added does not get in by being forgiven: it is paused.
 */
export const peerUnblock: Handler<"peer.unblock"> = (context, { peer: key }) => {
  const peer = known(context, key);
  if (peer?.state !== "blocked") return refuse("not_found");
  const stranger = peer.address === null && peer.linkedAt === null;
  Object.assign(peer, { state: stranger ? "paused" : "active", seen: null });
  context.tables.peers.save(peer);
  tellAnew(context, peer, { lostRows: false });
  context.nudge({ kind: "peers" });
  return { ok: true };
};

function known({ tables }: Context, key: number): Peer | undefined {
  const peer = tables.peers.byKey(key);
  return peer !== undefined && isListed(peer) ? peer : undefined;
}

/** What to tell a peer at the beginning of a link. */
export const peerPosition: Handler<"peer.position"> = ({ tables }, { peer: key }) => {
  const peer = tables.peers.byKey(key);
  if (peer === undefined) return refuse("not_found");
  const { stream, acked, received } = peer;
  return { ok: true, stream, first: acked + 1, received };
};

const anew = { most: peerLimits.toldAnewPerHour, windowMs: 60 * 60 * 1000 };

function tellingAnew({ fingerprint }: Peer): Spending {
  return { kind: "snapshot", subject: `anew ${fingerprint}`, allowance: anew };
}

/** Both have told where they are: from here on the two outboxes move. */
export const peerLinked: Handler<"peer.linked"> = (context, { peer: key, theirs, ...said }) => {
  const { tables: { peers }, now } = context;
  const peer = known(context, key);
  if (peer === undefined) return refuse("not_found");
  const broken = isBroken(peer, theirs.received);
  // Each time is a great many items, also for a peer that only says that it has lost everything.
  const retryAfterMs = broken ? spend(context, tellingAnew(peer)) : 0;
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const from = resume({ ...peer, digestOf: (at) => peers.digest(key, at) }, theirs.received);
  // The peer hears the new id at the next link, which therefore has to come before anything is sent.
  if (from.kind === "anew") {
    peer.stream = randomId();
    peers.save(peer);
    return { ok: true, after: null };
  }
  confirmed(context, peer, from.counter);
  if (peer.received?.stream !== theirs.stream) forgetParts(context.tables, peer);
  peer.received = receivedOf(peer.received, theirs);
  peer.identity = said.identity;
  peer.declared = declaredName(said.declared);
  peer.lobby = said.lobby;
  peer.linkedAt = now;
  peers.save(peer);
  if (broken) tellAnew(context, peer);
  else askForLost(context, peer);
  return { ok: true, after: from.counter };
};

/** What waits. */
export const peerOutgoing: Handler<"peer.outgoing"> = (context, { peer: key, ...span }) => {
  const { peers } = context.tables;
  const peer = peers.byKey(key);
  if (peer !== undefined) tellProgress(context, peer);
  return { items: peers.items(key, span) };
};

/** The peer has everything up to `counter`: what these were is known to have reached it, and there is room again. */
function confirmed(context: Context, peer: Peer, counter: number): void {
  const told = peer.acked < peer.toldAt;
  noteReached(context, peer, dropThrough(context, peer, counter));
  catchUp(context, peer);
  // What was not told meanwhile can be told now.
  if (told && peer.acked >= peer.toldAt) context.nudge({ kind: "outbox", peer: peer.key });
}

/** The peer has it. */
export const peerAcked: Handler<"peer.acked"> = (context, { peer: key, counter }) => {
  const peer = context.tables.peers.byKey(key);
  if (peer !== undefined) confirmed(context, peer, counter);
  return {};
};

/** Takes what a peer sends, once each, in order, as far as it is allowed just now. */
export const peerReceive: Handler<"peer.receive"> = (context, { peer: key, items }) => {
  const { tables: { peers } } = context;
  const peer = peers.byKey(key);
  if (peer === undefined || peer.state !== "active") return refuse("peer_unknown");
  const { received } = peer;
  if (received === null) return refuse("malformed");
  const fresh = items.filter(({ counter }) => counter > received.counter);
  if (!isGapless(fresh, received.counter)) return refuse("malformed");
  let last: PeerItem | undefined;
  let retryAfterMs = 0;
  for (const item of fresh) {
    retryAfterMs = takeItem(context, peer, item);
    if (retryAfterMs > 0) break;
    last = item;
  }
  if (last !== undefined) {
    const { stream } = received;
    peer.received = { stream, counter: last.counter, digest: itemDigest(last) };
    peers.save(peer);
  }
  return { ok: true, received: last?.counter ?? received.counter, retryAfterMs };
};

function isGapless(items: readonly PeerItem[], after: number): boolean {
  return items.every(({ counter }, index) => counter === after + 1 + index);
}
