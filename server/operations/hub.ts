/** What a server that follows a conversation tells its hub. */
import type { Conversation } from "../domain/conversation.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Peer } from "../tables/peers.ts";
import { spend } from "./allowance.ts";
import type { Context } from "./context.ts";
import type { AnswerItem, WantedItem } from "./conversation_items.ts";
import { queueUrgent } from "./outbox.ts";
import { accountIds } from "./parties.ts";

/** Tells the hub how an own account stands to the conversation; nothing where this server is the hub. */
export function answerHub(
  context: Context,
  { id: conversation, hub }: Conversation,
  { account, state }: { readonly account: number; readonly state: AnswerItem["state"] },
): void {
  const peer = hub === null ? undefined : context.tables.peers.byKey(hub);
  if (peer === undefined) return;
  const item: AnswerItem = {
    kind: "answer",
    conversation,
    account: accountIds(context.tables)(account),
    state,
  };
  queueUrgent(context, peer, item);
}

const hourMs = 60 * 60 * 1000;
const asking = { most: peerLimits.snapshotsPerHour, windowMs: hourMs };
const unheardOf = { most: peerLimits.newConversationsPerHour, windowMs: hourMs };

/**
 * This server has lost its place in a conversation of the peer: nothing more of it is taken before the hub has sent it as
 * it stands, which is asked for so often.
 */
export function loseTrack(context: Context, peer: Peer, id: string): void {
  const { conversations } = context.tables;
  const conversation = conversations.byId(id);
  if (conversation !== undefined) {
    const { reached = 0 } = conversation.servers.get(peer.key) ?? {};
    conversation.servers.set(peer.key, { reached, behind: true, gone: false, changed: true });
    conversations.save(conversation);
  } else {
    // Of conversations that are not known here a peer can name as many as it likes.
    const subject = `wanted ${peer.fingerprint}`;
    if (spend(context, { kind: "snapshot", subject, allowance: unheardOf }) > 0) return;
  }
  const subject = `wanted ${peer.fingerprint} ${id}`;
  if (spend(context, { kind: "snapshot", subject, allowance: asking }) > 0) return;
  const item: WantedItem = { kind: "wanted", conversation: id };
  queueUrgent(context, peer, item);
}

/** Conversations of one peer that are asked for in one go. */
const askedAtOnce = 20;

/** Asks again for what is still waited for, where nothing else is under way to the peer. */
export function askAgain(context: Context): void {
  const { peers, conversations, following } = context.tables;
  for (const peer of peers.list()) {
    if (peer.queued > 0) continue;
    for (const key of following.behind(peer.key, "theirs", askedAtOnce)) {
      loseTrack(context, peer, conversations.byKey(key).id);
    }
  }
}
