/** Group states of threads in memory, and who may be in them. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { isGroupOf } from "../../lib/base/group_id.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { MlsContext, MlsGroup } from "../../lib/mls/mod.ts";
import type { Thread } from "../store/threads.ts";
import { certifies } from "./certified.ts";
import type { AccountKeys, Core } from "./core.ts";
import { keysOfSome } from "./many_keys.ts";
import { Removals } from "./removals.ts";

/** A group state with the version under which it is stored. */
export interface Loaded {
  readonly version: number;
  readonly group: MlsGroup;
}

/** How members are looked up. */
export interface Expecting {
  /** Ask the server even for what is known. */
  readonly fresh?: boolean;
  /** Of a group: further accounts that are about to be in it; with `fresh` only these are asked for anew. */
  readonly accounts?: readonly string[];
}

/** The groups of an engine. */
export class Groups {
  readonly #core: Core;
  readonly #loaded = new Map<number, Loaded>();
  /** By account. */
  readonly #expected = new Map<number, ReadonlyMap<string, AccountKeys>>();
  readonly removals = new Removals();
  /** Threads of groups that this account leaves, and has no answer about yet. */
  readonly goodbyes = new Set<number>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Whether the account is in the conversation as far as known here, also while none of its devices is in the group. */
  #isListed(number: number, { accountId }: DeviceCertificate): boolean {
    const { own, threads } = this.#core;
    // Of the own account the others decide, by what they know.
    if (accountId === own.account) return true;
    const thread = threads.get(number);
    if (thread?.kind === "direct") return thread.partner?.account === accountId;
    return threads.groups.get(number).members.some(({ account }) => account === accountId);
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
      group: mls.loadGroup(stored.state, this.context(thread), stored.parts),
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
    const accept = (certificate: DeviceCertificate) => {
      const keys = this.#expected.get(thread)?.get(certificate.accountId);
      return keys !== undefined && certifies(keys, certificate);
    };
    return { identity: own.identity, accept, mayReturn: (one) => this.#isListed(thread, one) };
  }

  /** Looks up the keys of everybody who belongs into the thread; what `context` accepts goes by them from then on. */
  async expect(thread: Thread, options: Expecting = {}): Promise<readonly AccountKeys[]> {
    const keys = thread.kind === "group"
      ? await this.#expectGroup(thread, options)
      : await this.#expectPartner(thread, options);
    this.#expected.set(thread.thread, new Map(keys.map((each) => [each.account, each])));
    return keys;
  }

  /** The group's members, and whoever is to be one; only the latter are asked for anew when they are named. */
  async #expectGroup(
    { thread }: Thread,
    { fresh = false, accounts = [] }: Expecting,
  ): Promise<readonly AccountKeys[]> {
    const { threads, own } = this.#core;
    const members = threads.groups.get(thread).members.map(({ account }) => account);
    const all = [...new Set([own.account, ...members, ...accounts])];
    const known = this.#expected.get(thread);
    return await keysOfSome(this.#core, all, {
      known: (account) => {
        const again = fresh && (accounts.length === 0 || accounts.includes(account));
        return again ? undefined : known?.get(account);
      },
      fresh,
    });
  }

  async #expectPartner(
    thread: Thread,
    options: Pick<Expecting, "fresh">,
  ): Promise<readonly AccountKeys[]> {
    const { people, own } = this.#core;
    const { account, name } = thread.partner ?? { name: thread.title };
    const partner = await people.keysOf(account === undefined ? { name } : { account }, options);
    const self = partner.account === own.account
      ? partner
      : await people.keysOf({ account: own.account }, options);
    return self === partner ? [self] : [self, partner];
  }

  /** Keys that were looked up elsewhere and are newer than those that count in the thread. */
  learn(thread: number, keys: readonly AccountKeys[]): void {
    const known = new Map(this.#expected.get(thread));
    for (const each of keys) known.set(each.account, each);
    this.#expected.set(thread, known);
  }

  /** The same as looked up before, or looked up now. */
  async known(thread: Thread): Promise<ReadonlyMap<string, AccountKeys>> {
    if (!this.#expected.has(thread.thread)) await this.expect(thread);
    return this.#expected.get(thread.thread) ?? new Map();
  }

  /**
   * What is wrong with a group that was joined or is about to be: another conversation's, or members other than those
   * that belong there. Undefined when it is as it must be. `partial`: not everybody has to have a device in it.
   */
  misfit(
    group: MlsGroup,
    expected: { conversation: string; keys: readonly AccountKeys[]; partial?: boolean },
  ): string | undefined {
    const { conversation, keys } = expected;
    const byAccount = new Map(keys.map((each) => [each.account, each]));
    if (!isGroupOf(group.groupId, conversation)) return "it is the group of another conversation";
    const certificates = group.members().map(({ certificate }) => certificate);
    const stranger = certificates.find((one) => {
      const known = byAccount.get(one.accountId);
      return known === undefined || !certifies(known, one);
    });
    if (stranger !== undefined) {
      return `${this.#core.people.nameOf(stranger)} is in it and does not belong there`;
    }
    if (expected.partial) return undefined;
    const present = new Set(certificates.map(({ accountId }) => accountId));
    // An account whose last device was removed comes back when it has one again.
    const absent = keys.find((each) =>
      !present.has(each.account) && activeDevices(each).length > 0
    );
    return absent === undefined ? undefined : `${absent.name} is not in it`;
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
