/** One server's door: names, passwords, profiles, and what happens when an answer gets lost. */
import type { Clock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { canonicalName, isAccountName } from "../../lib/crypto/names.ts";
import { judgePassword } from "../../lib/crypto/password_strength.ts";
import { ArchiveStore } from "../store/archive.ts";
import type { Identity } from "../store/identity.ts";
import { profileFolder } from "../store/paths.ts";
import {
  forget,
  hasTwoPasswords,
  isRemembered,
  Profile,
  readOwner,
  removeProfile,
  whichPassword,
} from "../store/profile.ts";
import { unlockedAccount } from "./account.ts";
import type { Engine, Entrance } from "./api.ts";
import {
  type Arriving,
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
import { Line } from "./line.ts";
import type { KnownServer, KnownServers } from "./servers.ts";
import type { MakeEngine } from "./unlocked.ts";

/** The machine around an entrance. */
export interface EntranceMachine {
  readonly env: (name: string) => string | undefined;
  readonly cwd: () => string;
  readonly clock: Clock;
  /** What this device is called in lists. */
  readonly label: () => string;
  readonly makeEngine: MakeEngine;
}

/** What a door needs. */
export interface DoorOptions {
  readonly server: KnownServer;
  readonly servers: KnownServers;
  readonly machine: EntranceMachine;
  readonly signal: AbortSignal;
  readonly place: { readonly folder: string; readonly profile?: string };
  /** The token of the invitation link that led here. */
  readonly invite?: string;
}

type SignIn = Credentials & { readonly remember: boolean };

/** The way into one server, before an account is chosen. */
export class Door implements Entrance {
  readonly #options: DoorOptions;
  readonly #line: Line;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#line = new Line({ ...options, clock: options.machine.clock });
  }

  get lastName(): string | undefined {
    const { place, server } = this.#options;
    if (place.profile !== undefined) return readOwner(place.profile)?.name;
    return server.lastUser;
  }

  async check(name: string): Promise<boolean> {
    if (!isAccountName(name)) throw new AppError("invalid_name");
    const { server } = await this.#line.desk();
    const { message } = await server.request({ type: "account.check", name });
    return message.exists;
  }

  hasProfile(name: string): boolean {
    if (!isAccountName(name)) return false;
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
    this.#refuseForeignProfile(name);
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
    await this.#line.close();
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

  #arriving({ instance }: Profile) {
    return { instance, label: this.#options.machine.label() };
  }

  async #registerNew({ name, password }: Credentials): Promise<Profile> {
    const desk = await this.#line.desk();
    const { serverKey, device } = desk;
    const registered = await prepareRegistration(desk, { name, password });
    const now = this.#options.machine.clock.now();
    const identity = newIdentity({ name, serverKey, device, now });
    const profile = await this.#create(name, { identity, password, state: "registering" });
    // Whoever is new has no history elsewhere.
    new ArchiveStore(profile).holdsNothing();
    return await this.#settle(
      profile,
      () => finishRegistration(desk, { identity, registered, ...this.#arriving(profile) }),
    );
  }

  async #enrolNew(credentials: Credentials): Promise<Profile> {
    const { name, password } = credentials;
    const desk = await this.#line.desk();
    const { serverKey, device } = desk;
    const account = await loginByPassword(desk, credentials);
    const now = this.#options.machine.clock.now();
    const identity = identityFrom(account, { serverKey, device, now });
    const profile = await this.#create(name, { identity, password, state: "enrolling" });
    return await this.#settle(
      profile,
      () => enrol(desk, { identity, ...this.#arriving(profile) }),
    );
  }

  /** When that fails the connection goes too: its session is half way to somewhere. */
  async #create(name: string, input: Parameters<typeof Profile.create>[1]): Promise<Profile> {
    try {
      return await Profile.create(this.#folder(name), input);
    } catch (thrown) {
      await this.#line.close();
      throw thrown;
    }
  }

  /**
   * Runs the step after which the server has account or device. A refusal for good means that it has neither, so the
   * profile goes; anything else leaves it for the next time, because the server may have done it.
   */
  async #settle(profile: Profile, step: () => Promise<void>): Promise<Profile> {
    try {
      await step();
      profile.activate();
      await this.#line.close();
      return profile;
    } catch (thrown) {
      profile.close();
      await this.#line.close();
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
        text:
          `there is a profile of ${credentials.name} on this machine already: log in instead, ` +
          `or move ${folder} away`,
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
      const desk = await this.#line.desk(identity.device);
      if (await isDeviceKnown(desk, arriving)) return;
      if (state === "registering") {
        return await this.#registerAgain(desk, { credentials, identity, ...arriving });
      }
      await loginByPassword(desk, credentials);
      await enrol(desk, { identity, ...arriving });
    });
  }

  /** The first try may have been on its way still when the server was asked: then the name is taken by ourselves. */
  async #registerAgain(
    desk: Desk,
    input: Arriving & { readonly credentials: Credentials; readonly identity: Identity },
  ): Promise<void> {
    try {
      const registered = await prepareRegistration(desk, input.credentials);
      await finishRegistration(desk, { ...input, registered });
    } catch (thrown) {
      const taken = thrown instanceof AppError && thrown.code === "name_taken";
      if (!taken || !await isDeviceKnown(desk, input)) throw thrown;
    }
  }

  /** Without a password an unconfirmed profile can only be found to be there after all. */
  async #requireActive(profile: Profile): Promise<Profile> {
    if (profile.state === "active") return profile;
    return await this.#settle(profile, async () => {
      const desk = await this.#line.desk(profile.identity.device);
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
      return await loginByPassword(await this.#line.quickDesk(), credentials);
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      const known = thrown instanceof AppError &&
        (thrown.code === "too_many_attempts" || thrown.code === "tampered");
      // Offline, or refused: all that is certain is that the password opens nothing here.
      throw known ? thrown : new AppError("invalid_credentials", { cause: thrown });
    } finally {
      await this.#line.close();
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
      await loginByPassword(await this.#line.quickDesk(), credentials);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return thrown.code === "invalid_credentials" ? false : undefined;
    } finally {
      await this.#line.close();
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
