/** Logging in with a password or by device, and what the password guards. */
import { serverLimits } from "../../lib/base/limits.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { failuresWorthTelling, remembered, waitMs } from "../domain/login_delay.ts";
import type { AttemptKind, Tables } from "../tables/tables.ts";
import { arrive, refuseArrival } from "./arrival.ts";
import { actingParty, type Context, type Handler, refuse } from "./context.ts";
import { notifyOfFailures } from "./notify.ts";

type Counter = readonly [kind: AttemptKind, subject: string];

/** The name comes first; an unknown name is counted like a known one. */
const counters = (
  input: { readonly name: string; readonly remote: string },
): [Counter, Counter] => [
  ["login_name", canonicalName(input.name)],
  ["login_remote", input.remote],
];

function failures({ tables, now }: Context, [kind, subject]: Counter) {
  return remembered(tables.attempts.get(kind, subject), now);
}

function pauseFor(context: Context, counter: Counter): number {
  const { freeLoginFailures, freeLoginFailuresPerAddress } = serverLimits;
  const free = counter[0] === "login_remote" ? freeLoginFailuresPerAddress : freeLoginFailures;
  return waitMs(failures(context, counter), context.now, free);
}

/**
 * An attempt begins. It counts as failed until it succeeds, because with OPAQUE a client that sees a wrong password
 * simply never finishes.
 */
export const loginStart: Handler<"login.start"> = (context, input) => {
  const { tables, now } = context;
  const wait = Math.max(...counters(input).map((each) => pauseFor(context, each)));
  if (wait > 0) return refuse("too_many_attempts", { retryAfterMs: wait });
  const account = tables.accounts.byName(input.name);
  // No secret: the directory's log says so to everybody.
  if (account !== undefined && account.deletedAt !== null) return refuse("account_deleted");
  const [name, remote] = counters(input);
  const before = failures(context, name).count;
  for (const [kind, subject] of [name, remote]) {
    const { count } = failures(context, [kind, subject]);
    tables.attempts.set(kind, subject, { count: count + 1, at: now });
  }
  if (account !== undefined && before >= failuresWorthTelling) {
    notifyOfFailures(context, account, before);
  }
  return {
    ok: true,
    record: account === undefined ? undefined : tables.accounts.record(account.key),
  };
};

/** Nothing is left to do: the attempt was counted when it began. */
export const loginFailed: Handler<"login.failed"> = () => ({});

function forgetAttempt(tables: Tables, context: Context, remote: Counter): void {
  const { count, at } = failures(context, remote);
  if (count <= 1) tables.attempts.clear(...remote);
  else tables.attempts.set(...remote, { count: count - 1, at });
}

/** The attempt succeeded: the name's failures are forgiven, of the address's only this one. */
export const loginSucceeded: Handler<"login.succeeded"> = (context, input) => {
  const { tables } = context;
  const account = tables.accounts.byName(input.name);
  if (account === undefined) return refuse("invalid_credentials");
  if (account.deletedAt !== null) return refuse("account_deleted");
  if (account.disabled) return refuse("account_disabled");
  const [name, remote] = counters(input);
  const before = failures(context, name).count - 1;
  if (before >= failuresWorthTelling) notifyOfFailures(context, account, before);
  tables.attempts.clear(...name);
  forgetAttempt(tables, context, remote);
  return {
    ok: true,
    account: account.account,
    name: account.name,
    accountKey: account.accountKey,
    vault: tables.accounts.vault(account.key),
  };
};

/** A known device becomes ready; its signature was the proof. */
export const loginDevice: Handler<"login.device"> = (context, { device: key, arrival }) => {
  const device = context.tables.devices.byId(key);
  if (device === undefined) return refuse("unknown_device");
  const party = actingParty(context.tables, { account: device.accountId, device: key });
  if (!party.ok) return party;
  return refuseArrival(context.tables, key, arrival) ?? arrive(context, party, arrival);
};

/** The record against which the old password is proven before it is changed. */
export const passwordRecord: Handler<"password.record"> = ({ tables }, actor) => {
  const party = actingParty(tables, actor);
  if (!party.ok) return party;
  return { ok: true, name: party.account.name, record: tables.accounts.record(party.account.key) };
};

/** Stores the new password's record and the vault sealed under it, together. */
export const passwordChange: Handler<"password.change"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  tables.accounts.setPassword(party.account.key, { record: input.record, vault: input.vault });
  return { ok: true };
};

/** The vault, for a device that lost it. */
export const vaultGet: Handler<"vault.get"> = ({ tables }, actor) => {
  const party = actingParty(tables, actor);
  return party.ok ? { ok: true, vault: tables.accounts.vault(party.account.key) } : party;
};
