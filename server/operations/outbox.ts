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
  for (const { text, body = nothing, row } of items) {
    peer.counter += 1;
    const stored = { counter: peer.counter, item: text, body, ts: context.now };
    peers.push(peer.key, row === undefined ? stored : { ...stored, row });
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
