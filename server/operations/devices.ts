/** Devices: adding, listing, removing. */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { Device } from "../tables/tables.ts";
import { addDevice } from "./accounts.ts";
import { spend } from "./allowance.ts";
import { arrive, refuseArrival } from "./arrival.ts";
import { actingParty, type Context, type Handler, type Party, refuse } from "./context.ts";
import type { Input, Refused } from "./contract.ts";
import { appendEntry } from "./directory_log.ts";
import { tellRevoked, unseatEverywhere } from "./followed.ts";
import { notifyOfDevice } from "./notify.ts";
import { tellPresence } from "./presence.ts";

const enrolments = { most: serverLimits.enrolmentsPerDay, windowMs: 24 * 60 * 60 * 1000 };

const activeOf = (devices: readonly Device[]) =>
  devices.filter((device) => device.revokedAt === null);

/** Why the session's device cannot be added to the account; undefined when it can, or is there already. */
function refuseEnrolment(context: Context, input: Input<"device.enrol">): Refused | undefined {
  const { tables } = context;
  const account = tables.accounts.byId(input.account);
  if (account === undefined) return refuse("invalid_credentials");
  if (account.deletedAt !== null) return refuse("account_deleted");
  if (account.disabled) return refuse("account_disabled");
  const known = tables.devices.byId(input.device);
  if (known !== undefined) {
    if (known.account !== account.key) return refuse("invalid_certificate");
    return known.revokedAt === null ? undefined : refuse("device_revoked");
  }
  const count = activeOf(tables.devices.ofAccount(account.key)).length;
  return count >= serverLimits.devicesPerAccount ? refuse("too_many_devices") : undefined;
}

/** Adds a device to an account whose password was proven; the session is ready then. */
export const deviceEnrol: Handler<"device.enrol"> = (context, input) => {
  const { tables } = context;
  const refused = refuseEnrolment(context, input) ??
    refuseArrival(tables, input.device, input.arrival);
  if (refused !== undefined) return refused;
  const account = tables.accounts.byId(input.account);
  if (account === undefined) return refuse("invalid_credentials");
  const known = tables.devices.byId(input.device);
  if (known !== undefined) return arrive(context, { account, device: known }, input.arrival);
  const counted = { kind: "enrol", subject: account.account, allowance: enrolments } as const;
  const retryAfterMs = spend(context, counted);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const device = addDevice(context, account.key, input);
  const { label, device: key } = input;
  notifyOfDevice(context, account, { kind: "device_added", device: key, label, by: key });
  return arrive(context, { account, device }, input.arrival);
};

/** As many devices as one answer carries; the latest ones, should there ever be more. */
const listedDevices = 64;

/** The account's devices, with those that were removed. */
export const deviceList: Handler<"device.list"> = ({ tables }, actor) => {
  const account = tables.accounts.byId(actor.account);
  if (account === undefined) return { devices: [] };
  const devices = tables.devices.ofAccount(account.key).slice(-listedDevices);
  return {
    devices: devices.map((device) => ({
      device: device.device,
      label: device.label,
      createdAt: device.createdAt,
      lastSeen: device.lastSeen,
      online: tables.sessions.ofDevice(device.device).length > 0,
      revoked: device.revokedAt !== null,
    })),
  };
};

/** Gives one of the acting account's devices another label. */
export const deviceRename: Handler<"device.rename"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const device = tables.devices.byId(input.renamed);
  const known = device?.account === party.account.key && device.revokedAt === null;
  if (!known) return refuse("unknown_device");
  tables.devices.setLabel(device.key, input.label);
  return { ok: true };
};

function endSessions(context: Context, party: Party, device: Device): void {
  const { sessions } = context.tables;
  for (const session of sessions.ofDevice(device.device)) sessions.remove(session);
  context.nudge({ kind: "revoked", device: device.device });
  tellPresence(context, party.account);
}

/** Removes a device of the acting account. Again for one that is removed already: done. */
export const deviceRevoke: Handler<"device.revoke"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const device = tables.devices.byId(input.revoked);
  if (device === undefined || device.account !== party.account.key) return refuse("unknown_device");
  if (device.revokedAt !== null) return { ok: true };
  tables.devices.revoke(device.key, { text: input.revocation, at: now });
  appendEntry(tables.directory, {
    v: 1,
    type: "revocation",
    accountId: party.account.account,
    revocation: fromBase64url(input.revocation),
  });
  tables.keyPackages.removeDevice(device.key);
  tellRevoked(context, device, input.revocation);
  unseatEverywhere(context, device);
  endSessions(context, party, device);
  notifyOfDevice(context, party.account, {
    kind: "device_removed",
    device: device.device,
    label: device.label,
    by: input.device,
  });
  return { ok: true };
};
