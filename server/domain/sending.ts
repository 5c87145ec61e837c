/** The rules for a new message of a conversation. */
import { mlsLimits, serverLimits } from "../../lib/base/limits.ts";
import type { Refused } from "../operations/contract.ts";
import type { Conversation, Member, Seat } from "./conversation.ts";

/** Undefined when a message of `epoch` is in time: up to `lateEpochs` behind the current one, never ahead. */
export function refuseEpoch(conversation: Conversation, epoch: number): Refused | undefined {
  const current = conversation.epoch;
  if (epoch > current) return { ok: false, code: "epoch_conflict", epoch: current };
  if (epoch < current - mlsLimits.lateEpochs) {
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

/** The accounts for which a row by `sender` has to be kept: those with another device in the conversation. */
export function waitsFor(conversation: Conversation, sender: Seat): Set<number> {
  const accounts = new Set<number>();
  for (const seat of conversation.seats.values()) {
    if (seat !== sender && !seat.dead && seat.until === null) accounts.add(seat.account);
  }
  return accounts;
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

/** Counts a message for a member that did not send it. True when this begins a new notification. */
export function countMessage(
  member: Member,
  options: { readonly from: number; readonly ts: number },
): boolean {
  const { notice } = member;
  const fresh = notice.seen || notice.number === 0;
  member.unread += 1;
  notice.count = fresh ? 1 : notice.count + 1;
  notice.ts = options.ts;
  notice.from = options.from;
  notice.seen = false;
  member.changed = true;
  return fresh;
}
