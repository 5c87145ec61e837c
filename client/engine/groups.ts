/** Group states of threads in memory, and who may be in them. */
import { equalBytes, toBase64url } from "../../lib/base/bytes.ts";
import { uuidText } from "../../lib/base/ids.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { MlsContext, MlsGroup } from "../../lib/mls/mod.ts";
import type { Thread } from "../store/threads.ts";
import { type AccountKeys, type Core, sameName } from "./core.ts";

/** A group state with the version under which it is stored. */
export interface Loaded {
  readonly version: number;
  readonly group: MlsGroup;
}

/** The groups of an engine. */
export class Groups {
  readonly #core: Core;
  readonly #loaded = new Map<number, Loaded>();
  readonly #expected = new Map<number, readonly AccountKeys[]>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** The group as stored now; undefined while this device is not in it. */
  async load(thread: number): Promise<Loaded | undefined> {
    const row = this.#core.threads.get(thread);
    if (row === undefined || !row.joined) return undefined;
    const known = this.#loaded.get(thread);
    if (known?.version === row.version) return known;
    const mls = await this.#core.mls();
    const stored = this.#core.threads.state(thread);
    if (stored === undefined) return undefined;
    const loaded = {
      version: stored.version,
      group: mls.loadGroup(stored.state, this.context(thread)),
    };
    this.#loaded.set(thread, loaded);
    return loaded;
  }

  /** Spares the next `load` the work: `group` was stored as `version`. */
  remember(thread: number, loaded: Loaded): void {
    this.#loaded.set(thread, loaded);
  }

  /** This device's identity, and the word on others: certified by the key of an account that belongs here. */
  context(thread: number): MlsContext {
    const { own } = this.#core;
    const accept = (certificate: DeviceCertificate) =>
      (this.#expected.get(thread) ?? []).some((keys) => this.#certifies(keys, certificate));
    return { identity: own.identity, accept };
  }

  /** Looks up the keys of everybody who belongs into the thread; what `context` accepts goes by them from then on. */
  async expect(thread: Thread, options: { fresh?: boolean } = {}): Promise<readonly AccountKeys[]> {
    const { people, own } = this.#core;
    const { account, name } = thread.partner ?? { name: thread.title };
    const partner = await people.keysOf(account === undefined ? { name } : { account }, options);
    const self = partner.account === own.account
      ? partner
      : await people.keysOf({ account: own.account }, options);
    const keys = self === partner ? [self] : [self, partner];
    this.#expected.set(thread.thread, keys);
    return keys;
  }

  /** The same as looked up before, or looked up now. */
  async known(thread: Thread): Promise<readonly AccountKeys[]> {
    return this.#expected.get(thread.thread) ?? await this.expect(thread);
  }

  /**
   * What is wrong with a group that was joined or is about to be: another conversation's, or members other than those
   * that belong there. Undefined when it is as it must be.
   */
  misfit(
    group: MlsGroup,
    expected: { conversation: string; keys: readonly AccountKeys[] },
  ): string | undefined {
    const { conversation, keys } = expected;
    if (uuidText(group.groupId) !== conversation) return "it is the group of another conversation";
    const certificates = group.members().map(({ certificate }) => certificate);
    const stranger = certificates.find((one) => !keys.some((known) => this.#certifies(known, one)));
    if (stranger !== undefined) return `${stranger.name} is in it and does not belong there`;
    const absent = keys.find(({ account }) =>
      !certificates.some((one) => one.accountId === account)
    );
    return absent === undefined ? undefined : `${absent.name} is not in it`;
  }

  #certifies(keys: AccountKeys, certificate: DeviceCertificate): boolean {
    const { serverKey } = this.#core.own.identity.certificate;
    return certificate.accountId === keys.account && sameName(certificate.name, keys.name) &&
      equalBytes(certificate.accountKey, keys.accountKey) &&
      equalBytes(certificate.serverKey, serverKey);
  }
}

/** Device keys of a group's members, base64url, sorted. */
export function devicesOf(group: MlsGroup): string[] {
  return group.members().map(({ certificate }) => toBase64url(certificate.deviceKey)).sort();
}

/** Device keys that the account has revoked, base64url. */
export function revokedDevices(keys: AccountKeys): Set<string> {
  return new Set(keys.revocations.map(({ deviceKey }) => toBase64url(deviceKey)));
}

/** The account's devices that may still act. */
export function activeDevices(keys: AccountKeys): DeviceCertificate[] {
  const revoked = revokedDevices(keys);
  return keys.devices.filter(({ deviceKey }) => !revoked.has(toBase64url(deviceKey)));
}
