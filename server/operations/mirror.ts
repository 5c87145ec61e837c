/**
 * Conversations that another server orders, as this one follows them: rows are taken from the hub alone, in order, once
 * each, and written by the code that writes this server's own. What does not fit says that one of both has lost its place.
 */
import { peerLimits } from "../../lib/base/limits.ts";
import { decodeMembershipChange } from "../../lib/base/membership.ts";
import {
  type Conversation,
  isInRoster,
  listedMember,
  type Member,
} from "../domain/conversation.ts";
import type { KnownDevice } from "../domain/roster.ts";
import { hiddenFrom, waitsFor } from "../domain/sending.ts";
import type { Peer } from "../tables/peers.ts";
import type { Device, Tables } from "../tables/tables.ts";
import { appendMessage } from "./append_message.ts";
import { beginFirst, changeConversation } from "./commits.ts";
import type { Context, Party } from "./context.ts";
import type {
  CommitItem,
  EndItem,
  MessageItem,
  RollbackItem,
  SnapshotItem,
  StandingItem,
} from "./conversation_items.ts";
import { answerHub, loseTrack } from "./hub.ts";
import { endMirror, removeAll, stop, tellState } from "./leaving.ts";
import { tellRemovals, unseat } from "./membership.ts";
import { knownDevice } from "./parties.ts";
import { beginAgain } from "./recreate.ts";
import { rollBack } from "./refuse.ts";
import type { CommitBytes } from "./write_commit.ts";

/** The conversation, when it is the peer's and this server knows where it is in it. */
function followed({ tables }: Context, peer: Peer, id: string): Conversation | undefined {
  const conversation = tables.conversations.byId(id);
  const keeps = conversation?.hub === peer.key && !conversation.servers.get(peer.key)?.behind;
  return keeps ? conversation : undefined;
}

/** Greater numbers of rows do not fit the log (server/tables/sqlite/log.ts). */
export const mostRows = 2 ** 28 - 1;

/** The conversation whose next row this is. One that is missing before it is asked for; repeats are nothing. */
function beforeRow(
  context: Context,
  peer: Peer,
  { conversation: id, seq }: { readonly conversation: string; readonly seq: number },
): Conversation | undefined {
  const conversation = followed(context, peer, id);
  if (conversation === undefined) {
    if (!context.tables.conversations.isTaken(id)) loseTrack(context, peer, id);
    return undefined;
  }
  if (seq <= conversation.head || seq > mostRows) return undefined;
  if (seq === conversation.head + 1) return conversation;
  loseTrack(context, peer, id);
  return undefined;
}

/** Takes a message that the hub has accepted, by a device that has a seat. */
export function takeMessage(
  context: Context,
  peer: Peer,
  item: MessageItem,
  bytes: Uint8Array,
): number {
  const conversation = beforeRow(context, peer, item);
  if (conversation === undefined) {
    keepForLater(context.tables, peer, { item, bytes });
    return 0;
  }
  const seat = conversation.seats.get(item.device);
  if (!isInRoster(seat) || item.epoch > conversation.epoch) {
    loseTrack(context, peer, item.conversation);
    return 0;
  }
  const hidden = hiddenFrom(conversation, seat.account);
  const accounts = waitsFor(conversation, seat, hidden);
  const row = { sender: seat.account, accounts, size: bytes.length };
  const { message: id, epoch, quiet, until, generation } = item;
  const message = { id, epoch, bytes, quiet, until, generation };
  appendMessage(at(context, item.ts), { conversation, seat, message, row, hidden });
  return 0;
}

/** A message before which others are missing may be the end of what the hub will say how it stands. */
function keepForLater(
  { conversations, following }: Tables,
  peer: Peer,
  { item, bytes }: { readonly item: MessageItem; readonly bytes: Uint8Array },
): void {
  const conversation = conversations.byId(item.conversation);
  const waits = conversation?.hub === peer.key && conversation.servers.get(peer.key)?.behind;
  if (!waits || bytes.length > peerLimits.stashedBytes) return;
  const row = { conversation: conversation.key, seq: item.seq, item: JSON.stringify(item) };
  following.stash({ ...row, body: bytes }, peerLimits.stashedRows);
}

