/** What linked servers queue for this one, by kind. What is not acceptable is left out; it never stops what follows. */
import { concat } from "../../lib/base/bytes.ts";
import { mlsLimits, peerLimits } from "../../lib/base/limits.ts";
import type { Peer } from "../tables/peers.ts";
import type { Context } from "./context.ts";
import type { PeerItem } from "./contract.ts";
import type { ConversationItem, DeviceItem } from "./conversation_items.ts";
import { takeAnswer, takeRevoked, takeWanted } from "./followed.ts";
import { takeLobbyItem } from "./lobby.ts";
import type { LobbyItem } from "./lobby_peers.ts";
import { takeCommit, takeEnd, takeMessage, takeRollback, takeStanding } from "./mirror.ts";
import { takeSnapshot } from "./mirror_snapshot.ts";
import { takeReceipts } from "./receipts.ts";
import { namedParty } from "./remote.ts";

/** Every kind of item. */
export type Item = LobbyItem | ConversationItem | UnknownItem;

/** One of a kind that this version does not know, whatever it is called. */
interface UnknownItem {
  readonly kind: "unknown";
}

/** One kind of item, or several. */
type ItemOf<K extends Item["kind"]> = {
  [P in K]: Extract<Item, { readonly kind: P }> & { readonly kind: P };
}[K];

type Takers = {
  readonly [K in Item["kind"]]: (
    context: Context,
    peer: Peer,
    item: ItemOf<K>,
    body: Uint8Array,
  ) => number;
};

const takers: Takers = {
  lobby: takeLobbyItem,
  device: takeDevice,
  part: (context, peer, _, body) => takePart(context, peer, body),
  message: takeMessage,
  commit: takeCommit,
  rollback: takeRollback,
  standing: takeStanding,
  snapshot: takeSnapshot,
  receipts: takeReceipts,
  end: takeEnd,
  answer: takeAnswer,
  wanted: takeWanted,
  revoked: takeRevoked,
  // What followed from it is missed where the next row does not fit: then the conversation is asked for as it stands.
  unknown: () => 0,
};

/** Remembers a device; one that the peer may not speak for is not known afterwards, and neither is what names it. */
function takeDevice(context: Context, peer: Peer, item: DeviceItem): number {
  const { certificate, server: called = "" } = item;
  const party = namedParty(context, peer, { certificate, called });
  return party.ok ? 0 : party.retryAfterMs ?? 0;
}

/** Bytes of the pieces of one body: nothing larger is ever sent. */
const mostParts = mlsLimits.commitBytes + peerLimits.partBytes;

/** Keeps a piece until the item comes that it belongs to. Too many are none: the item then does not fit its parts. */
function takePart({ tables }: Context, peer: Peer, bytes: Uint8Array): number {
  if (peer.parts + bytes.length > mostParts) forgetParts(tables, peer);
  else {
    tables.following.addPart(peer.key, bytes);
    peer.parts += bytes.length;
  }
  return 0;
}

/** Nothing that came in pieces goes on. */
export function forgetParts({ following }: Context["tables"], peer: Peer): void {
  if (peer.parts > 0) following.clearParts(peer.key);
  peer.parts = 0;
}

/**
 * Takes one item in; the network side has checked its shape. 0 when it is dealt with, for good; else the milliseconds
 * until it may be tried again, before which nothing behind it is taken.
 */
export function takeItem(context: Context, peer: Peer, { item: text, body }: PeerItem): number {
  const item: Item = JSON.parse(text);
  if (item.kind === "part" || peer.parts === 0) return take(context, peer, { item, body });
  const pieces = context.tables.following.parts(peer.key);
  const waitMs = take(context, peer, { item, body: concat(...pieces, body) });
  if (waitMs === 0) forgetParts(context.tables, peer);
  return waitMs;
}

function take<K extends Item["kind"]>(
  context: Context,
  peer: Peer,
  { item, body }: { readonly item: ItemOf<K>; readonly body: Uint8Array },
): number {
  if (!Object.hasOwn(takers, item.kind)) return 0;
  const taker: Takers[K] = takers[item.kind];
  return taker(context, peer, item, body);
}
