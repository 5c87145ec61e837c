/** Accounts: whether a name is known, and registering. */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import { inviteHash } from "../../lib/crypto/invite.ts";
import { isAccountName } from "../../lib/crypto/names.ts";
import { waitForWindow, type Window, windowAt } from "../domain/rate.ts";
import type { Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { arrive, refuseArrival } from "./arrival.ts";
import { type Context, type Handler, type Party, refuse } from "./context.ts";
import type { Input, Refused } from "./contract.ts";
import { appendEntry } from "./directory_log.ts";

const hourMs = 60 * 60 * 1000;

/** Whether there is an account of this name, in any case. */
export const accountExists: Handler<"account.exists"> = ({ tables }, { name }) => ({
  exists: tables.accounts.byName(name) !== undefined,
});

function registrations(context: Context, remote: string): Window & { readonly waitMs: number } {
  const allowance = { most: context.settings.registrationsPerHour, windowMs: hourMs };
  const counted = context.tables.attempts.get("register", remote);
  const window = windowAt(counted, context.now, allowance);
  return { ...window, waitMs: waitForWindow(window, context.now, allowance) };
}

function refuseUninvited(
  { tables, now, settings }: Context,
  token: string | undefined,
): Refused | undefined {
  if (settings.registration !== "invite") return undefined;
  if (token === undefined) return refuse("invite_required");
  const invite = tables.invites.get(inviteHash(token));
  const holds = invite !== undefined && invite.left > 0 && invite.expiresAt > now;
  return holds ? undefined : refuse("invite_invalid");
}

function refuseRegistration(
  context: Context,
  input: { readonly name: string; readonly remote: string; readonly invite?: string | undefined },
): Refused | undefined {
  if (context.settings.registration === "closed") return refuse("registration_closed");
  const uninvited = refuseUninvited(context, input.invite);
  if (uninvited !== undefined) return uninvited;
  if (!isAccountName(input.name)) return refuse("invalid_name");
  if (context.tables.accounts.byName(input.name) !== undefined) return refuse("name_taken");
  const { waitMs } = registrations(context, input.remote);
  return waitMs > 0 ? refuse("rate_limited", { retryAfterMs: waitMs }) : undefined;
}

/**
 * Whether an account of this name could be registered now from this address. Asking is counted: what follows makes the
 * server calculate.
 */
export const accountRegistrable: Handler<"account.registrable"> = (context, input) => {
  const refused = refuseRegistration(context, input);
  if (refused !== undefined) return refused;
  const most = context.settings.registrationsPerHour * serverLimits.startsPerRegistration;
  const allowance = { most, windowMs: hourMs };
  const retryAfterMs = spend(context, {
    kind: "register_start",
    subject: input.remote,
    allowance,
  });
  return retryAfterMs > 0 ? refuse("rate_limited", { retryAfterMs }) : { ok: true };
};

/** The party that this very registration made before, when its answer was lost. */
function registeredBefore(
  tables: Tables,
  input: Input<"account.register">,
): Party | undefined {
  const account = tables.accounts.byId(input.account);
  const device = tables.devices.byId(input.device);
  const same = account !== undefined && device !== undefined && device.account === account.key &&
    account.name === input.name && account.accountKey === input.accountKey &&
    device.certificate === input.certificate && device.revokedAt === null;
  return same ? { account, device } : undefined;
}

function addParty(context: Context, input: Input<"account.register">): Party {
  const { tables, now } = context;
  const entry = appendEntry(tables.directory, {
    v: 1,
    type: "account",
    name: input.name,
    accountId: input.account,
    accountKey: fromBase64url(input.accountKey),
    at: now,
  });
  const account = tables.accounts.add({ ...input, createdAt: now, entry });
  return { account, device: addDevice(context, account.key, input) };
}

/** Adds a certified device to an account and to the directory's log. */
export function addDevice(
  { tables, now }: Context,
  account: number,
  input: { account: string; device: string; certificate: string; label: string },
) {
  appendEntry(tables.directory, {
    v: 1,
    type: "device",
    accountId: input.account,
    certificate: fromBase64url(input.certificate),
  });
  const { device, certificate, label } = input;
  return tables.devices.add({ device, account, certificate, label, createdAt: now });
}

/** Makes an account with its first device; the session is ready then. */
export const accountRegister: Handler<"account.register"> = (context, input) => {
  const { tables } = context;
  const before = registeredBefore(tables, input);
  if (before !== undefined) {
    return refuseArrival(tables, input.device, input.arrival) ??
      arrive(context, before, input.arrival);
  }
  const refused = refuseRegistration(context, input) ??
    refuseArrival(tables, input.device, input.arrival);
  if (refused !== undefined) return refused;
  const taken = tables.accounts.anyById(input.account) !== undefined ||
    tables.devices.anyById(input.device) !== undefined;
  if (taken) return refuse("invalid_certificate");
  const { count, at } = registrations(context, input.remote);
  tables.attempts.set("register", input.remote, { count: count + 1, at });
  if (context.settings.registration === "invite" && input.invite !== undefined) {
    tables.invites.use(inviteHash(input.invite));
  }
  return arrive(context, addParty(context, input), input.arrival);
};
