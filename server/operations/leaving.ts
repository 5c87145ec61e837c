/** Leaving a group, and answering requests. */
import { type Conversation, listedMember, type Member } from "../domain/conversation.ts";
import { isLastOwner, stayingOthers } from "../domain/group.ts";
import {
  actingParty,
  askingParty,
  type Context,
  type Handler,
  type Party,
  refuse,
} from "./context.ts";
import type { MemberState, Outcome } from "./contract.ts";
import { forwardEnd, forwardStanding } from "./followers.ts";
import { seatsOf, tellRemovals, unseat } from "./membership.ts";
import { answerHub } from "./hub.ts";
import { findListed } from "./parties.ts";
import { liveDevices } from "./presence.ts";

type Left = Outcome<{ deleted: boolean }>;

/** The account leaves a group. Again for one that leaves already: done. */
export const conversationLeave: Handler<"conversation.leave"> = (context, input) => {
  const party = askingParty(context.tables, input);
  if (!party.ok) return party;
  const found = findListed(context.tables, party, input.conversation);
  return found.ok ? leave(context, party, found.conversation) : found;
};

function leave(context: Context, party: Party, conversation: Conversation): Left {
  const { key } = party.account;
  const member = listedMember(conversation, key);
  if (member === undefined) return refuse("no_such_conversation");
  if (conversation.kind !== "group") return refuse("not_allowed");
  if (member.state === "left") return { ok: true, deleted: false };
  if (isLastOwner(conversation, key)) return refuse("last_owner");
  const deleted = stayingOthers(conversation, key).length === 0;
  if (deleted) forwardEnd(context, conversation);
  if (deleted) removeAll(context, conversation);
  else stop(context, conversation, { member, state: "left" });
  tellState(context, conversation, { ...whose(party), state: "left" });
  if (!deleted) tellRemovals(context, conversation, party.device.device);
  if (!deleted) forwardStanding(context, conversation);
  return { ok: true, deleted };
}

const whose = ({ account, device }: Party) => ({ account: account.key, by: device.device });

/** Deletes a conversation: what waits in it waits for nobody any more. */
export function removeAll({ tables }: Context, conversation: Conversation): void {
  for (const { account, waiting } of conversation.members) {
    tables.accounts.addQueued(account, -waiting);
  }
  tables.conversations.remove(conversation);
}

/** Whether a conversation of another server was forgotten, because nobody of this one is in it or has anything to get. */
export function endMirror(context: Context, conversation: Conversation): boolean {
  const { hub, members, seats } = conversation;
  const concerned = members.some(({ peer, state }) => peer === null && state !== "out") ||
    [...seats.values()].some(({ peer }) => peer === null);
  if (hub === null || concerned) return false;
  removeAll(context, conversation);
  return true;
}

/** Nothing is delivered to the account any more; in a group its devices have to be removed. */
export function stop(
  context: Context,
  conversation: Conversation,
  { member, state }: { readonly member: Member; readonly state: "left" | "declined" },
): void {
  member.state = state;
  member.unread = 0;
  member.notice.seen = true;
  member.changed = true;
  for (const seat of seatsOf(conversation, member.account)) {
    if (state === "left") unseat(context, conversation, seat);
    else seat.dead = true;
  }
  context.tables.accounts.addQueued(member.account, -member.waiting);
  member.waiting = 0;
  context.tables.conversations.save(conversation);
}

/** The account's devices, but the one `by` that did it, learn how it stands now. */
export function tellState(
  { tables, nudge }: Context,
  conversation: Conversation,
  { account, by, state }: {
    /** Storage key. */
    readonly account: number;
    readonly by: string;
    readonly state: MemberState;
  },
): void {
  const devices = liveDevices(tables, account, by);
  if (devices.length === 0) return;
  nudge({ kind: "state", conversation: conversation.id, state, devices });
}

/**
 * Accepts or declines a request; what was declined can be accepted later. Again: done. It is one's own server that keeps
 * what is for one, whoever orders the conversation: so it answers at once, and tells the other.
 */
export const conversationAnswer: Handler<"conversation.answer"> = (context, input) => {
  const party = actingParty(context.tables, input);
  if (!party.ok) return party;
  const conversation = context.tables.conversations.byId(input.conversation);
  const member = conversation && listedMember(conversation, party.account.key);
  if (conversation === undefined || member === undefined || member.state === "left") {
    return refuse("no_such_conversation");
  }
  const answering = { party, conversation, member };
  return input.answer === "accept" ? accept(context, answering) : decline(context, answering);
};

/** An account that answers. */
export interface Answering {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly member: Member;
}

/** Rows that came while it was declined are lost to it; its devices join anew. */
export function accept(
  context: Context,
  { party, conversation, member }: Answering,
): Outcome<object> {
  if (member.state === "active") return { ok: true };
  const { tables, now } = context;
  for (const other of conversation.members) {
    const by = member.invitedBy ?? other.account;
    const concerned = other.account === by && by !== member.account;
    if (concerned) tables.contacts.learn(member.account, by, now);
  }
  for (const seat of seatsOf(conversation, member.account)) {
    if (member.state !== "declined" || seat.revoked || seat.until !== null) continue;
    seat.dead = false;
    seat.lost = seat.cursor < conversation.head ? conversation.head : 0;
    seat.cursor = conversation.head;
    seat.changed = true;
  }
  member.state = "active";
  member.requested = 0;
  member.invitedBy = null;
  member.changed = true;
  tables.conversations.save(conversation);
  tellState(context, conversation, { ...whose(party), state: "active" });
  answerHub(context, conversation, { account: member.account, state: "active" });
  return { ok: true };
}

/** In a group that is leaving it. */
export function decline(context: Context, answering: Answering): Outcome<object> {
  const { party, conversation, member } = answering;
  if (member.state === "declined") return { ok: true };
  if (member.state !== "request") return refuse("not_allowed");
  if (conversation.kind === "group") {
    const left = leave(context, party, conversation);
    if (!left.ok) return left;
    answerHub(context, conversation, { account: member.account, state: "declined" });
    return { ok: true };
  }
  answerHub(context, conversation, { account: member.account, state: "declined" });
  stop(context, conversation, { member, state: "declined" });
  tellState(context, conversation, { ...whose(party), state: "declined" });
  return { ok: true };
}
