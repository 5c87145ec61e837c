/** Blocking accounts. */
import { serverLimits } from "../../lib/base/limits.ts";
import { memberOf } from "../domain/conversation.ts";
import { actingParty, type Context, type Handler, type Party, refuse } from "./context.ts";
import type { Outcome } from "./contract.ts";
import { shownName } from "./remote.ts";

/** What the other one writes in the conversations of both is kept from the account from now on, or no longer. */
function mute(
  { tables }: Context,
  pair: { readonly account: number; readonly other: number },
  mutes: boolean,
): void {
  for (const conversation of tables.conversations.directs([pair.account, pair.other])) {
    const member = memberOf(conversation, pair.account);
    if (member === undefined) continue;
    member.mutes = mutes;
    member.changed = true;
    tables.conversations.save(conversation);
  }
}

function find(
  { tables }: Context,
  input: { readonly account: string; readonly device: string; readonly other: string },
): Outcome<{ readonly party: Party; readonly other: number }> {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const other = tables.accounts.anyById(input.other);
  if (other === undefined || other.key === party.account.key) return refuse("no_such_user");
  return { ok: true, party, other: other.key };
}

/** Blocks an account. Whoever is blocked is a stranger again. Again for one that is blocked: done. */
export const accountBlock: Handler<"account.block"> = (context, input) => {
  const found = find(context, input);
  if (!found.ok) return found;
  const { tables, now } = context;
  const account = found.party.account.key;
  const { other } = found;
  if (tables.contacts.blocks(account, other)) return { ok: true };
  const full = tables.contacts.blockedCount(account) >= serverLimits.blockedAccounts;
  if (full) return refuse("quota_exceeded");
  tables.contacts.block(account, other, now);
  tables.contacts.forget(account, other);
  mute(context, { account, other }, true);
  return { ok: true };
};

/** Ends that. */
export const accountUnblock: Handler<"account.unblock"> = (context, input) => {
  const found = find(context, input);
  if (!found.ok) return found;
  const account = found.party.account.key;
  const { other } = found;
  context.tables.contacts.unblock(account, other);
  mute(context, { account, other }, false);
  return { ok: true };
};

/** Whom the account has blocked. */
export const accountBlocks: Handler<"account.blocks"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return { blocked: [], more: false };
  const { after, limit } = input;
  const found = tables.contacts.blocked(party.account.key, after, limit + 1);
  const blocked = found.slice(0, limit).map(({ other, since }) => {
    const blockedOne = tables.accounts.byKey(other);
    return { account: blockedOne.account, name: shownName(tables, blockedOne), since };
  });
  return { blocked, more: found.length > limit };
};
