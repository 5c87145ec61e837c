/** What linked servers queue for this one, by kind. What is not acceptable is left out; it never stops what follows. */
import type { Peer } from "../tables/peers.ts";
import type { Context } from "./context.ts";
import type { PeerItem } from "./contract.ts";
import { takeLobbyItem } from "./lobby.ts";
import type { LobbyItem } from "./lobby_peers.ts";

/** Every kind of item. */
export type Item = LobbyItem;

type Takers = {
  readonly [K in Item["kind"]]: (
    context: Context,
    peer: Peer,
    item: Extract<Item, { readonly kind: K }>,
  ) => number;
};

const takers: Takers = { lobby: takeLobbyItem };

/**
 * Takes one item in; the network side has checked its shape. 0 when it is dealt with, for good; else the milliseconds
 * until it may be tried again, before which nothing behind it is taken.
 */
export function takeItem(context: Context, peer: Peer, { item: text }: PeerItem): number {
  const item: Item = JSON.parse(text);
  return takers[item.kind](context, peer, item);
}
