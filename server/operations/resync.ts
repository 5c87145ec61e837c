/** When one of two linked servers was put back to an older state, what is between them is told anew. */
import type { Conversation } from "../domain/conversation.ts";
import type { OwnOutbox } from "../domain/peers.ts";
import type { Peer } from "../tables/peers.ts";
import type { Context } from "./context.ts";
import type { PeerReceipt } from "./contract.ts";
import type { RevokedItem } from "./conversation_items.ts";
import { catchUp } from "./followers.ts";
import { loseTrack } from "./hub.ts";
import { answerForNew } from "./mirror.ts";
import { queueUrgent } from "./outbox.ts";
import { noteProgress } from "./receipts.ts";

/** Conversations that are looked at together. */
const page = 500;

/**
 * Whether items that the peer confirmed, or that were sent to it, are lost: it has forgotten them, or this side has
 * forgotten that it sent them.
 */
export function isBroken(
  own: Pick<OwnOutbox, "stream" | "acked">,
  received: PeerReceipt | null,
): boolean {
  if (received === null) return own.acked > 0;
  return received.stream !== own.stream || received.counter < own.acked;
}

/**
 * Everything that the two share is told once more: it changes nothing where nothing was lost. `lostRows`: whether rows of
 * the peer's conversations may be missing here, which its own outbox does not hold any more.
 */
export function tellAnew(
  context: Context,
  peer: Peer,
  { lostRows = true }: { readonly lostRows?: boolean } = {},
): void {
  const { conversations, following } = context.tables;
  for (let after = 0;;) {
    const keys = following.withPeer(peer.key, after, page);
    for (const key of keys) {
      const conversation = conversations.byKey(key);
      if (conversation.hub === null) markBehind(context, conversation, peer);
      else if (conversation.hub === peer.key) {
        if (lostRows) loseTrack(context, peer, conversation.id);
        tellHub(context, conversation);
      }
      tellRevocations(context, conversation, peer);
    }
    after = keys.at(-1) ?? 0;
    if (keys.length < page) break;
  }
  catchUp(context, peer);
}

function markBehind({ tables }: Context, conversation: Conversation, { key }: Peer): void {
  const server = conversation.servers.get(key);
  if (server === undefined || server.gone) return;
  Object.assign(server, { behind: true, changed: true });
  const peer = tables.peers.byKey(key);
  if (peer !== undefined) peer.mayBeBehind = true;
  tables.conversations.save(conversation);
}

/** What the hub may have forgotten: how own accounts stand and how far they are. */
function tellHub(context: Context, conversation: Conversation): void {
  for (const member of conversation.members) {
    if (member.peer !== null || member.state === "out") continue;
    answerForNew(context, conversation, member);
    noteProgress(context, conversation, member.account);
  }
}

/** Which own devices in it are revoked. */
function tellRevocations(context: Context, conversation: Conversation, peer: Peer): void {
  const { devices } = context.tables;
  for (const { device, peer: server, revoked } of conversation.seats.values()) {
    const revocation = server === null && revoked ? devices.byKey(device).revocation : null;
    if (revocation === null) continue;
    const item: RevokedItem = { kind: "revoked", revocation };
    queueUrgent(context, peer, item);
  }
}

/** A new link: what is still waited for is asked for again. */
export function askForLost(context: Context, peer: Peer): void {
  const { conversations, following } = context.tables;
  for (const key of following.behind(peer.key, "theirs", page)) {
    loseTrack(context, peer, conversations.byKey(key).id);
  }
}
