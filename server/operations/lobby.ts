/** The lobby: signed posts for everybody. */
import { fromBase64url, utf8 } from "../../lib/base/bytes.ts";
import { peerLimits, serverLimits, textLimits } from "../../lib/base/limits.ts";
import { verifyLobbyPost } from "../../lib/crypto/lobby_post.ts";
import { VerifyingKey } from "../../lib/crypto/sign.ts";
import type { Peer } from "../tables/peers.ts";
import type { NewPost, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { actingParty, type Context, type Handler, refuse } from "./context.ts";
import type { PostRow } from "./contract.ts";
import { type LobbyItem, mirrorPost } from "./lobby_peers.ts";
import { remoteParty, shownName } from "./remote.ts";

function postRow(tables: Tables, post: NewPost & { readonly seq: number }): PostRow {
  const author = tables.accounts.byKey(post.account);
  const [account, name] = [author.account, shownName(tables, author)];
  const { seq, post: id, device, text, sentAt, ts, signature } = post;
  return { seq, post: id, account, name, device, text, sentAt, ts, signature };
}

/** All accounts of a peer together; what comes in a burst after an outage is taken in as it is allowed, none of it lost. */
const peerAllowance = { most: peerLimits.lobbyBytesPerMinute, windowMs: 60 * 1000 };

const allowance = { most: serverLimits.lobbyBytesPerMinute, windowMs: 60 * 1000 };

/** Milliseconds until the account may post again; 0 counts this post. */
function countPost(context: Context, subject: string, text: string): number {
  const cost = serverLimits.lobbyPostBytes + utf8(text).length;
  return spend(context, { kind: "lobby", subject, cost, allowance });
}

/** Stores a post, once, and gives it to everybody who is there. */
export const lobbyPost: Handler<"lobby.post"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const before = tables.lobby.find(input.device, input.post);
  if (before !== undefined) return { ok: true, seq: before.seq, ts: before.ts };
  const retryAfterMs = countPost(context, party.account.account, input.text);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const post = { ...input, account: party.account.key, ts: now };
  const seq = storePost(context, post);
  mirrorPost(context, post);
  return { ok: true, seq, ts: now };
};

/** Stores a post that may be stored and tells everybody who is there; returns its sequence. */
function storePost(context: Context, post: NewPost): number {
  const { tables } = context;
  const seq = tables.lobby.add(post);
  context.nudge({ kind: "lobby", post: postRow(tables, { ...post, seq }) });
  // Only by number: a clock that is wrong must not make the first post delete all others.
  cutLobby(tables, {});
  return seq;
}

/**
 * Takes a post of a peer's account, once and only with its device's signature. Milliseconds until the peer may give more
 * posts; 0 when this one is dealt with.
 */
export function takeLobbyItem(context: Context, peer: Peer, item: LobbyItem): number {
  const { tables, settings, now } = context;
  if (!settings.lobbyPeers || !peer.lobby) return 0;
  const party = remoteParty(context, peer, item.certificate);
  if (!party.ok) return party.retryAfterMs ?? 0;
  if (!isGenuine(party.device.device, item)) return 0;
  if (tables.lobby.find(party.device.device, item.post) !== undefined) return 0;
  const cost = serverLimits.lobbyPostBytes + utf8(item.text).length;
  const retryAfterMs = spend(context, {
    kind: "lobby",
    subject: peer.fingerprint,
    cost,
    allowance: peerAllowance,
  });
  if (retryAfterMs > 0) return retryAfterMs;
  const { post, text, sentAt, signature } = item;
  const device = party.device.device;
  storePost(context, {
    post,
    text,
    sentAt,
    signature,
    device,
    account: party.account.key,
    ts: now,
  });
  return 0;
}

/** Keys of devices of other servers that posted lately: making one costs more than using it. */
const keys = new Map<string, VerifyingKey>();
const mostKeys = 4096;

function keyOf(device: string): VerifyingKey {
  const known = keys.get(device);
  if (known !== undefined) return known;
  if (keys.size >= mostKeys) keys.clear();
  const made = new VerifyingKey(fromBase64url(device));
  keys.set(device, made);
  return made;
}

function isGenuine(device: string, item: LobbyItem): boolean {
  if (utf8(item.text).length > textLimits.lobbyTextBytes) return false;
  return verifyLobbyPost(keyOf(device), fromBase64url(item.signature), item);
}

/** Deletes what is beyond the lobby's bounds, too old only where `now` is given; returns how many posts that were. */
export function cutLobby(
  tables: Tables,
  { now }: { readonly now?: number },
): number {
  return tables.lobby.cut({
    through: tables.lobby.head() - serverLimits.lobbyRetentionCount,
    before: now === undefined ? 0 : now - serverLimits.lobbyRetentionMs,
  });
}

/** Posts after a sequence. */
export const lobbyRead: Handler<"lobby.read"> = ({ tables }, { after, limit }) => {
  const posts = tables.lobby.read(after, limit + 1);
  return {
    posts: posts.slice(0, limit).map((post) => postRow(tables, post)),
    head: tables.lobby.head(),
    more: posts.length > limit,
  };
};
