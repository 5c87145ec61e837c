/** Describing conversations to their members. */
import {
  type Conversation,
  isInRoster,
  keptAfter,
  listedMembers,
  memberOf,
  reachedBy,
  type Seat,
  sendingSeat,
} from "../domain/conversation.ts";
import type { Tables } from "../tables/tables.ts";
import { actingParty, askingParty, type Handler, refuse } from "./context.ts";
import type { ConversationRow, MemberRow } from "./contract.ts";
import { peerName, shownName } from "./remote.ts";
import { findListed, leavingIds, roleEntries, rosterEntries, standingOf } from "./parties.ts";

/** About as many accounts as the conversations of one answer have: what is beyond would not fit a frame. */
const membersAtOnce = 400;

interface Viewer {
  /** Storage key. */
  readonly account: number;
  /** Device key, base64url. */
  readonly device: string;
}

/** How far members have got; what one has read it has also got, so that blocking does not show by it. */
function memberRows(tables: Tables, conversation: Conversation, viewer: Viewer): MemberRow[] {
  return listedMembers(conversation).map((member) => {
    const shown = tables.accounts.byKey(member.account);
    const { account, peer } = shown;
    const name = shownName(tables, shown);
    const { role, delivered, deliveredAt, readAt } = member;
    const own = member.account === viewer.account;
    const read = own || !member.mutes ? member.read : Math.min(member.read, delivered);
    const reached = peer === null ? {} : { reached: reachedBy(conversation, peer) };
    return { account, name, role, delivered, deliveredAt, read, readAt, ...reached };
  });
}

/** How far the device is known to be. What was before the group was set back or made anew says nothing any more. */
function marksOf(
  { incarnation }: Conversation,
  seat: Seat | undefined,
): Pick<ConversationRow, "acked" | "used"> {
  if (seat === undefined) return {};
  const { acked, used } = seat;
  if (used === null || used.incarnation !== incarnation) return { acked };
  const { epoch, generations } = used;
  return { acked, used: { epoch, generations } };
}

/** Whose conversation it is, where it is not this server's own. */
function hubOf(tables: Tables, { hub }: Conversation): Pick<ConversationRow, "hub"> {
  return hub === null ? {} : { hub: peerName(tables, hub) };
}

function conversationRow(
  tables: Tables,
  conversation: Conversation,
  viewer: Viewer,
): ConversationRow {
  const seat = sendingSeat(conversation, viewer.device);
  const lost = seat?.lost ?? 0;
  return {
    conversation: conversation.id,
    kind: conversation.kind,
    ...hubOf(tables, conversation),
    members: memberRows(tables, conversation, viewer),
    epoch: conversation.epoch,
    incarnation: conversation.incarnation,
    head: conversation.head,
    cursor: seat?.cursor ?? null,
    ...(lost > 0 ? { lost } : {}),
    ...marksOf(conversation, seat),
    unread: memberOf(conversation, viewer.account)?.unread ?? 0,
    ...standingOf(tables, conversation, viewer.account),
    removals: [...conversation.removals],
    leaving: leavingIds(tables, conversation),
  };
}

/** The account's conversations, in order of their ids. */
export const conversationList: Handler<"conversation.list"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return { conversations: [], more: false };
  const viewer = { account: party.account.key, device: input.device };
  const found = tables.conversations.ofAccount(viewer.account, input.after, input.limit + 1);
  const page = firstOf(found.slice(0, input.limit));
  return {
    conversations: page.map((conversation) => conversationRow(tables, conversation, viewer)),
    more: found.length > page.length,
  };
};

/** The first conversations that together have not many more than `membersAtOnce` accounts, one at least. */
function firstOf(conversations: readonly Conversation[]): Conversation[] {
  let members = 0;
  return conversations.filter(({ members: { length } }, index) => {
    members += length;
    return index === 0 || members <= membersAtOnce;
  });
}

/** What a device of a listed member needs to join by itself, or to plan a change. */
export const conversationInfo: Handler<"conversation.info"> = ({ tables }, input) => {
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok && found.code !== "elsewhere") return found;
  const conversation = tables.conversations.byId(input.conversation);
  if (conversation === undefined) return refuse("no_such_conversation");
  const after = keptAfter(conversation.seats.get(input.device));
  const place = after === undefined ? {} : { after };
  const own = { ...place, ...standingOf(tables, conversation, party.account.key) };
  if (!found.ok) return { ...found, own };
  return {
    ok: true,
    ...own,
    kind: conversation.kind,
    members: roleEntries(tables, conversation),
    leaving: leavingIds(tables, conversation),
    incarnation: conversation.incarnation,
    epoch: conversation.epoch,
    head: conversation.head,
    roster: rosterEntries(tables, conversation),
    removals: [...conversation.removals].filter((key) => isInRoster(conversation.seats.get(key))),
    groupInfo: tables.conversations.groupInfo(conversation.key),
  };
};
