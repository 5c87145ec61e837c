/** The way in: from a server's address to an unlocked account. */
import { systemClock } from "../../lib/base/clock.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { absolute, clientFolder } from "../store/paths.ts";
import { type ProfileOwner, readOwner } from "../store/profile.ts";
import type { Entrance, ServerAddress, TrustPolicy } from "./api.ts";
import { meetServer } from "./dialing.ts";
import { Door, type EntranceMachine } from "./door.ts";
import { makeEngine } from "./engine.ts";
import { type KnownServer, KnownServers } from "./servers.ts";

/** How an entrance is chosen. */
export interface EntranceChoice {
  /** Absent: the server of the profile, else the last one. */
  readonly address?: ServerAddress;
  /** Folder of the profile. */
  readonly profile?: string;
  /** Folder for everything. */
  readonly home?: string;
  readonly trust: TrustPolicy;
  readonly signal: AbortSignal;
}

const thisMachine: EntranceMachine = {
  env: (name) => Deno.env.get(name),
  cwd: () => Deno.cwd(),
  clock: systemClock,
  label: () => sanitizeLine(`${Deno.hostname()} (${Deno.build.os})`, 64),
  makeEngine,
};

/**
 * Chooses the server and sees to it that its identity is pinned; a known server is not contacted. Throws `TrustError`,
 * `ContactError`, and `ExitError` (usage, localData).
 */
export async function openEntrance(
  choice: EntranceChoice,
  machine: EntranceMachine = thisMachine,
): Promise<Entrance> {
  const folder = clientFolder({ ...machine, home: choice.home });
  const servers = new KnownServers(folder);
  const profile = choice.profile === undefined ? undefined : absolute(choice.profile, machine);
  const owner = profile === undefined ? undefined : readOwner(profile);
  const server = choice.address === undefined
    ? lastServer(servers, owner)
    : await meetServer(choice.address, { ...choice, servers, clock: machine.clock });
  if (owner !== undefined && owner.fingerprint !== fingerprintHex(server.identity)) {
    throw new ExitError("usage", `The profile in ${profile} belongs to another server.`);
  }
  const place = profile === undefined ? { folder } : { folder, profile };
  const invite = choice.address?.invite;
  const invited = invite === undefined ? {} : { invite };
  return new Door({ server, servers, machine, signal: choice.signal, place, ...invited });
}

function lastServer(servers: KnownServers, owner: ProfileOwner | undefined): KnownServer {
  const server = owner === undefined ? servers.last() : servers.byFingerprint(owner.fingerprint);
  if (server !== undefined) return server;
  throw new ExitError(
    "usage",
    "Which server? None is known here yet: sealpost client HOST PORT, or with a command " +
      "--server HOST:PORT or an invitation link",
  );
}
