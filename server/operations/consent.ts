/** Who may bring whom into a conversation: blocking, asking first, and how often. */
import { serverLimits } from "../../lib/base/limits.ts";
import type { Role } from "../../lib/base/membership.ts";
import type { Conversation, Member } from "../domain/conversation.ts";
import { memberOf, newMember } from "../domain/conversation.ts";
import { isListed } from "../tables/peers.ts";
import type { Account, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { type Context, refuse } from "./context.ts";
import type { Refused } from "./contract.ts";
import { notifyOfConversation } from "./notify.ts";

const hourMs = 60 * 60 * 1000;
const invitations = { most: serverLimits.invitationsPerHour, windowMs: hourMs };

/**
 * Whether `account` is asked before `by` can write to it or add it. Of an account of another server that server has said so
 * when its keys were claimed; before, it is taken to be asked by strangers of every server but its own.
 */
export function isAsked({ tables, settings }: Context, account: Account, by: Account): boolean {
  if (account.key === by.key || tables.contacts.knows(account.key, by.key)) return false;
  if (account.peer !== null) return account.peer !== by.peer;
  return settings.consent === "all" || (settings.consent === "remote" && by.peer !== null);
}

/** Whether so many requests wait for the account that no further stranger can make one. */
export function isAskedEnough({ tables }: Context, account: number): boolean {
  return tables.conversations.requestsTo(account) >= serverLimits.waitingRequests;
}

/** Undefined when the account `by` may bring all of these in. */
export function refuseNewcomers(
  context: Context,
  by: Account,
  newcomers: readonly Account[],
): Refused | undefined {
  const { tables } = context;
  const others = newcomers.filter(({ key }) => key !== by.key);
  const gone = ({ disabled, peer: key }: Account) => {
    const peer = key === null ? undefined : tables.peers.byKey(key);
    return disabled || (peer !== undefined && !isListed(peer));
  };
  if (others.some(gone)) return refuse("no_such_user");
  if (others.some((account) => isShutOff(tables, account))) return refuse("server_blocked");
  if (others.some(({ key }) => tables.contacts.blocks(key, by.key))) return refuse("not_accepted");
  const asked = others.filter((account) => isAsked(context, account, by));
  if (asked.length === 0) return undefined;
  if (asked.some(({ key }) => isAskedEnough(context, key))) return refuse("not_accepted");
  const open = tables.conversations.requestsBy(by.key) + asked.length;
  return open > serverLimits.openRequests ? refuse("consent_pending") : undefined;
}

/** Whether the operator has blocked the account's server. */
function isShutOff({ peers }: Tables, { peer }: Account): boolean {
  return peer !== null && peers.byKey(peer)?.state === "blocked";
}

/** Counts what adding so many accounts to groups costs; undefined when it is allowed now. */
export function refuseInvitations(
  context: Context,
  by: Account,
  count: number,
): Refused | undefined {
  if (count === 0) return undefined;
  const spending = { kind: "invite", subject: by.account, cost: count, allowance: invitations };
  const retryAfterMs = spend(context, { ...spending, kind: "invite" });
  return retryAfterMs > 0 ? refuse("rate_limited", { retryAfterMs }) : undefined;
}

/** An account as it comes into a conversation because of `by`, or as `by` itself. */
export function enter(
  context: Context,
  who: {
    readonly account: Account;
    readonly by: Account;
    readonly role: Role;
    /** The rows up to here do not concern it. */
    readonly read: number;
    readonly mutes: boolean;
    /** Another server has let it in, whatever this one would have said. */
    readonly follows?: boolean;
  },
): Member {
  const { account, by, role, read, mutes, follows = false } = who;
  const asked = isAsked(context, account, by);
  const refused = follows && account.peer === null && account.key !== by.key &&
    refuseNewcomers(context, by, [account]) !== undefined;
  const state = refused ? "declined" : asked ? "request" : "active";
  const invitedBy = state === "request" ? by.key : null;
  const { key, peer } = account;
  return newMember({ account: key, peer }, { role, state, invitedBy, read, mutes });
}

/** Whom one brings in one knows; they are told who did it. */
export function tellNewcomers(
  context: Context,
  conversation: Conversation,
  { by, members }: { readonly by: Account; readonly members: readonly Member[] },
): void {
  for (const { account, state } of members) {
    if (account === by.key || state === "declined") continue;
    if (by.peer === null) context.tables.contacts.learn(by.key, account, context.now);
    // Somebody's words tell of a conversation of two: what makes no line is nothing to answer.
    if (conversation.kind === "direct") continue;
    const kind = state === "request" ? "request" : "group_added";
    notifyOfConversation(context, account, { kind, conversation: conversation.id, from: by.key });
  }
}

/** The first message of a device in a direct conversation: whoever writes to somebody knows them. */
export function learnByWriting(
  { tables, now }: Pick<Context, "tables" | "now">,
  conversation: Conversation,
  sender: number,
): void {
  if (conversation.kind !== "direct") return;
  if (memberOf(conversation, sender)?.peer !== null) return;
  const other = conversation.members.find(({ account }) => account !== sender);
  if (other !== undefined) tables.contacts.learn(sender, other.account, now);
}

/** Accounts by their ids, those of linked servers too; undefined when one does not exist. */
export function accountsOf(tables: Tables, ids: readonly string[]): Account[] | undefined {
  const found = ids.map((id) => tables.accounts.anyById(id));
  return found.every((account) => account !== undefined) ? found : undefined;
}
