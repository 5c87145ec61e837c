/** Messages: sending, reading the log, acknowledging, marking as read. */
import {
  type Conversation,
  lastFor,
  listedMember,
  memberOf,
  readingSeat,
  type Seat,
  sendingSeat,
  takesPart,
} from "../domain/conversation.ts";
import { acknowledge, countOthers, markRead, slowestOf } from "../domain/progress.ts";
import {
  hiddenFrom,
  refuseEpoch,
  refuseIncarnation,
  refusePending,
  waitsFor,
} from "../domain/sending.ts";
import type { CommitFacts, StoredRow, Tables } from "../tables/tables.ts";
import { appendMessage } from "./append_message.ts";
import { actingParty, type Context, type Handler, refuse } from "./context.ts";
import type { LogRow } from "./contract.ts";
import { refuseFollowers } from "./followers.ts";
import { endMirror } from "./leaving.ts";
import { elsewhere, roleEntries, standingOf } from "./parties.ts";
import { noteProgress, tellReceipt } from "./receipts.ts";
import { refuseQuota } from "./rows.ts";
import { settleWaiting } from "./waiting.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** Accepts a message, once: the same id again gets the same answer. */
export const messageSend: Handler<"message.send"> = (context, input) => {
  const { tables } = context;
  const conversation = tables.conversations.byId(input.conversation);
  if (conversation === undefined) return refuse("no_such_conversation");
  const seat = sendingSeat(conversation, input.device);
  if (seat === undefined) return refuse("not_a_member");
  if (conversation.hub !== null) return sendElsewhere(tables, conversation.hub, seat);
  // Ids ascend with time; one that is greater than all before needs no look-up.
  const repeated = input.message <= seat.lastMessage
    ? tables.log.sent(conversation.key, seat.device, input.message)
    : undefined;
  if (repeated !== undefined) return { ok: true, seq: repeated.seq, ts: repeated.ts };
  const hidden = hiddenFrom(conversation, seat.account);
  const row = {
    sender: seat.account,
    accounts: waitsFor(conversation, seat, hidden),
    size: input.bytes.length,
    group: conversation.kind === "group",
  };
  const refused = refuseDeleted(tables, conversation, seat) ??
    refuseIncarnation(conversation, input.incarnation) ??
    refuseEpoch(conversation, input.epoch) ??
    refusePending(conversation, seat.account) ?? refuseQuota(tables, conversation, row) ??
    refuseFollowers(tables, conversation, row.size);
  if (refused !== undefined) return refused;
  const { message, epoch, bytes, quiet, keepDays, generation } = input;
  const until = keepDays === undefined ? undefined : context.now + keepDays * dayMs;
  const said = { id: message, epoch, bytes, quiet, until, generation };
  const { seq, ts } = appendMessage(context, { conversation, seat, message: said, row, hidden });
  return { ok: true, seq, ts };
};

/** Nobody is left to write to. */
function refuseDeleted(tables: Tables, conversation: Conversation, seat: Seat) {
  if (conversation.kind !== "direct") return undefined;
  const other = conversation.members.find(({ account }) => account !== seat.account);
  const gone = other !== undefined && tables.accounts.byKey(other.account).deletedAt !== null;
  return gone ? refuse("no_such_user") : undefined;
}

/** A linked server is told of no other one: it asks the one whose conversation it is. */
function sendElsewhere(tables: Tables, hub: number, seat: Seat) {
  const device = tables.devices.byKey(seat.device);
  return device.peer === null ? elsewhere(tables, hub, device) : refuse("not_a_member");
}

/** A stored row as the device in `seat` sees it: the commit that let it in is its welcome. */
function logRow(tables: Tables, conversation: Conversation, seat: Seat, row: StoredRow): LogRow {
  if (row.device === 0) return rollbackRow(tables, conversation, row);
  const { device, accountId: account } = tables.devices.byKey(row.device);
  const { seq, ts, epoch, bytes } = row;
  const common = { conversation: conversation.id, seq, account, device, ts, epoch, bytes };
  if (row.message !== null) return { ...common, type: "message", message: row.message };
  const facts = tables.log.commitFacts(conversation.key, seq);
  const { incarnation } = facts;
  if (seq === seat.joined) {
    return { ...common, ...welcomeRow(tables, conversation, { seat, facts }), epoch: epoch + 1 };
  }
  const { hash, external, add, remove, recreated } = facts;
  if (recreated) return { ...common, type: "recreated", bytes: nothing, incarnation, hash };
  return { ...common, type: "commit", hash, external, add, remove };
}

const nothing = new Uint8Array(0);

function rollbackRow(tables: Tables, { key, id }: Conversation, row: StoredRow): LogRow {
  const { seq, ts, bytes } = row;
  const { forgotten, ...facts } = tables.repairs.rollback(key, seq);
  const common = { conversation: id, seq, ts, bytes };
  if (forgotten === undefined) return { ...common, type: "rollback", ...facts };
  const { account, device, epoch, incarnation, hash } = facts;
  const whose = { account, device, epoch, incarnation, hash };
  return { ...common, type: "recreated", ...whose, forgotten };
}

