/** An unlocked account, and what it can do beside messages. */
import { equalBytes, fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError, asAppError, type ErrorCode } from "../../lib/base/errors.ts";
import type { Logger } from "../../lib/base/log.ts";
import {
  type DeviceCertificate,
  issueRevocation,
  readDeviceCertificate,
} from "../../lib/crypto/certificate.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import { fingerprint } from "../../lib/crypto/fingerprint.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { formatSafetyNumber, safetyNumber } from "../../lib/crypto/safety_number.ts";
import { KeyPackages } from "../store/key_packages.ts";
import type { Profile } from "../store/profile.ts";
import type { KeyInfo, NotificationInfo, SelfInfo, UserInfo } from "./api.ts";
import { audit, forgetAudited } from "./audit.ts";
import type { DirectoryDesk, DirectoryState } from "./api_directory.ts";
import type { ComparableLog } from "./checkpoints.ts";
import type { Welcome } from "./connection.ts";
import { openConnection } from "./dialing.ts";
import { Directory } from "./directory.ts";
import { refill } from "./key_stock.ts";
import { listNotifications, listUsers } from "./lists.ts";
import { isAddress, splitAddress } from "./address.ts";
import { changePassword, isPassword } from "./password_change.ts";
import { formatReceipt } from "./receipt.ts";
import type { KnownServer, KnownServers } from "./servers.ts";
import type {
  AccountServices,
  ReceiptSource,
  ServiceOptions,
  UnlockedAccount,
} from "./unlocked.ts";
import type { ProvenKeys } from "./verify_keys.ts";

/** What an unlocked account is made from. */
export interface AccountParts {
  readonly profile: Profile;
  readonly server: KnownServer;
  readonly servers: KnownServers;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The account of an open profile on a pinned server. */
export function unlockedAccount(parts: AccountParts): UnlockedAccount {
  const { profile, server, servers, clock, logger } = parts;
  const { device } = profile.identity;
  return {
    profile,
    clock,
    logger,
    self: selfOf(profile, server),
    open: (signal) => openConnection({ server, servers, device, clock, signal }),
    explain: (error) => explainRefusal(error, profile),
    services: (options) => new Services({ ...options, profile, clock }),
  };
}

/** What to do about a login that was refused for good. */
function explainRefusal(error: AppError, { folder, identity }: Profile): AppError {
  const { name } = identity.certificate;
  const again = `move ${folder} away and log in as ${name} with the password`;
  const hints: Partial<Record<ErrorCode, string>> = {
    device_revoked: `this device was removed from the account ${name}; to use it again, ${again}`,
    unknown_device: `the server does not know this device; ask its operator, or ${again}`,
    already_logged_in: "this profile is in use on another machine: one of the two is a copy; " +
      `close the other one, or ${again}`,
    account_deleted:
      `the account ${name} was deleted by the server's operator, and the name cannot be ` +
      `used again; what is on this machine stays in ${folder} until you remove it. ` +
      "To go on there, make an account of another name in another profile",
    account_disabled: `the account ${name} is disabled: ask the server's operator`,
  };
  const text = hints[error.code];
  if (text === undefined) return error;
  return new AppError(error.code, { text, fault: error.fault, cause: error });
}

function selfOf(profile: Profile, server: KnownServer): SelfInfo {
  const { certificate } = profile.identity;
  return {
    name: certificate.name,
    account: certificate.accountId,
    device: toBase64url(certificate.deviceKey),
    fingerprint: fingerprint(certificate.accountKey),
    server: { host: server.host, port: server.port, name: server.name },
    serverFingerprint: fingerprint(server.identity),
    profile: profile.folder,
  };
}

interface ServicesOptions extends ServiceOptions {
  readonly profile: Profile;
  readonly clock: Clock;
}

class Services implements AccountServices {
  readonly people: Directory;
  readonly keyPackages: KeyPackages;
  readonly directory: DirectoryDesk;
  readonly #options: ServicesOptions;
  readonly #locks = new KeyedMutex();
  /** Alarms of earlier times are told once per process. */
  #alarmed = false;

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.people = new Directory(options);
    this.keyPackages = new KeyPackages(options.profile);
    this.directory = {
      state: () => directoryState(this.people.log),
      beginAnew: (signal) => this.#audited(() => this.#beginAnew(signal)),
    };
  }

  get log(): ComparableLog {
    return this.people.logs;
  }

