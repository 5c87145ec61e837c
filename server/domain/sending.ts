/** The rules for a new message of a conversation. */
import { mlsLimits, serverLimits } from "../../lib/base/limits.ts";
import type { Refused } from "../operations/contract.ts";
import { type Conversation, type Member, type Seat, waitsHere } from "./conversation.ts";

/**
 * Undefined when a message of `epoch` is in time: never ahead, up to `lateEpochs` behind the current one, and not from before
 * the newest account came, which could not read it. (A commit that brought one may have been taken back.)
 */
export function refuseEpoch(conversation: Conversation, epoch: number): Refused | undefined {
  const { epoch: current, newest } = conversation;
  if (epoch > current) return { ok: false, code: "epoch_conflict", epoch: current };
  if (epoch < Math.max(current - mlsLimits.lateEpochs, Math.min(newest, current))) {
    return { ok: false, code: "epoch_too_old", epoch: current };
  }
  return undefined;
}

/** Undefined when `incarnation` (0 when left out) is the present one. */
export function refuseIncarnation(
  conversation: Conversation,
  incarnation = 0,
): Refused | undefined {
  if (incarnation === conversation.incarnation) return undefined;
  return { ok: false, code: "epoch_conflict", epoch: conversation.epoch };
}

/** What waits for an account: in all its conversations, and in the one that it is about. */
export interface Waiting {
  readonly all: number;
  readonly here: number;
}

/** Whether `bytes` more would be too much for an account for which so much waits already. */
export function isOverQuota(waiting: Waiting, bytes: number): boolean {
  return waiting.all + bytes > serverLimits.queuedBytesPerAccount ||
    waiting.here + bytes > serverLimits.queuedBytesPerConversation;
}

/**
 * The accounts for which a row by `sender` has to be kept: those with another device in the conversation, without
 * `hidden`, from which it is kept.
 */
export function waitsFor(
  conversation: Conversation,
  sender: Seat,
  hidden: number | null = null,
): Set<number> {
  const accounts = new Set<number>();
  for (const seat of conversation.seats.values()) {
    const inside = seat !== sender && waitsHere(seat) && seat.until === null;
    if (inside && seat.account !== hidden) accounts.add(seat.account);
  }
  return accounts;
}

/** The account that has blocked the sender of a message in a direct conversation; null for none. */
export function hiddenFrom(conversation: Conversation, sender: number): number | null {
  if (conversation.kind !== "direct") return null;
  const muting = conversation.members.find(({ account, mutes }) => mutes && account !== sender);
  return muting?.account ?? null;
}

/**
 * Refuses a message that only people would get who have not answered yet, when they have enough of them: until then
 * there is nobody who wants to read it.
 */
export function refusePending(conversation: Conversation, sender: number): Refused | undefined {
  const others = conversation.members
    .filter(({ account, state }) => account !== sender && state !== "out");
  const waiting = others.filter(({ state }) => state === "request");
  if (waiting.length === 0 || waiting.length < others.length) return undefined;
  const full = waiting.every(({ requested }) => requested >= serverLimits.requestMessages);
  return full ? { ok: false, code: "consent_pending" } : undefined;
}

/** The head is kept from the account: its devices that have all before are done with it. */
export function passHidden(conversation: Conversation, account: number): void {
  for (const seat of conversation.seats.values()) {
    if (seat.account !== account || seat.cursor !== conversation.head - 1) continue;
    seat.cursor = conversation.head;
    seat.changed = true;
  }
}

/** A row beyond what there is room for is kept from the account: its devices are set behind it. */
export function giveUp(conversation: Conversation, account: number, through: number): void {
  for (const seat of conversation.seats.values()) {
    if (seat.account !== account || seat.dead || seat.until !== null) continue;
    if (seat.cursor >= through) continue;
    seat.cursor = through;
    seat.lost = through;
    seat.changed = true;
  }
}

/** The device has used `generations` of its sending keys of `epoch`, of the group as it is; what is less changes nothing. */
export function noteUsed(
  { incarnation }: Pick<Conversation, "incarnation">,
  seat: Seat,
  { epoch, generations }: { readonly epoch: number; readonly generations: number },
): void {
  const known = seat.used?.incarnation === incarnation ? seat.used : undefined;
  const more = known === undefined || epoch > known.epoch ||
    (epoch === known.epoch && generations > known.generations);
  if (!more) return;
  seat.used = { incarnation, epoch, generations };
  seat.changed = true;
}

/** Puts a row of `seat` at the head. Its own device has it already, and so skips it when it has all before. */
export function appendOwn(conversation: Conversation, seat: Seat): number {
  const seq = conversation.head + 1;
  conversation.head = seq;
  if (seat.cursor === seq - 1) seat.cursor = seq;
  seat.lastOwn = seq;
  seat.changed = true;
  return seq;
}

/**
 * Counts a message for a member that did not send it. True when this begins a new notification; a request has its own,
 * once. What a member of another server has not read, that server counts.
 */
export function countMessage(
  member: Member,
  options: { readonly from: number; readonly ts: number },
): boolean {
  const { notice } = member;
  member.changed = true;
  if (member.peer !== null) {
    if (member.state === "request") member.requested += 1;
    return false;
  }
  if (member.state === "request") {
    member.unread += 1;
    member.requested += 1;
    return false;
  }
  const fresh = notice.seen || notice.number === 0;
  member.unread += 1;
  notice.count = fresh ? 1 : notice.count + 1;
  notice.ts = options.ts;
  notice.from = options.from;
  notice.seen = false;
  return fresh;
}
