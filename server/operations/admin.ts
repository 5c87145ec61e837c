/** What the operator asks: accounts and invitations. */
import { fromBase64url, toHex } from "../../lib/base/bytes.ts";
import type { Account } from "../tables/tables.ts";
import type { Invite } from "../tables/invites.ts";
import { type Context, type Handler, refuse } from "./context.ts";
import type { AccountRow, InviteRow } from "./contract_admin.ts";
import { tellPresence } from "./presence.ts";

/** Bytes of a hash by which an operator names an invitation. */
const idBytes = 4;
/** The fewest digits of that by which one can be withdrawn. */
const leastDigits = 4;

function accountRow({ tables }: Context, account: Account): AccountRow {
  const { name, account: id, createdAt, lastSeen, disabled, deletedAt, key } = account;
  return {
    name,
    account: id,
    createdAt,
    lastSeen,
    online: tables.sessions.ofAccount(key).length > 0,
    disabled,
    deletedAt,
    devices: tables.devices.ofAccount(key).filter(({ revokedAt }) => revokedAt === null).length,
    queuedBytes: tables.accounts.queued(key),
  };
}

/** Every account, a page at a time. */
export const adminUsers: Handler<"admin.users"> = (context, { after, limit }) => {
  const found = context.tables.accounts.inOrder(after, limit + 1);
  const users = found.slice(0, limit).map((account) => accountRow(context, account));
  return { users, more: found.length > limit };
};

/** Disables an account, whose sessions end then, or enables it again. */
export const adminDisable: Handler<"admin.disable"> = (context, { name, disabled }) => {
  const { tables } = context;
  const account = tables.accounts.byName(name);
  if (account === undefined) return refuse("no_such_user");
  if (account.deletedAt !== null) return refuse("account_deleted");
  if (account.disabled === disabled) return { ok: true };
  tables.accounts.setDisabled(account.key, disabled);
  if (!disabled) return { ok: true };
  for (const session of tables.sessions.ofAccount(account.key)) {
    tables.sessions.remove(session);
    context.nudge({ kind: "disabled", device: session.device });
  }
  tellPresence(context, tables.accounts.byKey(account.key));
  return { ok: true };
};

/** Keeps an invitation; those that are of no more use make room. */
export const inviteAdd: Handler<"invite.add"> = ({ tables, now }, input) => {
  const { hash, note, uses, expiresAt } = input;
  for (const { hash, left, expiresAt } of tables.invites.list()) {
    if (left <= 0 || expiresAt <= now) tables.invites.remove(hash);
  }
  const invite = { hash, note, left: uses, createdAt: now, expiresAt };
  tables.invites.add(invite);
  return inviteRow(invite);
};

/** Every invitation that can still be used. */
export const inviteList: Handler<"invite.list"> = ({ tables, now }) => ({
  invites: tables.invites.list()
    .filter(({ left, expiresAt }) => left > 0 && expiresAt > now)
    .map(inviteRow),
});

function inviteRow({ hash, ...rest }: Invite): InviteRow {
  return { id: inviteId(hash), ...rest };
}

/** In hexadecimal digits: what begins with a dash would be taken for a flag. */
function inviteId(hash: string): string {
  return toHex(fromBase64url(hash).subarray(0, idBytes));
}

/** Withdraws an invitation. */
export const inviteRemove: Handler<"invite.remove"> = ({ tables }, { id }) => {
  const found = tables.invites.list()
    .filter(({ hash }) => id.length >= leastDigits && inviteId(hash).startsWith(id));
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) return refuse("not_found");
  tables.invites.remove(only.hash);
  return { ok: true };
};
