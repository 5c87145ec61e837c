/**
 * A conversation as the delivery rules see it: who is listed, which devices sit in it and how far each has got. These
 * are working copies: rules change them in place, the tables write back what was marked as changed. Accounts and
 * devices are named by their storage keys (numbers); the texts that go to peers are kept beside them.
 */

import type { Role } from "../../lib/base/membership.ts";

/**
 * How an account stands to a conversation: it takes part; it has not answered a request; it has declined one; it leaves,
 * and the next commit has to remove it; it is out, and remembered only until its devices have what was for them.
 */
export type Stand = "active" | "request" | "declined" | "left" | "out";

/** The latest run of messages that a member has not been shown as seen, as one notification. */
export interface Notice {
  /** The notification's number within the account; 0 when there was none yet. */
  number: number;
  count: number;
  /** When the latest of them came. */
  ts: number;
  /** Storage key of the account that sent the latest. */
  from: number;
  seen: boolean;
}

/** An account in a conversation. */
export interface Member {
  readonly account: number;
  /** Storage key of the linked server that it is of; null for this server's own. */
  readonly peer: number | null;
  role: Role;
  state: Stand;
  /** Storage key of the account that made the request; null when there was none. */
  invitedBy: number | null;
  /** Messages that came before the request was answered. */
  requested: number;
  /** Of a direct conversation: it has blocked the other one, whose messages are kept from it. */
  mutes: boolean;
  /** Greatest sequence that any of its devices has stored, and when that was. */
  delivered: number;
  deliveredAt: number | null;
  /** Greatest sequence that the account has read, and when that was. */
  read: number;
  readAt: number | null;
  /** Messages of others after `read`. */
  unread: number;
  /** Bytes of rows that some device of it has not acknowledged. */
  waiting: number;
  readonly notice: Notice;
  changed: boolean;
}

/** How far a device's sending keys are used: so many generations (RFC 9420 section 9.1) of an epoch. */
export interface Used {
  readonly incarnation: number;
  readonly epoch: number;
  readonly generations: number;
}

/** A device in a conversation. */
export interface Seat {
  readonly device: number;
  /** The device key, base64url. */
  readonly key: string;
  readonly account: number;
  /** Storage key of the linked server that it is of, which delivers to it; null for this server's own. */
  readonly peer: number | null;
  /** The sequence of the commit with which it came in. */
  joined: number;
  /** Everything up to here it has stored, sent by itself, or cannot have. */
  cursor: number;
  /** The commit that removed it, which is the last row it gets; null while it is in. */
  until: number | null;
  /** The last row of its own. */
  lastOwn: number;
  /** Everything up to here it said it has stored: a store that is behind was put back from a copy. */
  acked: number;
  /** How far its sending keys are known to be used; null where nothing is known. */
  used: Used | null;
  /** Its device was revoked. */
  revoked: boolean;
  /** Revoked, or of an account that has left or declined: nothing is delivered to it, nothing waits for it. */
  dead: boolean;
  /** Rows up to here were given up before it had them; 0 for none since it last caught up. */
  lost: number;
  /** The greatest message id it has used here ("" for none): a greater one cannot be a repeat. */
  lastMessage: string;
  /** Messages since its memory of message ids was last cut. */
  remembered: number;
  changed: boolean;
}

/** How far another server with members in the conversation is known to be. */
export interface FollowingServer {
  /** Everything up to here it has on disk. */
  reached: number;
  /** Rows were left out: nothing goes on before a snapshot. On the row of the hub, that this server has lost its place. */
  behind: boolean;
  /** It follows no longer. */
  gone: boolean;
  changed: boolean;
}

/** One conversation. */
export interface Conversation {
  readonly key: number;
  readonly id: string;
  readonly kind: "direct" | "group";
  /** Storage key of the account that created it; null for conversations from before that was noted. */
  readonly creator: number | null;
  /** Storage key of the linked server whose conversation it is, which this server follows; null for an own one. */
  readonly hub: number | null;
  /** What is known of other servers with members in it, by storage key of the server. */
  readonly servers: Map<number, FollowingServer>;
  /** The sequence of the newest row; 0 before the first. */
  head: number;
  epoch: number;
  /** Goes up when a commit is taken back or the group is made anew. */
  incarnation: number;
  /** The epoch in which the newest account came; 0 when all are there from the beginning. */
  newest: number;
  /** Rows up to here are deleted. */
  trimmed: number;
  /** Rows up to here that only removed devices lag behind were looked at already; not stored. */
  cleared: number;
  lastCommit: number;
  /** Whose message the newest row is; 0 for a commit. Decides where a run of messages begins. */
  lastSender: number;
  /** With those that are out. */
  readonly members: Member[];
  /** By device key. */
  readonly seats: Map<string, Seat>;
  /** Device keys whose removal the next commit must contain. */
  readonly removals: Set<string>;
  /** Storage keys of devices whose seats were given up since the last write. */
  readonly left: Set<number>;
  /** Storage keys of accounts that were forgotten since the last write. */
  readonly forgotten: Set<number>;
}

