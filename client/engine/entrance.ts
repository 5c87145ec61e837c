/** The way in: from a server's address to an unlocked account. */
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { canonicalName, isAccountName } from "../../lib/crypto/names.ts";
import { judgePassword } from "../../lib/crypto/password_strength.ts";
import { generateSigningKey, type SigningKey } from "../../lib/crypto/sign.ts";
import { Requests } from "../../lib/wire/client_requests.ts";
import { absolute, clientFolder, profileFolder } from "../store/paths.ts";
import {
  forget,
  hasTwoPasswords,
  isRemembered,
  Profile,
  type ProfileOwner,
  readOwner,
  removeProfile,
  whichPassword,
} from "../store/profile.ts";
import { unlockedAccount } from "./account.ts";
import type { Engine, Entrance, ServerAddress, TrustPolicy } from "./api.ts";
import { meetServer, openConnection } from "./dialing.ts";
import { makeEngine } from "./engine.ts";
import {
  type Credentials,
  type Desk,
  enrol,
  finishRegistration,
  identityFrom,
  isDeviceKnown,
  loginByPassword,
  newIdentity,
  prepareRegistration,
} from "./joining.ts";
import { type KnownServer, KnownServers } from "./servers.ts";
import type { MakeEngine } from "./unlocked.ts";

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

/** The machine around an entrance. */
export interface EntranceMachine {
  readonly env: (name: string) => string | undefined;
  readonly cwd: () => string;
  readonly clock: Clock;
  /** What this device is called in lists. */
  readonly label: () => string;
  readonly makeEngine: MakeEngine;
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
  return new Door({ server, servers, machine, signal: choice.signal, place });
}

function lastServer(servers: KnownServers, owner: ProfileOwner | undefined): KnownServer {
  const server = owner === undefined ? servers.last() : servers.byFingerprint(owner.fingerprint);
  if (server !== undefined) return server;
  throw new ExitError(
    "usage",
    "Which server? Give its address or its invitation link: sealpost client HOST PORT",
  );
}

interface DoorOptions {
  readonly server: KnownServer;
  readonly servers: KnownServers;
  readonly machine: EntranceMachine;
  readonly signal: AbortSignal;
  readonly place: { readonly folder: string; readonly profile?: string };
}

type SignIn = Credentials & { readonly remember: boolean };

