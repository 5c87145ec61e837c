/** Blocking accounts, and everybody of a linked server. */
import { serverLimits } from "../../lib/base/limits.ts";
import { memberOf } from "../domain/conversation.ts";
import { actingParty, type Context, type Handler, type Party, refuse } from "./context.ts";
import type { BlockedServerRow, Outcome } from "./contract.ts";
import type { Tables } from "../tables/tables.ts";
import { peerName, shownName } from "./remote.ts";

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
  if (isBlockedByName(tables, account, other)) return { ok: true };
  const full = tables.contacts.blockedCount(account) >= serverLimits.blockedAccounts;
  if (full) return refuse("quota_exceeded");
  tables.contacts.block(account, other, now);
  tables.contacts.forget(account, other);
  mute(context, { account, other }, true);
  return { ok: true };
};

/** Whether the account itself is blocked, not only its server. */
function isBlockedByName({ accounts, contacts }: Tables, account: number, other: number): boolean {
  const { peer } = accounts.byKey(other);
  const byServer = peer !== null && contacts.blocksServer(account, peer);
  return !byServer && contacts.blocks(account, other);
}

/** Ends that. */
export const accountUnblock: Handler<"account.unblock"> = (context, input) => {
  const found = find(context, input);
  if (!found.ok) return found;
  const account = found.party.account.key;
  const { other } = found;
  context.tables.contacts.unblock(account, other);
  mute(context, { account, other }, context.tables.contacts.blocks(account, other));
  return { ok: true };
};

/** Whom the account has blocked. */
export const accountBlocks: Handler<"account.blocks"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return { blocked: [], servers: [], more: false };
  const { after, limit } = input;
  const found = tables.contacts.blocked(party.account.key, after, limit + 1);
  const blocked = found.slice(0, limit).map(({ other, since }) => {
    const blockedOne = tables.accounts.byKey(other);
    return { account: blockedOne.account, name: shownName(tables, blockedOne), since };
  });
  const servers = after === undefined ? serversOf(tables, party.account.key) : [];
  return { blocked, servers, more: found.length > limit };
};

function serversOf(tables: Tables, account: number): BlockedServerRow[] {
  return tables.contacts.blockedServers(account)
    .map(({ peer, since }) => ({ server: peerName(tables, peer), since }));
}

/** Blocks everybody of a linked server, whoever they are and will be. They are strangers again. */
export const serverBlock: Handler<"server.block"> = (context, input) => {
  const found = findServer(context, input);
  if (!found.ok) return found;
  const { account, peer } = found;
  context.tables.contacts.blockServer(account, peer, context.now);
  muteServer(context, found);
  return { ok: true };
};

/** Ends that; who is blocked by name stays so. */
export const serverUnblock: Handler<"server.unblock"> = (context, input) => {
  const found = findServer(context, input);
  if (!found.ok) return found;
  context.tables.contacts.unblockServer(found.account, found.peer);
  muteServer(context, found);
  return { ok: true };
};

function findServer(
  { tables }: Context,
  input: { readonly account: string; readonly device: string; readonly server: string },
): Outcome<{ readonly account: number; readonly peer: number }> {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const peer = tables.peers.byName(input.server);
  if (peer === undefined) return refuse("no_such_server");
  return { ok: true, account: party.account.key, peer: peer.key };
}

/** Conversations of one look. */
const page = 200;

/** The direct conversations with people of that server, each as the account's decisions now say. */
function muteServer(
  { tables }: Context,
  { account, peer }: { readonly account: number; readonly peer: number },
): void {
  const { conversations, contacts } = tables;
  for (let after: string | undefined, more = true; more;) {
    const found = conversations.ofAccount(account, after, page);
    for (const conversation of found) {
      const member = memberOf(conversation, account);
      const other = conversation.members.find((each) => each.account !== account);
      if (conversation.kind !== "direct" || member === undefined || other?.peer !== peer) continue;
      Object.assign(member, { mutes: contacts.blocks(account, other.account), changed: true });
      conversations.save(conversation);
    }
    after = found.at(-1)?.id;
    more = found.length === page;
  }
}
