/** The lobby between linked servers that both want it: each gives the other what its own accounts post. */
import type { NewPost } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import { queueForPeer } from "./outbox.ts";

/** A post, with the certificate that says whose device signed it. */
export interface LobbyItem {
  readonly kind: "lobby";
  readonly post: string;
  readonly certificate: string;
  readonly text: string;
  readonly sentAt: number;
  readonly signature: string;
}

/** Gives a post of an own account to linked servers. One that is away for so long that its outbox is full misses it. */
export function mirrorPost(context: Context, post: NewPost): void {
  const { tables, settings } = context;
  const peers = settings.lobbyPeers ? tables.peers.list().filter(({ lobby }) => lobby) : [];
  const certificate = peers.length > 0 ? tables.devices.byId(post.device)?.certificate : undefined;
  if (certificate === undefined) return;
  const { post: id, text, sentAt, signature } = post;
  const item: LobbyItem = { kind: "lobby", post: id, certificate, text, sentAt, signature };
  for (const peer of peers) queueForPeer(context, peer, { item });
}
