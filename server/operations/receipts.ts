/** How far accounts are in conversations: telling it to live devices here, and to the servers that share a conversation. */
import {
  type Conversation,
  listedMember,
  memberOf,
  reachedBy,
  readingSeat,
} from "../domain/conversation.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Peer, PeerRowOf } from "../tables/peers.ts";
import type { Tables } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import type { Progress, ReceiptsItem } from "./conversation_items.ts";
import { queueForPeer } from "./outbox.ts";
import { liveDevices } from "./presence.ts";
import { liveSeats } from "./rows.ts";

/** A step of an account: the rows in (`after`, `through`] are what is new to it. */
export interface Step {
  readonly account: number;
  /** The device that did it, which need not be told. */
  readonly by: string;
  readonly after: number;
  readonly through: number;
}

/** Rows of a step that are looked at for their senders: whoever wrote before them sees it in the list. */
const rowsOfReceipt = 256;

/** Accounts that sent one of the rows that a step covers; the row at the head is the most frequent step by far. */
function sendersOf(tables: Tables, conversation: Conversation, step: Step): readonly number[] {
  const { head, lastSender, key } = conversation;
  const { through } = step;
  if (through === head && step.after === head - 1) return [lastSender];
  const after = Math.max(step.after, through - rowsOfReceipt);
  return tables.log.runs(key, after).filter(({ seq }) => seq <= through)
    .map(({ account }) => account);
}

/**
 * Live devices that are told of a step. In a group everybody would be told of everybody's every message, so there it is
 * the account's own devices and those of the accounts whose messages the step covers.
 */
function readersOf(tables: Tables, conversation: Conversation, step: Step): string[] {
  const { account, by } = step;
  const mutes = memberOf(conversation, account)?.mutes === true;
  if (conversation.kind === "direct" && !mutes) return liveSeats(tables, conversation, by);
  const senders = mutes ? [] : sendersOf(tables, conversation, step);
  return [...new Set([account, ...senders])].flatMap((each) =>
    liveDevices(tables, each, by).filter((key) => readingSeat(conversation, key) !== undefined)
  );
}

/** Tells others how far an account has got. */
export function tellReceipt(
  { tables, now, nudge }: Context,
  conversation: Conversation,
  whose: Step,
): void {
  const devices = readersOf(tables, conversation, whose);
  const member = memberOf(conversation, whose.account);
  if (devices.length === 0 || member === undefined) return;
  const { account, peer } = tables.accounts.byKey(whose.account);
  nudge({
    kind: "receipt",
    conversation: conversation.id,
    account,
    delivered: member.delivered,
    read: member.read,
    at: now,
    ...(peer === null ? {} : { reached: reachedBy(conversation, peer) }),
    devices,
  });
}

/** Notes that other servers are to be told how far the account is: the hub everything, a follower what is its own. */
export function noteProgress(
  { tables, nudge }: Context,
  conversation: Conversation,
  account: number,
): void {
  const { hub, key, servers } = conversation;
  if (hub === null && servers.size === 0) return;
  const { peer } = tables.accounts.byKey(account);
  const told = hub === null
    ? [...servers].filter(([, { gone }]) => !gone).map(([server]) => server)
    : [hub];
  for (const server of told) {
    if (server === peer) continue;
    tables.following.addDue(server, { conversation: key, account });
    nudge({ kind: "outbox", peer: server });
  }
}

/**
 * Queues what a peer is to be told of people's progress, when it has the item before: so while it is slow or away many steps
 * become one.
 */
export function tellProgress(context: Context, peer: Peer): void {
  if (peer.acked < peer.toldAt) return;
  const { tables } = context;
  const due = tables.following.takeDue(peer.key, peerLimits.progressAtOnce);
  const receipts = due.flatMap(({ conversation, account }) => {
    const told = progressOf(tables, tables.conversations.byKey(conversation), account);
    return told === undefined ? [] : [told];
  });
  if (receipts.length === 0) return;
  const item: ReceiptsItem = { kind: "receipts", receipts };
  if (queueForPeer(context, peer, { item })) peer.toldAt = peer.counter;
  else for (const each of due) tables.following.addDue(peer.key, each);
}

