/** How far devices and accounts have got, and which rows nobody needs any more. */
import {
  type Conversation,
  dropSeat,
  lastFor,
  listedMember,
  type Member,
  type Seat,
  waitsHere,
} from "./conversation.ts";

/** Everything up to here has been taken by every device it was for, and can be deleted. */
export function horizon(conversation: Conversation): number {
  let least = conversation.head;
  for (const seat of conversation.seats.values()) {
    if (waitsHere(seat) && seat.cursor < least) least = seat.cursor;
  }
  return least;
}

/** Rows with a sequence in (`after`, `through`]. */
export interface Span {
  readonly after: number;
  readonly through: number;
}

/**
 * Rows beyond the horizon that can be deleted as well: they come after everything that removed devices still wait for,
 * and those that are in have them. So a device that was removed and never comes back keeps no more than what is for it.
 */
export function beyondRemoved(conversation: Conversation): Span {
  let [least, last] = [conversation.head, 0];
  for (const seat of conversation.seats.values()) {
    if (!waitsHere(seat)) continue;
    if (seat.until === null) least = Math.min(least, seat.cursor);
    else if (seat.cursor < seat.until) last = Math.max(last, seat.until);
  }
  return { after: Math.max(last, conversation.cleared), through: least };
}

/** The position of the account's slowest device; the head when it has none here. */
export function slowestOf(conversation: Conversation, account: number): number {
  let least = conversation.head;
  for (const seat of conversation.seats.values()) {
    if (seat.account === account && waitsHere(seat) && seat.cursor < least) least = seat.cursor;
  }
  return least;
}

/** What an acknowledgement changed. */
export interface Acknowledged {
  readonly moved: boolean;
  /** The account's delivered position went up. */
  readonly delivered: boolean;
  /** It had not said so before. */
  readonly noted: boolean;
}

/**
 * A device has stored everything up to `seq`. Never goes back, never beyond what there is for it. A removed device
 * that has got its last row gives up its seat.
 */
export function acknowledge(
  conversation: Conversation,
  seat: Seat,
  options: { readonly seq: number; readonly now: number },
): Acknowledged {
  const seq = Math.min(options.seq, lastFor(conversation, seat));
  const moved = seq > seat.cursor;
  if (moved) {
    seat.cursor = seq;
    if (seat.lost < seq) seat.lost = 0;
    seat.changed = true;
  }
  const noted = seq > seat.acked;
  if (noted) {
    seat.acked = seq;
    seat.changed = true;
  }
  const member = listedMember(conversation, seat.account);
  // Whoever has blocked the other one shows it nothing.
  const delivered = member !== undefined && !member.mutes && seq > member.delivered;
  if (delivered) {
    member.delivered = seq;
    member.deliveredAt = options.now;
    member.changed = true;
  }
  if (seat.until !== null && seat.cursor >= seat.until) dropSeat(conversation, seat);
  return { moved, delivered, noted };
}

/** A stretch of messages of one sender: from `seq` up to the next run. `account` 0 is a stretch of commits. */
export interface Run {
  readonly seq: number;
  readonly account: number;
}

/**
 * Messages of others with a sequence in (`after`, `head`]. `runs` ascend and begin with the one that holds `after + 1`
 * (or with the oldest that is still known).
 */
export function countOthers(
  runs: readonly Run[],
  span: { readonly after: number; readonly head: number; readonly account: number },
): number {
  let count = 0;
  runs.forEach((run, index) => {
    if (run.account === 0 || run.account === span.account) return;
    const first = Math.max(run.seq, span.after + 1);
    const last = Math.min((runs[index + 1]?.seq ?? span.head + 1) - 1, span.head);
    if (last >= first) count += last - first + 1;
  });
  return count;
}

/** The account has read up to `seq` and `unread` messages of others come after it. Never goes back. */
export function markRead(
  member: Member,
  options: { readonly seq: number; readonly unread: number; readonly now: number },
): void {
  member.read = options.seq;
  member.readAt = options.now;
  member.unread = options.unread;
  if (options.unread === 0) member.notice.seen = true;
  member.changed = true;
}
