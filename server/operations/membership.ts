/** Accounts and devices that leave a conversation or change in it. */
import type { MembershipChange } from "../../lib/base/membership.ts";
import {
  type Conversation,
  dropSeat,
  listedMember,
  type Member,
  memberOf,
  type Seat,
  waitsHere,
} from "../domain/conversation.ts";
import { slowestOf } from "../domain/progress.ts";
import type { Account } from "../tables/tables.ts";
import { accountsOf, enter, tellNewcomers } from "./consent.ts";
import type { Context } from "./context.ts";
import { notifyOfConversation } from "./notify.ts";
import { leavingIds } from "./parties.ts";
import { liveSeats } from "./rows.ts";
import { forgetOut, settleWaiting } from "./waiting.ts";

/**
 * The device is out with row `seq`, which is the last that it gets; one that was revoked gets nothing more, and one whose
 * account has left gets this one row alone.
 */
export function removeSeat(
  { tables }: Context,
  conversation: Conversation,
  options: { readonly key: string; readonly seq: number; readonly own: string },
): void {
  const seat = conversation.seats.get(options.key);
  if (seat === undefined || options.key === options.own) return;
  const leaves = memberOf(conversation, seat.account)?.state === "left";
  if (leaves && !seat.revoked) {
    seat.dead = false;
    seat.cursor = options.seq - 1;
  }
  if (!waitsHere(seat)) dropSeat(conversation, seat);
  seat.until = options.seq;
  seat.changed = true;
  if (conversation.removals.delete(options.key)) {
    tables.conversations.unqueueRemoval(conversation.key, seat.device);
  }
}

/** Applies what a commit says about accounts; the seats of those removed have been given up before. */
export function changeMembers(
  context: Context,
  conversation: Conversation,
  change: {
    readonly by: Account;
    readonly membership: MembershipChange;
    readonly seq: number;
  },
): void {
  const { tables } = context;
  const { by, membership, seq } = change;
  for (const { key } of accountsOf(tables, membership.remove) ?? []) {
    removeMember(context, conversation, { account: key, by });
  }
  const added = membership.add.flatMap(({ account: id, role }) => {
    const account = tables.accounts.anyById(id);
    return account === undefined ? [] : [enter(context, {
      account,
      by,
      role,
      read: seq,
      mutes: false,
      follows: conversation.hub !== null,
    })];
  });
  for (const member of added) putMember(conversation, member);
  tellNewcomers(context, conversation, { by, members: added });
  for (const { account: id, role } of membership.roles) {
    const account = tables.accounts.anyById(id)?.key;
    const member = account === undefined ? undefined : listedMember(conversation, account);
    if (member === undefined || member.role === role) continue;
    member.role = role;
    member.changed = true;
    if (member.account === by.key) continue;
    const told = { kind: "group_role", conversation: conversation.id, from: by.key, role } as const;
    notifyOfConversation(context, member.account, told);
  }
}

/** Whoever was out and has rows to get still keeps them; everything else begins anew. */
function putMember(conversation: Conversation, member: Member): void {
  const at = conversation.members.findIndex(({ account }) => account === member.account);
  const waiting = conversation.members[at]?.waiting ?? 0;
  conversation.forgotten.delete(member.account);
  const entering = { ...member, waiting };
  if (at < 0) conversation.members.push(entering);
  else conversation.members[at] = entering;
}

function removeMember(
  context: Context,
  conversation: Conversation,
  { account, by }: { readonly account: number; readonly by: Account },
): void {
  const member = listedMember(conversation, account);
  if (member === undefined) return;
  const told = member.state !== "left";
  member.state = "out";
  member.unread = 0;
  member.notice.seen = true;
  member.changed = true;
  forgetOut(context.tables, conversation, account);
  if (!told) return;
  const about = { conversation: conversation.id, from: by.key };
  notifyOfConversation(context, account, { kind: "group_removed", ...about });
}

/** Nothing is delivered to the seat any more, and the next commit has to remove it. */
export function unseat(context: Context, conversation: Conversation, seat: Seat): void {
  const { tables } = context;
  const before = slowestOf(conversation, seat.account);
  seat.dead = true;
  if (seat.until === null) {
    conversation.removals.add(seat.key);
    tables.conversations.queueRemoval(conversation.key, seat.device);
  } else {
    dropSeat(conversation, seat);
  }
  settleWaiting(tables, conversation, { account: seat.account, before });
  tables.conversations.save(conversation);
}

/** Tells those who are online that somebody should commit. */
export function tellRemovals(context: Context, conversation: Conversation, by: string): void {
  const { tables } = context;
  const devices = liveSeats(tables, conversation, by);
  if (devices.length === 0) return;
  context.nudge({
    kind: "removals",
    conversation: conversation.id,
    removals: [...conversation.removals],
    leaving: leavingIds(tables, conversation),
    devices,
  });
}

/** The devices of the account that its commits must have removed, as keys. */
export function seatsOf(conversation: Conversation, account: number): Seat[] {
  return [...conversation.seats.values()].filter((seat) => seat.account === account);
}