/** What others may know of it: whoever has blocked somebody shows them nothing. */
function progressOf(
  tables: Tables,
  conversation: Conversation,
  account: number,
): Progress | undefined {
  const member = listedMember(conversation, account);
  if (member === undefined) return undefined;
  const { delivered, mutes, peer } = member;
  return {
    conversation: conversation.id,
    account: tables.accounts.byKey(account).account,
    delivered,
    read: mutes ? Math.min(member.read, delivered) : member.read,
    at: Math.max(member.deliveredAt ?? 0, mutes ? 0 : member.readAt ?? 0),
    ...(peer === null ? {} : { reached: reachedBy(conversation, peer) }),
  };
}

/** Takes in how far people are: from a follower its own accounts, from the hub those of other servers. Never goes back. */
export function takeReceipts(context: Context, peer: Peer, { receipts }: ReceiptsItem): number {
  for (const progress of receipts) takeOne(context, peer, progress);
  return 0;
}

function takeOne(context: Context, peer: Peer, progress: Progress): void {
  const { tables } = context;
  const conversation = tables.conversations.byId(progress.conversation);
  const account = tables.accounts.anyById(progress.account);
  if (conversation === undefined || account === undefined) return;
  const member = listedMember(conversation, account.key);
  const mayTell = conversation.hub === null ? account.peer === peer.key : account.peer !== null;
  if (member === undefined || !mayTell) return;
  if (conversation.hub !== null && conversation.hub !== peer.key) return;
  const after = member.delivered;
  const { head } = conversation;
  const { at } = progress;
  const delivered = Math.min(progress.delivered, head);
  const read = Math.min(progress.read, head);
  if (delivered > member.delivered) Object.assign(member, { delivered, deliveredAt: at });
  if (read > member.read) Object.assign(member, { read, readAt: at });
  member.changed = true;
  const { reached = 0 } = progress;
  if (reached > 0 && account.peer !== null && account.peer !== conversation.hub) {
    raise(conversation, account.peer, Math.min(reached, head));
  }
  tables.conversations.save(conversation);
  tellReceipt(context, conversation, {
    account: account.key,
    by: "",
    after,
    through: Math.max(delivered, read),
  });
  if (conversation.hub === null) noteProgress(context, conversation, account.key);
}

/** Another server has everything up to `seq` on disk; whether that is more than was known. */
function raise({ servers }: Conversation, server: number, seq: number): boolean {
  const known = servers.get(server);
  if (known !== undefined && known.reached >= seq) return false;
  const { behind = false, gone = false } = known ?? {};
  servers.set(server, { behind, gone, reached: seq, changed: true });
  return true;
}

/** While much is on its way senders are told this often what has arrived, in milliseconds. */
const toldEveryMs = 500;

/** A follower has these rows on disk: their senders are told, at once when nothing more is on its way. */
export function noteReached(context: Context, peer: Peer, rows: readonly PeerRowOf[]): void {
  const { tables, now } = context;
  for (const { conversation: key, seq } of rows) {
    const conversation = tables.conversations.byKey(key);
    const after = conversation.servers.get(peer.key)?.reached;
    if (after === undefined || !raise(conversation, peer.key, seq)) continue;
    tables.conversations.save(conversation);
    if (peer.untold.size === 0) peer.untoldSince = now;
    if (!peer.untold.has(key)) peer.untold.set(key, { after });
  }
  if (peer.queued > 0 && Math.abs(now - peer.untoldSince) < toldEveryMs) return;
  for (const [key, { after }] of peer.untold) tellReached(context, peer, { key, after });
  peer.untold.clear();
}

function tellReached(
  context: Context,
  peer: Peer,
  { key, after }: { readonly key: number; readonly after: number },
): void {
  const conversation = context.tables.conversations.byKey(key);
  const through = reachedBy(conversation, peer.key);
  for (const { account, peer: server } of conversation.members) {
    if (server !== peer.key) continue;
    tellReceipt(context, conversation, { account, by: "", after, through });
    if (conversation.servers.size > 1) noteProgress(context, conversation, account);
  }
}