/** One server, before an account is chosen. */
class Door implements Entrance {
  readonly #options: DoorOptions;
  /** The connection that questions go over, with the key that signs on it. */
  #line: { readonly device: SigningKey; readonly requests: Requests } | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  get lastName(): string | undefined {
    const { place, server } = this.#options;
    if (place.profile !== undefined) return readOwner(place.profile)?.name;
    return server.lastUser;
  }

  async check(name: string): Promise<boolean> {
    if (!isAccountName(name)) throw new AppError("invalid_name");
    const { server } = await this.#desk();
    const { message } = await server.request({ type: "account.check", name });
    return message.exists;
  }

  hasProfile(name: string): boolean {
    const owner = readOwner(this.#folder(name));
    return owner !== undefined && canonicalName(owner.name) === canonicalName(name) &&
      owner.fingerprint === fingerprintHex(this.#options.server.identity);
  }

  isRemembered(name: string): boolean {
    return this.hasProfile(name) && isRemembered(this.#folder(name));
  }

  forget(name: string): Promise<void> {
    if (this.hasProfile(name)) forget(this.#folder(name));
    return Promise.resolve();
  }

  async register(options: SignIn): Promise<Engine> {
    const { name, password } = options;
    if (!isAccountName(name)) throw new AppError("invalid_name");
    const verdict = judgePassword(password, { name });
    if (verdict.kind === "weak") {
      throw new ExitError("notAllowed", `The password was refused: ${verdict.reason}`);
    }
    const profile = this.hasProfile(name)
      ? await this.#takeUp(options)
      : await this.#registerNew(options);
    return this.#engine(profile, options);
  }

  async login(options: { name: string; password?: string; remember: boolean }): Promise<Engine> {
    const { name, password } = options;
    if (!isAccountName(name)) throw new AppError("invalid_name");
    this.#refuseForeignProfile(name);
    if (password !== undefined) {
      const credentials = { name, password };
      const profile = this.hasProfile(name)
        ? await this.#unlock(credentials)
        : await this.#enrolNew(credentials);
      return this.#engine(profile, options);
    }
    if (!this.isRemembered(name)) {
      throw new AppError("invalid_credentials", { text: "a password is needed" });
    }
    const profile = await Profile.unlock(this.#folder(name), { kind: "remembered" });
    return this.#engine(await this.#requireActive(profile), options);
  }

  async close(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    await line?.requests.close();
  }

  #folder(name: string): string {
    const { place, server } = this.#options;
    const fingerprint = fingerprintHex(server.identity);
    return place.profile ?? profileFolder(place.folder, { name, fingerprint });
  }

  #refuseForeignProfile(name: string): void {
    const { profile } = this.#options.place;
    const owner = profile === undefined ? undefined : readOwner(profile);
    if (owner === undefined || canonicalName(owner.name) === canonicalName(name)) return;
    throw new ExitError("usage", `The profile in ${profile} is the one of ${owner.name}.`);
  }

  /** Asks over a connection signed by `device`; any will do when none is given. */
  async #desk(device?: SigningKey): Promise<Desk> {
    const { server } = this.#options;
    const line = this.#line;
    const usable = line?.requests.connection.isOpen &&
      (device === undefined || device === line.device);
    if (!usable) {
      await this.close();
      this.#line = await this.#dial(device ?? generateSigningKey());
    }
    const { requests } = this.#line!;
    return { server: requests, serverKey: server.identity };
  }

  async #dial(device: SigningKey) {
    const { server, servers, machine, signal } = this.#options;
    const { clock } = machine;
    const connection = await openConnection({ server, servers, device, clock, signal });
    const requests = new Requests(connection, {
      clock,
      onEvent: () => undefined,
      onClosed: () => undefined,
    });
    return { device, requests };
  }

  #arriving({ instance }: Profile) {
    return { instance, label: this.#options.machine.label() };
  }

  async #registerNew({ name, password }: Credentials): Promise<Profile> {
    const device = generateSigningKey();
    const desk = await this.#desk(device);
    const registered = await prepareRegistration(desk, { name, password });
    const { serverKey } = desk;
    const now = this.#options.machine.clock.now();
    const identity = newIdentity({ name, serverKey, device, now });
    const state = "registering";
    const profile = await Profile.create(this.#folder(name), { identity, password, state });
    return await this.#settle(
      profile,
      () => finishRegistration(desk, { identity, registered, ...this.#arriving(profile) }),
    );
  }

  async #enrolNew(credentials: Credentials): Promise<Profile> {
    const { name, password } = credentials;
    const device = generateSigningKey();
    const desk = await this.#desk(device);
    const account = await loginByPassword(desk, credentials);
    const { serverKey } = desk;
    const now = this.#options.machine.clock.now();
    const identity = identityFrom(account, { serverKey, device, now });
    const state = "enrolling";
    const profile = await Profile.create(this.#folder(name), { identity, password, state });
    return await this.#settle(
      profile,
      () => enrol(desk, { identity, ...this.#arriving(profile) }),
    );
  }

  /**
   * Runs the step after which the server has account or device. A refusal for good means that it has neither, so the
   * profile goes; anything else leaves it for the next time, because the server may have done it.
   */
  async #settle(profile: Profile, step: () => Promise<void>): Promise<Profile> {
    try {
      await step();
      profile.activate();
      await this.close();
      return profile;
    } catch (thrown) {
      profile.close();
      await this.close();
      const refused = thrown instanceof AppError && thrown.fault === "peer" &&
        thrown.retry === "never" && thrown.code !== "tampered" && thrown.code !== "malformed";
      if (refused) removeProfile(profile.folder);
      throw thrown;
    }
  }

  /** Registering a name of which there is a profile: only one that the server never confirmed can go on. */
  async #takeUp(credentials: Credentials): Promise<Profile> {
    const folder = this.#folder(credentials.name);
    const { password } = credentials;
    const profile = await unlockOrUndefined(folder, password);
    if (profile === undefined || profile.state === "active") {
      profile?.close();
      throw new AppError("name_taken", {
        text: `there is a profile of ${credentials.name} on this machine already: log in instead`,
      });
    }
    return await this.#confirm(profile, credentials);
  }

  async #unlock(credentials: Credentials): Promise<Profile> {
    const folder = this.#folder(credentials.name);
    const { password } = credentials;
    const profile = await unlockOrUndefined(folder, password) ?? await this.#recover(credentials);
    if (profile.state !== "active") return await this.#confirm(profile, credentials);
    if (hasTwoPasswords(folder)) await this.#settlePasswords(profile, credentials);
    return profile;
  }

  /** A profile whose account or device the server has not confirmed: asks, and does again what did not arrive. */
  async #confirm(profile: Profile, credentials: Credentials): Promise<Profile> {
    const { identity, state } = profile;
    const arriving = this.#arriving(profile);
    return await this.#settle(profile, async () => {
      const desk = await this.#desk(identity.device);
      if (await isDeviceKnown(desk, arriving)) return;
      if (state === "registering") {
        const registered = await prepareRegistration(desk, credentials);
        return await finishRegistration(desk, { identity, registered, ...arriving });
      }
      await loginByPassword(desk, credentials);
      await enrol(desk, { identity, ...arriving });
    });
  }

  /** Without a password an unconfirmed profile can only be found to be there after all. */
  async #requireActive(profile: Profile): Promise<Profile> {
    if (profile.state === "active") return profile;
    return await this.#settle(profile, async () => {
      const desk = await this.#desk(profile.identity.device);
      if (await isDeviceKnown(desk, profile)) return;
      throw new AppError("timeout", {
        text: "the account was not set up to the end: log in with its password",
        fault: "environment",
      });
    });
  }

  /** The password does not fit here: perhaps it was changed on another device. The server knows, and the vault helps. */
  async #recover(credentials: Credentials): Promise<Profile> {
    const folder = this.#folder(credentials.name);
    const { archiveKey } = await this.#loginElsewhere(credentials);
    const profile = await Profile.unlock(folder, { kind: "archive_key", archiveKey });
    await profile.addPassword(credentials.password);
    profile.settleNewPassword();
    return profile;
  }

  async #loginElsewhere(credentials: Credentials) {
    try {
      return await loginByPassword(await this.#desk(generateSigningKey()), credentials);
    } catch (thrown) {
      const known = thrown instanceof AppError &&
        (thrown.code === "too_many_attempts" || thrown.code === "tampered");
      // Offline, or refused: all that is certain is that the password opens nothing here.
      throw known ? thrown : new AppError("invalid_credentials", { cause: thrown });
    } finally {
      await this.close();
    }
  }

  /** An answer to a change of password got lost: finds out which one the server has. Offline both go on working. */
  async #settlePasswords(profile: Profile, credentials: Credentials): Promise<void> {
    const typed = await whichPassword(profile.folder, credentials.password);
    const right = await this.#isServersPassword(credentials);
    if (right === undefined || typed === undefined) return;
    if ((typed === "new") === right) profile.settleNewPassword();
    else profile.settleOldPassword();
  }

  async #isServersPassword(credentials: Credentials): Promise<boolean | undefined> {
    try {
      await loginByPassword(await this.#desk(generateSigningKey()), credentials);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return thrown.code === "invalid_credentials" ? false : undefined;
    } finally {
      await this.close();
    }
  }

  #engine(profile: Profile, { remember }: { readonly remember: boolean }): Engine {
    const { server, servers, machine } = this.#options;
    if (remember) profile.remember();
    servers.used(server, profile.identity.certificate.name);
    const { clock, makeEngine } = machine;
    return makeEngine(unlockedAccount({ profile, server, servers, clock, logger: silentLogger }));
  }
}

async function unlockOrUndefined(folder: string, password: string): Promise<Profile | undefined> {
  try {
    return await Profile.unlock(folder, { kind: "password", password });
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "invalid_credentials") return undefined;
    throw thrown;
  }
}