/** What is known of `account` here, also when it is out. */
export function memberOf(conversation: Conversation, account: number): Member | undefined {
  return conversation.members.find((member) => member.account === account);
}

/** The member that `account` is now, or undefined. */
export function listedMember(conversation: Conversation, account: number): Member | undefined {
  const member = memberOf(conversation, account);
  return member === undefined || member.state === "out" ? undefined : member;
}

/** The accounts that are members now. */
export function listedMembers(conversation: Conversation): Member[] {
  return conversation.members.filter(({ state }) => state !== "out");
}

/** Whether anything is delivered to the account's devices and counted for it. */
export function takesPart({ state }: Member): boolean {
  return state === "active" || state === "request";
}

/** An account as it comes into a conversation; what was before it does not concern it. */
export function newMember(
  { account, peer }: Pick<Member, "account" | "peer">,
  facts: Pick<Member, "role" | "state" | "invitedBy" | "mutes"> & { readonly read: number },
): Member {
  return {
    account,
    peer,
    ...facts,
    requested: 0,
    delivered: facts.read,
    deliveredAt: null,
    readAt: null,
    unread: 0,
    waiting: 0,
    notice: { number: 0, count: 0, ts: 0, from: 0, seen: true },
    changed: true,
  };
}

/** Whether the device is part of the group now, as far as commits are concerned; a revoked one still is. */
export function isInRoster(seat: Seat | undefined): seat is Seat {
  return seat !== undefined && seat.until === null;
}

/** The seat of a device that may send: in the roster and not revoked. */
export function sendingSeat(conversation: Conversation, device: string): Seat | undefined {
  const seat = conversation.seats.get(device);
  return isInRoster(seat) && !seat.dead ? seat : undefined;
}

/**
 * After which row the device gets everything, also when it enters anew; undefined where it gets what comes then only, and
 * for devices of other servers, which know it of their own.
 */
export function keptAfter(seat: Seat | undefined): number | undefined {
  if (!isInRoster(seat) || !waitsHere(seat)) return undefined;
  return Math.max(seat.cursor, seat.lost);
}

/** Whether this server keeps rows for the seat until it has them. */
export function waitsHere({ dead, peer }: Seat): boolean {
  return !dead && peer === null;
}

/** The seat of a device that may read: also one that was removed and has not yet got the commit that says so. */
export function readingSeat(conversation: Conversation, device: string): Seat | undefined {
  const seat = conversation.seats.get(device);
  return seat === undefined || seat.dead ? undefined : seat;
}

/** The seats that make up the group now. */
export function rosterOf(conversation: Conversation): Seat[] {
  return [...conversation.seats.values()].filter(isInRoster);
}

/** The last row that a seat gets, as things stand. */
export function lastFor(conversation: Conversation, seat: Seat): number {
  return seat.until ?? conversation.head;
}

/** Up to where another server is known to have the rows on disk: the one that orders them has all of them. */
export function reachedBy({ hub, head, servers }: Conversation, server: number): number {
  return hub === server ? head : servers.get(server)?.reached ?? 0;
}

/** Gives up a seat for good. */
export function dropSeat(conversation: Conversation, seat: Seat): void {
  conversation.seats.delete(seat.key);
  conversation.left.add(seat.device);
}

/** A seat taken with the row `joined`; `cursor` is what it already has. */
export function takeSeat(
  conversation: Conversation,
  device: Pick<Seat, "device" | "key" | "account" | "peer">,
  position: { readonly joined: number; readonly cursor: number },
): Seat {
  const before = conversation.seats.get(device.key);
  const seat: Seat = {
    device: device.device,
    key: device.key,
    account: device.account,
    peer: device.peer,
    ...position,
    until: null,
    lastOwn: 0,
    acked: 0,
    used: null,
    revoked: false,
    dead: memberOf(conversation, device.account)?.state === "declined",
    lost: 0,
    lastMessage: before?.lastMessage ?? "",
    remembered: before?.remembered ?? 0,
    changed: true,
  };
  conversation.seats.set(device.key, seat);
  conversation.left.delete(device.device);
  return seat;
}