/** What was kept of a conversation that stands at row `seq` now: the messages without a gap that end with it. */
export function takeStash(
  { conversations, following }: Tables,
  peer: Peer,
  { conversation: id, seq, epoch, restored }: SnapshotItem,
): readonly { readonly item: MessageItem; readonly bytes: Uint8Array }[] {
  const conversation = conversations.byId(id);
  if (conversation?.hub !== peer.key) return [];
  const rows = following.stashed(conversation.key).map(({ item, body }) => ({
    item: JSON.parse(item) as MessageItem,
    bytes: body,
  })).filter(({ item }) => item.conversation === id && item.seq <= seq && item.epoch <= epoch);
  following.clearStash(conversation.key);
  // Of before the hub was put back to an older state.
  if (restored !== undefined) return [];
  let next = seq;
  const tail = rows.toReversed().filter(({ item }) => item.seq === next && next-- > 0);
  return tail.toReversed();
}

/** The same surroundings at the time that the hub noted. */
function at(context: Context, now: number): Context {
  return { ...context, now };
}

const nothing = new Uint8Array(0);

/** What a commit of another server consists of; undefined when its parts do not fit. */
function bytesOf({ hash, parts }: CommitItem, body: Uint8Array): CommitBytes | undefined {
  const [first, second, third] = parts;
  if (first + second + third !== body.length) return undefined;
  const membership = decodeMembershipChange(body.subarray(0, first));
  if (membership === undefined) return undefined;
  const commit = body.subarray(first, first + second);
  return { hash, commit, welcome: body.subarray(first + second), groupInfo: nothing, membership };
}

/** A commit that fits the conversation as it is here. */
interface Fitting {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly input: CommitBytes;
  readonly add: readonly KnownDevice[];
}

/** The commit, when everything that it names is known and where it has to be. */
function fitting(
  { tables }: Context,
  conversation: Conversation,
  { item, body }: { readonly item: CommitItem; readonly body: Uint8Array },
): Fitting | undefined {
  const input = bytesOf(item, body);
  const device = tables.devices.anyById(item.device);
  const add = item.add.map((key) => tables.devices.anyById(key));
  const known = input !== undefined && device !== undefined && add.every(isKnown);
  if (!known || !namesKnown(tables, input) || !isPlaced(conversation, item, device)) {
    return undefined;
  }
  const account = tables.accounts.byKey(device.account);
  const devices = add.filter(isKnown).map(knownDevice);
  const added = input.membership.add.map((each) => each.account);
  const listed = devices.every((each) =>
    added.includes(each.accountId) || listedMember(conversation, each.account) !== undefined
  );
  return listed ? { party: { account, device }, conversation, input, add: devices } : undefined;
}

function isKnown(device: Device | undefined): device is Device {
  return device !== undefined;
}

function namesKnown({ accounts }: Tables, { membership }: CommitBytes): boolean {
  const { add, remove, roles } = membership;
  return [...add, ...roles].map(({ account }) => account).concat(remove)
    .every((id) => accounts.anyById(id) !== undefined);
}

/** Whether it leads on from where the conversation is, and the devices that it concerns sit where that presumes. */
function isPlaced(
  { epoch, incarnation, seats, head }: Conversation,
  item: CommitItem,
  device: Device,
): boolean {
  if (item.founds) {
    return item.epoch === 0 && item.incarnation === (head === 0 ? incarnation : incarnation + 1);
  }
  return item.epoch === epoch && item.incarnation === incarnation &&
    (item.external || isInRoster(seats.get(device.device))) &&
    item.remove.every((key) => isInRoster(seats.get(key)));
}

