/** Writing an accepted message and all that belongs to it, on its hub and on servers that follow. */
import {
  type Conversation,
  type Member,
  memberOf,
  type Seat,
  takesPart,
  waitsHere,
} from "../domain/conversation.ts";
import { appendOwn, countMessage, noteUsed, passHidden } from "../domain/sending.ts";
import type { Tables } from "../tables/tables.ts";
import { learnByWriting } from "./consent.ts";
import type { Context } from "./context.ts";
import { forwardMessage } from "./followers.ts";
import { nextNumber, notifyOfConversation } from "./notify.ts";
import { liveDevices } from "./presence.ts";
import { shownName } from "./remote.ts";
import { addWaiting, continueRun, type NewRow, tellRow } from "./rows.ts";

/** Messages per device and conversation whose verdict is remembered: more than a client ever has under way. */
const rememberedMessages = 1024;

/** What was said. */
export interface Said {
  /** Its id, made by the sender. */
  readonly id: string;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  /** Whether it counts as nothing unread. */
  readonly quiet: boolean | undefined;
  /** When its bytes are to be forgotten (milliseconds since 1970). */
  readonly until: number | undefined;
  readonly generation: number | undefined;
}

/** A message that passed every check. */
export interface AcceptedMessage {
  readonly conversation: Conversation;
  readonly seat: Seat;
  readonly message: Said;
  readonly row: NewRow;
  /** Storage key of the account that it is kept from. */
  readonly hidden: number | null;
}

/** Puts a message at the head of its conversation; `now` is its time. */
export function appendMessage(
  context: Context,
  { conversation, seat, message: said, row, hidden }: AcceptedMessage,
): { readonly seq: number; readonly ts: number } {
  const { tables, now: ts } = context;
  const { id: message, epoch, bytes, quiet = false, until, generation } = said;
  const seq = appendOwn(conversation, seat);
  if (generation !== undefined) {
    noteUsed(conversation, seat, { epoch, generations: generation + 1 });
  }
  const { device } = seat;
  const stored = { seq, device, ts, epoch, bytes, message, hidden, until: until ?? null };
  // Where everybody but the sender is elsewhere the row waits here for nobody.
  if (isNeeded(conversation, seat)) tables.log.addMessage(conversation.key, stored);
  if (hidden !== null) passHidden(conversation, hidden);
  addWaiting(tables, conversation, row);
  if (seat.lastMessage === "") learnByWriting(context, conversation, seat.account);
  if (conversation.hub === null) {
    tables.log.rememberSent(conversation.key, stored);
    rememberMessage(tables, conversation, seat, message);
    const more = {
      ...(quiet ? { quiet } : {}),
      ...(until === undefined ? {} : { until }),
      ...(generation === undefined ? {} : { generation }),
    };
    const facts = { seq, ts, epoch, device: seat.key, message, ...more };
    forwardMessage(context, conversation, { ...facts, bytes });
  } else if (message > seat.lastMessage) {
    seat.lastMessage = message;
  }
  // What counts as nothing unread stands among the rows like a commit.
  continueRun(context, conversation, quiet ? 0 : seat.account);
  if (!quiet) countForOthers(context, conversation, { seat, hidden });
  tables.conversations.save(conversation);
  const account = tables.accounts.byKey(seat.account).account;
  const whose = { conversation: conversation.id, account, device: seat.key };
  const told = { type: "message", ...whose, seq, ts, epoch, bytes, message } as const;
  tellRow(context, conversation, { by: seat.key, row: told, hidden });
  return { seq, ts };
}

function isNeeded({ seats }: Conversation, sender: Seat): boolean {
  for (const seat of seats.values()) {
    if (seat !== sender && waitsHere(seat)) return true;
  }
  return false;
}

function rememberMessage(
  tables: Tables,
  conversation: Conversation,
  seat: Seat,
  message: string,
): void {
  if (message > seat.lastMessage) seat.lastMessage = message;
  seat.remembered += 1;
  if (seat.remembered < rememberedMessages) return;
  tables.log.cutSent(conversation.key, seat, rememberedMessages);
  seat.remembered = 0;
}

/** Unread counts and notifications of everybody but the sender's account, and but who has blocked it. */
function countForOthers(
  context: Context,
  conversation: Conversation,
  { seat, hidden }: { readonly seat: Seat; readonly hidden: number | null },
): void {
  for (const member of conversation.members) {
    if (member.account === seat.account || member.account === hidden) continue;
    if (!takesPart(member)) continue;
    tellOfRequest(context, conversation, member);
    const fresh = countMessage(member, { from: seat.account, ts: context.now });
    if (fresh) announce(context, conversation, member.account);
  }
}

/** The first words of a stranger are a request. A group's is told of with the invitation. */
function tellOfRequest(context: Context, conversation: Conversation, member: Member): void {
  const { kind, id } = conversation;
  const { account, state, requested, invitedBy } = member;
  if (kind !== "direct" || state !== "request" || requested > 0 || invitedBy === null) return;
  if (context.tables.accounts.byKey(account).peer !== null) return;
  notifyOfConversation(context, account, { kind: "request", conversation: id, from: invitedBy });
}

/** Gives a new stretch of unseen messages its notification number and tells the account's live devices. */
function announce(context: Context, conversation: Conversation, key: number): void {
  const { tables } = context;
  const notice = memberOf(conversation, key)?.notice;
  if (notice === undefined) return;
  notice.number = nextNumber(context, tables.accounts.byKey(key));
  const devices = liveDevices(tables, key);
  if (devices.length === 0) return;
  context.nudge({
    kind: "notification",
    devices,
    notification: {
      notification: notice.number,
      kind: "message",
      ts: notice.ts,
      seen: false,
      conversation: conversation.id,
      from: shownName(tables, tables.accounts.byKey(notice.from)),
      count: notice.count,
    },
  });
}
