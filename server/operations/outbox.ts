/** What waits for linked servers: every item durable from the transaction on that brought it about. */
import { peerLimits } from "../../lib/base/limits.ts";
import { isListed, type Peer, type PeerRowOf } from "../tables/peers.ts";
import type { Context } from "./context.ts";

/** An item as it is to be sent; `kind` says what it is. */
export interface NewItem {
  readonly item: { readonly kind: string };
  readonly body?: Uint8Array;
  /** The row of a conversation that it is. */
  readonly row?: PeerRowOf;
  /** When its body is to be forgotten (milliseconds since 1970), sent or not. */
  readonly until?: number;
}

const nothing = new Uint8Array(0);

/** Whether so many bytes in so many items still have room. */
export function hasRoom(peer: Peer, bytes: number, items = 1): boolean {
  return peer.queued + items <= peerLimits.queuedItems &&
    peer.queuedBytes + bytes <= peerLimits.queuedBytes;
}

/** Whether nothing is kept for it: it is not linked with this server, or blocked. */
export function isShutOut(peer: Peer): boolean {
  return !isListed(peer) || peer.state === "blocked";
}

/** An item and its text, made once for all who get it. */
export interface ReadyItem extends NewItem {
  readonly text: string;
}

/** Makes the text of items. */
export function readyItems(items: readonly NewItem[]): ReadyItem[] {
  return items.map((each) => ({ ...each, text: JSON.stringify(each.item) }));
}

/**
 * Queues items for a peer, all or none of them. False when there is no room: then nothing was queued, and the caller says
 * so to whom it concerns.
 */
export function queueAll(
  context: Context,
  peer: Peer,
  items: readonly ReadyItem[],
  { urgent = false }: { readonly urgent?: boolean } = {},
): boolean {
  const bytes = items.reduce((sum, { text, body }) => sum + text.length + (body?.length ?? 0), 0);
  if (isShutOut(peer) || (!urgent && !hasRoom(peer, bytes, items.length))) return false;
  const { peers } = context.tables;
  for (const { text: item, body = nothing, row, until } of items) {
    peer.counter += 1;
    peers.push(peer.key, { counter: peer.counter, item, body, ts: context.now, row, until });
  }
  peer.queued += items.length;
  peer.queuedBytes += bytes;
  peers.save(peer);
  context.nudge({ kind: "outbox", peer: peer.key });
  return true;
}

/**
 * Queues what must not be lost where there is no room: what own people have decided, which is little. A removed or
 * blocked peer gets nothing.
 */
export function queueUrgent(context: Context, peer: Peer, item: NewItem["item"]): void {
  queueAll(context, peer, readyItems([{ item }]), { urgent: true });
}

/** Queues one item for a peer; as `queueAll`. */
export function queueForPeer(context: Context, peer: Peer, item: NewItem): boolean {
  return queueAll(context, peer, readyItems([item]));
}

/** Deletes what a peer has on disk; returns the newest row of each conversation among it. */
export function dropThrough(
  context: Context,
  peer: Peer,
  counter: number,
): readonly PeerRowOf[] {
  const through = Math.min(counter, peer.counter);
  if (through <= peer.acked) return [];
  const { peers } = context.tables;
  const dropped = peers.drop(peer.key, through);
  peer.acked = through;
  peer.ackedDigest = dropped.digest ?? "";
  peer.queued -= dropped.count;
  peer.queuedBytes -= dropped.bytes;
  peers.save(peer);
  return dropped.rows;
}

/** Items that one run looks at: some 10 ms of work. */
const itemsPerRun = 500;

/**
 * Forgets the bodies of items whose time is over, and every item that has waited longer than messages are kept anywhere;
 * returns of how many. A peer that comes back after that is told how things stand, as one that has lost something.
 */
export function expireOutboxes(
  context: Context,
  { now, waitedSince }: { readonly now: number; readonly waitedSince: number },
): number {
  const { peers } = context.tables;
  const over = peers.emptyOver(now, itemsPerRun);
  for (const { peer: key, bytes } of over) {
    const peer = peers.byKey(key);
    if (peer === undefined) continue;
    peer.queuedBytes -= bytes;
    peers.save(peer);
  }
  let dropped = 0;
  for (const peer of peers.list()) {
    const before = peer.queued;
    const last = before === 0 ? undefined : peers.lastBefore(peer.key, waitedSince, itemsPerRun);
    if (last !== undefined) dropThrough(context, peer, last);
    dropped += before - peer.queued;
  }
  return over.length + dropped;
}