/** Takes a commit that the hub has accepted. */
export function takeCommit(
  context: Context,
  peer: Peer,
  item: CommitItem,
  body: Uint8Array,
): number {
  const conversation = beforeRow(context, peer, item);
  if (conversation === undefined) return 0;
  const fits = fitting(context, conversation, { item, body });
  if (fits === undefined) {
    loseTrack(context, peer, item.conversation);
    return 0;
  }
  const members = new Set(conversation.members.filter(({ state }) => state !== "out"));
  apply(at(context, item.ts), item, fits);
  settle(context, conversation, { before: members, add: fits.add });
  endMirror(context, conversation);
  return 0;
}

function apply(context: Context, item: CommitItem, fits: Fitting): void {
  const { party, conversation, input, add } = fits;
  if (!item.founds) {
    const { external, remove } = item;
    const change = { ...input, external, remove: [...remove] };
    changeConversation(context, { party, conversation, input: change, add });
    return;
  }
  const founding = { party, conversation, input, roster: [...add, knownDevice(party.device)] };
  if (conversation.head === 0) beginFirst(context, founding);
  else beginAgain(context, founding);
}

/** What this server knows of its own accounts counts: the hub hears how they stand, and devices removed here stay so. */
function settle(
  context: Context,
  conversation: Conversation,
  changed: { readonly before: ReadonlySet<object>; readonly add: readonly KnownDevice[] },
): void {
  for (const member of conversation.members) {
    const fresh = member.peer === null && member.state !== "out" && !changed.before.has(member);
    if (fresh) answerForNew(context, conversation, member);
  }
  for (const { key, revoked } of changed.add) {
    const seat = conversation.seats.get(key);
    if (!revoked || seat === undefined) continue;
    seat.revoked = true;
    unseat(context, conversation, seat);
  }
  context.tables.conversations.save(conversation);
}

/** Somebody of this server who is new to the conversation: the hub hears how this server takes that. */
export function answerForNew(
  context: Context,
  conversation: Conversation,
  { account, state }: Pick<Member, "account" | "state">,
): void {
  if (state === "left" || state === "out") return;
  answerHub(context, conversation, { account, state });
}

/** The hub has taken the latest commit back. */
export function takeRollback(context: Context, peer: Peer, item: RollbackItem): number {
  const conversation = beforeRow(context, peer, item);
  if (conversation === undefined) return 0;
  const undo = context.tables.repairs.undo(conversation.key);
  const fits = undo !== undefined && undo.hash === item.hash &&
    item.incarnation === conversation.incarnation + 1;
  if (!fits) loseTrack(context, peer, item.conversation);
  else rollBack(at(context, item.ts), conversation, { undo, refusals: item.refusals });
  return 0;
}

/** Takes whom the next commit has to remove. */
export function takeStanding(context: Context, peer: Peer, item: StandingItem): number {
  const conversation = followed(context, peer, item.conversation);
  if (conversation === undefined) return 0;
  standAs(context, conversation, item);
  tellRemovals(context, conversation, "");
  return 0;
}

/** Accounts that leave take part no longer, and devices that are to be removed get nothing. */
export function standAs(
  context: Context,
  conversation: Conversation,
  { removals, leaving }: Pick<StandingItem, "removals" | "leaving">,
): void {
  const { tables } = context;
  for (const id of leaving) {
    const account = tables.accounts.anyById(id);
    const member = account && listedMember(conversation, account.key);
    if (member === undefined || member.state === "left") continue;
    stop(context, conversation, { member, state: "left" });
    tellState(context, conversation, { account: member.account, by: "", state: "left" });
  }
  for (const key of removals) {
    const seat = conversation.seats.get(key);
    if (isInRoster(seat) && !conversation.removals.has(key)) unseat(context, conversation, seat);
  }
}

/** The hub has no such conversation for this server: nobody can go on in it. */
export function takeEnd(context: Context, peer: Peer, item: EndItem): number {
  const conversation = context.tables.conversations.byId(item.conversation);
  if (conversation?.hub !== peer.key) return 0;
  for (const { account, peer: server, state } of conversation.members) {
    if (server !== null || state === "out") continue;
    tellState(context, conversation, { account, by: "", state: "left" });
  }
  removeAll(context, conversation);
  return 0;
}