function welcomeRow(
  tables: Tables,
  conversation: Conversation,
  { seat, facts }: { readonly seat: Seat; readonly facts: CommitFacts },
) {
  const { kind } = conversation;
  const { welcome: bytes, roster, incarnation } = facts;
  // Rows from before there were groups do not say who was in.
  const members = facts.members.length > 0 ? facts.members : roleEntries(tables, conversation);
  const standing = standingOf(tables, conversation, seat.account);
  return { type: "welcome", kind, bytes, incarnation, roster, members, ...standing } as const;
}

/** The rows that a device has not got, in order. */
export const logRead: Handler<"log.read"> = ({ tables }, input) => {
  const conversation = tables.conversations.byId(input.conversation);
  if (conversation === undefined) return refuse("no_such_conversation");
  const seat = readingSeat(conversation, input.device);
  if (seat === undefined) return refuse("not_a_member");
  const after = Math.max(input.after, seat.cursor);
  const through = lastFor(conversation, seat);
  if (after >= through) return { ok: true, rows: [], more: false };
  const waiting = memberOf(conversation, seat.account)?.waiting ?? input.maxBytes;
  const stored = tables.log.read(conversation.key, {
    after,
    through,
    device: seat.device,
    account: seat.account,
    limit: input.limit,
    maxBytes: waiting < input.maxBytes ? undefined : input.maxBytes,
  });
  const last = stored.at(-1)?.seq ?? through;
  if (stored.length === 0 && after === seat.cursor) passOver(tables, conversation, seat);
  const { device, account } = seat;
  const rest = { after: last, through, device, account };
  const more = last < through && tables.log.firstForeign(conversation.key, rest) !== undefined;
  return { ok: true, rows: stored.map((row) => logRow(tables, conversation, seat, row)), more };
};

/** Moves the cursor over rows that are the device's own, are kept from its account or are deleted. */
function passOver(tables: Tables, conversation: Conversation, seat: Seat): void {
  const through = lastFor(conversation, seat);
  if (seat.cursor >= through) return;
  const span = { after: seat.cursor, through, device: seat.device, account: seat.account };
  const next = tables.log.firstForeign(conversation.key, span);
  seat.cursor = next === undefined ? through : next - 1;
  seat.changed = true;
  tables.conversations.save(conversation);
}

/** Conversations in which rows wait for the device. */
export const logPending: Handler<"log.pending"> = ({ tables }, actor) => {
  const party = actingParty(tables, actor);
  return { conversations: party.ok ? tables.conversations.pending(party.device.key) : [] };
};

/** The device has stored everything up to a sequence; rows that nobody waits for are deleted with the commit. */
export const messageAck: Handler<"message.ack"> = (context, { device, acks }) => {
  for (const ack of acks) {
    const conversation = context.tables.conversations.byId(ack.conversation);
    const seat = conversation && readingSeat(conversation, device);
    if (conversation === undefined || seat === undefined) continue;
    acknowledgeOne(context, { conversation, seat, seq: ack.seq });
    endMirror(context, conversation);
  }
  return {};
};

function acknowledgeOne(
  context: Context,
  ack: { readonly conversation: Conversation; readonly seat: Seat; readonly seq: number },
): void {
  const { tables, now } = context;
  const { conversation, seat, seq } = ack;
  const { account } = seat;
  const before = slowestOf(conversation, account);
  const after = memberOf(conversation, account)?.delivered ?? 0;
  const { moved, delivered, noted } = acknowledge(conversation, seat, { seq, now });
  if (!moved && !delivered) {
    if (noted) tables.conversations.save(conversation);
    return;
  }
  if (seat.lastOwn > seat.cursor) passOver(tables, conversation, seat);
  settleWaiting(tables, conversation, { account, before });
  tables.conversations.save(conversation);
  if (!delivered) return;
  const through = memberOf(conversation, account)?.delivered ?? after;
  noteProgress(context, conversation, account);
  tellReceipt(context, conversation, { account, by: seat.key, after, through });
}

/** The account has read up to a sequence; answers how many messages of others come after it. */
export const messageRead: Handler<"message.read"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const conversation = tables.conversations.byId(input.conversation);
  const member = conversation && listedMember(conversation, party.account.key);
  if (conversation === undefined || member === undefined) return refuse("no_such_conversation");
  const { head, key } = conversation;
  const seq = Math.min(input.seq, head);
  const after = member.read;
  if (seq <= after) return { ok: true, unread: member.unread };
  const span = { after: seq, head, account: member.account };
  const unread = seq === head ? 0 : countOthers(tables.log.runs(key, seq), span);
  markRead(member, { seq, unread, now });
  const readers = conversation.members.filter((each) => takesPart(each) && each.peer === null);
  tables.log.cutRuns(key, Math.min(head, ...readers.map((each) => each.read)));
  tables.conversations.save(conversation);
  const step = { account: member.account, by: input.device, after, through: seq };
  noteProgress(context, conversation, member.account);
  tellReceipt(context, conversation, step);
  return { ok: true, unread };
};
