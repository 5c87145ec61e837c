/** A session becomes ready: the end of registering, enrolling and logging in by device. */
import { serverLimits } from "../../lib/base/limits.ts";
import { addressText, nextHost } from "../domain/addresses.ts";
import type { Session, Tables } from "../tables/tables.ts";
import { type Context, type Party, refuse } from "./context.ts";
import type { Arrival, ArrivalOutcome, Refused, SessionKey } from "./contract.ts";
import { tellPresence } from "./presence.ts";

const sessionKey = ({ gateway, session }: SessionKey): SessionKey => ({ gateway, session });

/** Sessions of another instance of the device: either dead ones, or the profile was copied. */
function olderSessions(tables: Tables, device: string, arrival: Arrival): readonly Session[] {
  return tables.sessions.ofDevice(device)
    .filter((session) => session.instance !== arrival.instance);
}

/** Why the device cannot have this session now; undefined when it can. Changes nothing. */
export function refuseArrival(
  tables: Tables,
  device: string,
  arrival: Arrival,
): Extract<ArrivalOutcome, { readonly ok: false }> | undefined {
  const older = olderSessions(tables, device, arrival);
  if (older.length > 0 && !arrival.replace) {
    return { ok: false, code: "already_logged_in", older: older.map(sessionKey) };
  }
  const staying = tables.sessions.ofDevice(device).length - older.length;
  const host = nextHost(tables.sessions.hosts, tables.sessions.lastHost);
  const full = staying >= serverLimits.sessionsPerDevice || host === undefined;
  return full ? refuse("too_many_connections") : undefined;
}

function replaceOlder(context: Context, device: string, arrival: Arrival): void {
  for (const session of olderSessions(context.tables, device, arrival)) {
    context.tables.sessions.remove(session);
    context.nudge({ kind: "replaced", target: sessionKey(session) });
  }
}

function addSession(context: Context, party: Party, arrival: Arrival): number | undefined {
  const { sessions } = context.tables;
  const host = nextHost(sessions.hosts, sessions.lastHost);
  if (host === undefined) return undefined;
  sessions.remove(arrival);
  sessions.add({
    gateway: arrival.gateway,
    session: arrival.session,
    device: party.device.device,
    deviceKey: party.device.key,
    account: party.account.key,
    instance: arrival.instance,
    receive: arrival.receive,
    host,
    since: context.now,
  });
  return host;
}

/** Enters the session into the registry and gathers what it is greeted with. `refuseArrival` was asked before. */
export function arrive(context: Context, party: Party, arrival: Arrival): ArrivalOutcome | Refused {
  const { tables, now } = context;
  const { account, device } = party;
  replaceOlder(context, device.device, arrival);
  const host = addSession(context, party, arrival);
  if (host === undefined) return refuse("too_many_connections");
  account.lastSeen = now;
  tables.accounts.save(account);
  tables.devices.setLastSeen(device.key, now);
  tellPresence(context, account);
  return {
    ok: true,
    account: account.account,
    name: account.name,
    device: device.device,
    address: addressText(host),
    ...tables.accounts.totals(account.key),
    keyPackages: tables.keyPackages.count(device.key),
    lastResortAt: tables.keyPackages.lastResortAt(device.key),
    lobbyHead: tables.lobby.head(),
  };
}
