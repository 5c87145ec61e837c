/** Who may bring whom into a conversation: blocking, asking first, and how often. */
import { serverLimits } from "../../lib/base/limits.ts";
import type { Role } from "../../lib/base/membership.ts";
import type { Conversation, Member } from "../domain/conversation.ts";
import { newMember } from "../domain/conversation.ts";
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
export function isAsked({ tables, settings }: Context, account: number, by: number): boolean {
  const { accounts, contacts } = tables;
  if (account === by || contacts.knows(account, by)) return false;
  const [home, from] = [accounts.byKey(account).peer, accounts.byKey(by).peer];
  if (home !== null) return home !== from;
  return settings.consent === "all" || (settings.consent === "remote" && from !== null);
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
  if (others.some(({ disabled }) => disabled)) return refuse("no_such_user");
  if (others.some(({ key }) => tables.contacts.blocks(key, by.key))) return refuse("not_accepted");
  const asked = others.filter(({ key }) => isAsked(context, key, by.key));
  if (asked.length === 0) return undefined;
  if (asked.some(({ key }) => isAskedEnough(context, key))) return refuse("not_accepted");
  const open = tables.conversations.requestsBy(by.key) + asked.length;
  return open > serverLimits.openRequests ? refuse("consent_pending") : undefined;
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
    readonly account: number;
    readonly by: number;
    readonly role: Role;
    /** The rows up to here do not concern it. */
    readonly read: number;
    readonly mutes: boolean;
  },
): Member {
  const { account, by, role, read, mutes } = who;
  const asked = isAsked(context, account, by);
  const state = asked ? "request" : "active";
  return newMember(account, { role, state, invitedBy: asked ? by : null, read, mutes });
}

/** Whom one brings in one knows; they are told who did it. */
export function tellNewcomers(
  context: Context,
  conversation: Conversation,
  { by, members }: { readonly by: Account; readonly members: readonly Member[] },
): void {
  for (const { account, state } of members) {
    if (account === by.key) continue;
    context.tables.contacts.learn(by.key, account, context.now);
    if (state !== "request" && conversation.kind === "direct") continue;
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
  const other = conversation.members.find(({ account }) => account !== sender);
  if (other !== undefined) tables.contacts.learn(sender, other.account, now);
}

/** Accounts by their ids; undefined when one does not exist. */
export function accountsOf(tables: Tables, ids: readonly string[]): Account[] | undefined {
  const found = ids.map((id) => tables.accounts.anyById(id));
  return found.every((account) => account !== undefined) ? found : undefined;
}
