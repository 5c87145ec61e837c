/** Keeping what a conversation was before its latest commit, and going back to it. */
import {
  type Conversation,
  dropSeat,
  listedMembers,
  type Member,
  memberOf,
  type Seat,
  takeSeat,
  takesPart,
  waitsHere,
} from "../domain/conversation.ts";
import type { ChangedMember, ChangedSeat, Place, Undo } from "../tables/repairs.ts";
import type { Tables } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import { forgetOut, recountWaiting } from "./waiting.ts";

/** A conversation as it was before a change that is under way. */
export interface Before {
  readonly epoch: number;
  readonly seats: ReadonlyMap<string, Seat>;
  readonly members: readonly Member[];
  readonly removals: readonly string[];
  readonly groupInfo: Uint8Array;
}

/** What the conversation is now, before a commit changes it. */
export function beginUndo(tables: Tables, conversation: Conversation): Before {
  return {
    epoch: conversation.epoch,
    seats: new Map([...conversation.seats].map(([key, seat]) => [key, { ...seat }])),
    members: listedMembers(conversation).map((member) => ({ ...member })),
    removals: [...conversation.removals],
    groupInfo: tables.conversations.groupInfo(conversation.key),
  };
}

/** Keeps what it takes to go back behind the commit of row `seq`, which has changed the seats by now. */
export function keepUndo(
  { tables, now }: Context,
  conversation: Conversation,
  commit: {
    readonly undo: Before;
    readonly seq: number;
    readonly hash: string;
    /** Storage key of the committer. */
    readonly device: number;
  },
): void {
  const { undo, seq, hash, device } = commit;
  const { epoch, removals, groupInfo } = undo;
  const seats = changedSeats(undo.seats, conversation.seats);
  tables.repairs.keep(conversation.key, {
    seq,
    ts: now,
    device,
    hash,
    epoch,
    seats,
    members: changedMembers(undo.members, listedMembers(conversation)),
    removals,
    groupInfo,
  });
}

function changedSeats(
  before: ReadonlyMap<string, Seat>,
  after: ReadonlyMap<string, Seat>,
): ChangedSeat[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => {
    const [old, now] = [before.get(key), after.get(key)];
    const seat = now ?? old;
    if (seat === undefined || (old?.joined === now?.joined && old?.until === now?.until)) return [];
    const { device, account } = seat;
    return [{ key, device, account, before: old === undefined ? null : placeOf(old) }];
  });
}

function changedMembers(before: readonly Member[], after: readonly Member[]): ChangedMember[] {
  const old = new Map(before.map((member) => [member.account, member]));
  const now = new Map(after.map((member) => [member.account, member]));
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((account) => {
    const [member, present] = [old.get(account), now.get(account)];
    const same = member?.role === present?.role && member?.state === present?.state;
    return same ? [] : [{ account, before: member ?? null }];
  });
}

/** Lists the accounts again that were listed before the commit, with the roles that they had, and no others. */
export function restoreMembers(
  { tables }: Context,
  conversation: Conversation,
  { members = [] }: Undo,
): void {
  for (const { account, before } of members) {
    const present = memberOf(conversation, account);
    if (before === null) {
      if (present !== undefined) Object.assign(present, { state: "out", changed: true });
      continue;
    }
    conversation.forgotten.delete(account);
    const { role, state, invitedBy } = before;
    if (present !== undefined) {
      Object.assign(present, { role, state, invitedBy, changed: true });
    } else {
      const { peer } = tables.accounts.byKey(account);
      conversation.members.push({ ...before, peer, waiting: 0, changed: true });
    }
  }
  tables.conversations.save(conversation);
}

function placeOf({ joined, until, lastOwn }: Seat): Place {
  return { joined, until, lastOwn };
}

/**
 * Gives everybody the seat from before the commit. Row `seq`, which says so, is the last for those whom the commit let in.
 */
export function restoreSeats(
  { tables }: Context,
  conversation: Conversation,
  { undo, seq }: { readonly undo: Undo; readonly seq: number },
): void {
  for (const changed of undo.seats) {
    const seat = conversation.seats.get(changed.key);
    if (changed.before === null || changed.before.until !== null) {
      if (seat !== undefined) leaveAt(conversation, seat, seq);
    } else {
      restoreSeat(tables, conversation, { changed, place: changed.before, undo });
    }
  }
  const accounts = new Set(undo.seats.map(({ account }) => account));
  for (const account of accounts) {
    recountWaiting(tables, conversation, account);
    forgetOut(tables, conversation, account);
  }
}

function leaveAt(conversation: Conversation, seat: Seat, seq: number): void {
  if (!waitsHere(seat)) return dropSeat(conversation, seat);
  seat.until = seq;
  seat.changed = true;
}

/** One that is removed again has got everything up to the commit, and perhaps the commit itself, which was its last row. */
function restoreSeat(
  tables: Tables,
  conversation: Conversation,
  from: { readonly changed: ChangedSeat; readonly place: Place; readonly undo: Undo },
): void {
  const { changed, place, undo } = from;
  const present = conversation.seats.get(changed.key);
  const cursor = present?.cursor ?? undo.seq;
  const { peer } = tables.devices.byKey(changed.device);
  const seat = takeSeat(conversation, { ...changed, peer }, { joined: place.joined, cursor });
  seat.lastOwn = Math.max(place.lastOwn, present?.lastOwn ?? 0);
  if (seat.lastMessage === "") {
    seat.lastMessage = tables.log.lastSent(conversation.key, seat.device);
  }
  seat.revoked = tables.devices.byKey(seat.device).revokedAt !== null;
  const member = memberOf(conversation, seat.account);
  seat.dead = seat.revoked || (member !== undefined && !takesPart(member));
}

/** Queues the removals of before again, those that have come up since, and none of devices that are out. */
export function restoreRemovals(
  { tables }: Context,
  conversation: Conversation,
  undo: Undo,
): void {
  const present = new Set([...conversation.removals, ...undo.removals]);
  for (const { key } of undo.seats) if (conversation.seats.get(key)?.dead) present.add(key);
  for (const key of present) {
    const seat = conversation.seats.get(key);
    if (seat !== undefined && seat.until === null) {
      conversation.removals.add(key);
      tables.conversations.queueRemoval(conversation.key, seat.device);
    } else if (conversation.removals.delete(key)) {
      const device = tables.devices.anyById(key);
      if (device !== undefined) tables.conversations.unqueueRemoval(conversation.key, device.key);
    }
  }
}
