/** What waits for linked servers: every item durable from the transaction on that brought it about. */
import { toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import type { Peer } from "../tables/peers.ts";
import type { Context } from "./context.ts";
import type { PeerItem } from "./contract.ts";

/** An item as it is to be sent; `kind` says what it is. */
export interface NewItem {
  readonly item: { readonly kind: string };
  readonly body?: Uint8Array;
}

const nothing = new Uint8Array(0);

/** What both sides know an item by: SHA-256 over its JSON text, a zero byte and its body; base64url. */
export function itemDigest({ item, body }: Pick<PeerItem, "item" | "body">): string {
  return toBase64url(sha256(utf8(`${item}\0`), body));
}

/** Whether an item of so many bytes still has room. */
export function hasRoom(peer: Peer, bytes: number): boolean {
  return peer.queued < peerLimits.queuedItems && peer.queuedBytes + bytes <= peerLimits.queuedBytes;
}

/** Queues an item for a peer. False when there is no room: then nothing was queued, and the caller says so to whom it concerns. */
export function queueForPeer(
  context: Context,
  peer: Peer,
  { item, body = nothing }: NewItem,
): boolean {
  const text = JSON.stringify(item);
  const bytes = text.length + body.length;
  if (!hasRoom(peer, bytes)) return false;
  const { peers } = context.tables;
  peer.counter += 1;
  peer.queued += 1;
  peer.queuedBytes += bytes;
  const stored = { counter: peer.counter, item: text, body };
  peers.push(peer.key, { ...stored, digest: itemDigest(stored), ts: context.now });
  peers.save(peer);
  context.nudge({ kind: "outbox", peer: peer.key });
  return true;
}

/** Deletes what a peer has on disk. */
export function dropThrough(context: Context, peer: Peer, counter: number): void {
  const through = Math.min(counter, peer.counter);
  if (through <= peer.acked) return;
  const { peers } = context.tables;
  const dropped = peers.drop(peer.key, through);
  peer.acked = through;
  peer.ackedDigest = dropped.digest ?? "";
  peer.queued -= dropped.count;
  peer.queuedBytes -= dropped.bytes;
  peers.save(peer);
}