  async tend(welcome: Welcome, signal: AbortSignal): Promise<void> {
    this.#repeatAlarms();
    const { keyPackages } = this;
    const work = [
      refill({ ...this.#options, keyPackages }, { welcome, signal }),
      this.#audited(() => this.#audit(signal)),
    ];
    for (const result of await Promise.allSettled(work)) {
      // A connection that ended, or a busy server: the next login does it. What does not hold has raised its alarm.
      if (result.status === "rejected") this.#complain(result.reason, signal);
    }
  }

  /** One after another: an audit must not judge a log by what is just being given up. */
  #audited<T>(work: () => Promise<T>): Promise<T> {
    return this.#locks.run("audit", work);
  }

  #audit(signal: AbortSignal): Promise<void> {
    const { people: directory } = this;
    return audit(
      { ...this.#options, directory, warn: (text, facts) => this.#options.warn(text, facts) },
      signal,
    );
  }

  async #beginAnew(signal?: AbortSignal): Promise<{ before: number; now: number }> {
    const { before, after } = await this.people.log.beginAnew(signal);
    forgetAudited(this.#options.profile);
    this.people.forgetAll();
    this.people.linked.forget();
    await this.#audit(signal ?? new AbortController().signal);
    return { before, now: after.size };
  }

  checkSendable(name: string): void {
    this.people.checkSendable(name);
  }

  forgetKeys(account: string): void {
    this.people.forget(account);
  }

  async exists(name: string): Promise<boolean> {
    if (!isAddress(name)) throw new AppError("invalid_name");
    if (splitAddress(name) !== undefined) return await this.#existsElsewhere(name);
    const { message } = await this.#options.server.request({ type: "account.check", name });
    return message.exists;
  }

  /** An account of another server exists when that server proves its keys. */
  async #existsElsewhere(name: string): Promise<boolean> {
    // Whoever was seen once can be turned to while that server is away.
    if (this.people.contacts.byName(name) !== undefined) return true;
    try {
      await this.people.keysOf({ name }, { evenIfChanged: true });
      return true;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === "no_such_user") return false;
      throw thrown;
    }
  }

  users(scope: "online" | "all"): Promise<readonly UserInfo[]> {
    return listUsers(this.#options.server, { scope, self: this.#own.accountId });
  }

  notifications(options: { unseen: boolean }): Promise<readonly NotificationInfo[]> {
    return listNotifications(this.#options.server, options);
  }

  async notificationsSeen(through: number): Promise<void> {
    await this.#options.server.request({ type: "notification.seen", through });
  }

  async key(name: string): Promise<KeyInfo> {
    if (!isAddress(name)) throw new AppError("invalid_name");
    const keys = await this.people.keysOf({ name }, { fresh: true, evenIfChanged: true });
    const own = keys.account === this.#own.accountId;
    return {
      name: keys.name,
      account: keys.account,
      fingerprint: fingerprint(keys.accountKey),
      ...(own ? {} : { safetyNumber: this.#safetyNumber(keys) }),
      state: own ? "own" : this.#stateOf(keys),
      devices: this.#devicesOf(keys),
      logSize: keys.logSize,
    };
  }

  async setVerified(name: string, verified: boolean): Promise<void> {
    if (canonicalName(name) === canonicalName(this.#own.name)) {
      throw new AppError("blocked", { text: "your own key needs no verification" });
    }
    const known = this.people.contacts.byName(name) !== undefined;
    if (!known) await this.people.keysOf({ name });
    this.people.setVerified(name, verified);
  }

  isPassword(password: string): Promise<boolean> {
    return isPassword(this.#options, password);
  }

  async changePassword(current: string, next: string): Promise<void> {
    await changePassword(this.#options, { current, next });
  }

  async revokeDevice(device: string): Promise<void> {
    const { accountKey } = this.#options.profile.identity;
    const { accountId } = this.#own;
    const keys = await this.people.keysOf({ account: accountId }, { fresh: true });
    const certificate = keys.devices.find(({ deviceKey }) => toBase64url(deviceKey) === device);
    if (certificate === undefined) {
      throw new AppError("not_found", { text: "your account has no such device" });
    }
    const revocation = issueRevocation({
      accountKey,
      accountId,
      deviceKey: certificate.deviceKey,
      revokedAt: this.#options.clock.now(),
    });
    await this.#options.server.request({
      type: "device.revoke",
      revocation: toBase64url(revocation.bytes),
    });
    this.people.noteRevocation(revocation);
  }

  async receipt(source: ReceiptSource): Promise<string> {
    const keys = await this.people.keysOf({ name: source.from });
    const certificate = certificateOf(source, keys);
    if (certificate === undefined) {
      throw new AppError("not_found", {
        text: `the directory has no such device of ${source.from}, so nothing can be proved`,
      });
    }
    return formatReceipt(source, { keys, certificate });
  }

  get #own(): DeviceCertificate {
    return this.#options.profile.identity.certificate;
  }

  #safetyNumber({ account, accountKey }: ProvenKeys): string {
    const { accountId, accountKey: ownKey } = this.#own;
    const own = { accountId, accountKey: ownKey };
    return formatSafetyNumber(safetyNumber(own, { accountId: account, accountKey }));
  }

  #stateOf(keys: ProvenKeys): KeyInfo["state"] {
    const contact = this.people.contacts.byName(keys.name);
    if (contact?.offered !== undefined) return "changed";
    return contact?.verified === true ? "verified" : "unverified";
  }

  #devicesOf({ devices, revocations }: ProvenKeys): KeyInfo["devices"] {
    return devices.map(({ deviceKey, createdAt }) => ({
      device: toBase64url(deviceKey),
      createdAt,
      revoked: revocations.some((revocation) => equalBytes(revocation.deviceKey, deviceKey)),
      current: equalBytes(deviceKey, this.#own.deviceKey),
    }));
  }

  #repeatAlarms(): void {
    if (this.#alarmed) return;
    this.#alarmed = true;
    for (const { at, text } of this.people.log.alarms()) {
      const day = new Date(at).toISOString().slice(0, 10);
      this.#options.warn(`On ${day} the server's directory could not be trusted: ${text}.`);
    }
  }

  #complain(thrown: unknown, signal: AbortSignal): void {
    const { code, message, retry } = asAppError(thrown);
    if (signal.aborted || retry === "later" || code === "tampered") return;
    this.#options.warn(`Keys could not be tended: ${message}.`);
  }
}

function directoryState(log: Directory["log"]): DirectoryState {
  const { size, signed } = log.head() ?? {};
  return { size, checkpoint: signed, alarms: log.alarms() };
}

/** The certificate in the source, or the one of its device, if the account has it. */
function certificateOf(
  { certificate, device }: ReceiptSource,
  keys: ProvenKeys,
): DeviceCertificate | undefined {
  if (certificate === undefined) {
    return keys.devices.find(({ deviceKey }) => toBase64url(deviceKey) === device);
  }
  const read = readDeviceCertificate(fromBase64url(certificate));
  return equalBytes(read.accountKey, keys.accountKey) ? read : undefined;
}
