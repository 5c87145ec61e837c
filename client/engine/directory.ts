/**
 * Verified keys of accounts. Every answer of the server is checked against the log, against what this device saw of the
 * log before, and against the account key that it saw first; a changed key stops everything with that account until a
 * person has looked at it.
 */
import { type Bytes, equalBytes } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError, errorCodes } from "../../lib/base/errors.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import {
  type DeviceCertificate,
  type DeviceRevocation,
  readRevocation,
} from "../../lib/crypto/certificate.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { type Contact, Contacts } from "../store/contacts.ts";
import type { Profile } from "../store/profile.ts";
import { Revocations } from "../store/revocations.ts";
import type { WarningFacts } from "./api.ts";
import type { ComparableLog } from "./checkpoints.ts";
import type { Requester } from "./connection.ts";
import type { People } from "./core.ts";
import { splitAddress } from "./address.ts";
import { LinkedServers, type RemoteWho } from "./linked_servers.ts";
import { LogView } from "./log_view.ts";
import { isRevocationOf, type ProvenKeys, verifyKeys, type Who } from "./verify_keys.ts";

/** How long an answer is used again, in milliseconds: a new device is noticed by its first message anyway. */
const cacheMs = 60_000;
/** Accounts whose answers are kept. */
const cacheSize = 1000;

/** What the directory needs. */
export interface DirectoryOptions {
  readonly profile: Pick<Profile, "meta" | "database" | "identity" | "seal" | "open" | "tag">;
  readonly server: Pick<Requester, "request">;
  readonly clock: Clock;
  warn(text: string, facts?: WarningFacts): void;
}

interface Cached {
  readonly keys: ProvenKeys;
  /** By the clock's monotonic time. */
  readonly at: number;
}

/** What one profile knows of others' keys. */
export class Directory implements People {
  readonly log: LogView;
  readonly contacts: Contacts;
  readonly linked: LinkedServers;
  readonly #revocations: Revocations;
  readonly #options: DirectoryOptions;
  readonly #serverKey: Bytes;
  /** By account id, and by canonical name. */
  readonly #cache = new Map<string, Cached>();
  readonly #locks = new KeyedMutex();

  constructor(options: DirectoryOptions) {
    const { profile, server, clock } = options;
    this.#options = options;
    this.#serverKey = profile.identity.certificate.serverKey;
    this.contacts = new Contacts(profile);
    this.linked = new LinkedServers({ ...options, now: () => clock.now() });
    this.#revocations = new Revocations(profile);
    this.log = new LogView({
      profile,
      server,
      serverKey: this.#serverKey,
      now: () => clock.now(),
      warn: (text) => options.warn(text),
    });
  }

  /**
   * The verified keys of an account. Rejects with `blocked` when its key is not the one seen first (unless
   * `evenIfChanged`), with `TrustError` when the answer does not hold, with `no_such_user`.
   */
  async keysOf(
    who: Who,
    options: { readonly fresh?: boolean; readonly evenIfChanged?: boolean } = {},
  ): Promise<ProvenKeys> {
    const asked = canonicalWho(who);
    const known = options.fresh ? undefined : this.#cached(asked);
    const keys = known ??
      await this.#locks.run(cacheKey(asked), () => this.#fetch(asked)).catch((thrown) => {
        throw named(thrown, who);
      });
    const changed = this.#pin(keys);
    if (changed !== undefined && !options.evenIfChanged) throw blocked(changed.name);
    return keys;
  }

  /** Throws `AppError("blocked")` when the account's key changed and nobody has accepted that. */
  checkSendable(name: string): void {
    if (this.contacts.byName(name)?.offered !== undefined) throw blocked(name);
  }

  nameOf({ name, serverKey }: Pick<DeviceCertificate, "name" | "serverKey">): string {
    if (equalBytes(serverKey, this.#serverKey)) return name;
    const server = this.linked.nameBehind(serverKey) ?? fingerprintHex(serverKey).slice(0, 8);
    return `${name}@${server}`;
  }

  /** The logs of all servers that this profile has seen, as others are told of one's own and compare theirs. */
  get logs(): ComparableLog {
    return {
      head: () => this.log.head(),
      compare: (signed, from) => (this.linked.logOf(signed) ?? this.log).compare(signed, from),
    };
  }

  /** What was said of the account is asked again next time. */
  forget(account: string): void {
    const cached = this.#cache.get(cacheKey({ account }));
    this.#cache.delete(cacheKey({ account }));
    if (cached !== undefined) {
      this.#cache.delete(cacheKey({ name: canonicalName(cached.keys.name) }));
    }
  }

  /**
   * A person has looked at the account's key: the one offered last (and no newer one) takes the place of the pinned
   * one, and counts as verified or not. The account must have been seen before; else `no_such_user`.
   */
  setVerified(name: string, verified: boolean): void {
    this.#options.profile.database.transaction(() => {
      const contact = this.contacts.byName(name);
      if (contact === undefined) throw new AppError("no_such_user");
      const { offered, ...known } = contact;
      this.contacts.put({ ...known, ...offered, verified });
    });
    this.#cache.clear();
  }

  /** Keeps a revocation that the log has. */
  noteRevocation(revocation: DeviceRevocation): void {
    this.#revocations.add(revocation);
    this.forget(revocation.accountId);
  }

  /** Whether that revocation was seen before. */
  knowsRevocation({ accountId, bytes }: DeviceRevocation): boolean {
    return this.#revocations.of(accountId).some((known) => equalBytes(known, bytes));
  }

  /** Everything is asked again next time; pinned keys stay. */
  forgetAll(): void {
    this.#cache.clear();
  }

  async #fetch(who: Who): Promise<ProvenKeys> {
    const remote = this.#remote(who);
    const keys = remote === undefined ? await this.#fetchOwn(who) : await this.#fetchLinked(remote);
    this.#checkOwn(keys);
    this.#checkId(keys);
    const complete = this.#withKnownRevocations(keys);
    this.#remember(complete);
    return complete;
  }

  /** Where the account is asked for when it is not of this server. */
  #remote(who: Who): RemoteWho | undefined {
    if ("name" in who) return splitAddress(who.name);
    const { account } = who;
    const known = this.contacts.byAccount(account)?.name ?? "";
    const server = who.server ?? splitAddress(known)?.server;
    return server === undefined ? undefined : { account, server };
  }

  /**
   * Of a server that one's own is not linked with, others pass on what it says of an account, and not who has which name
   * there: whoever is known is asked for by the account.
   */
  async #fetchLinked(who: RemoteWho): Promise<ProvenKeys> {
    try {
      return await this.linked.keysOf(who);
    } catch (thrown) {
      const known = "name" in who && thrown instanceof AppError && thrown.code === "no_such_server"
        ? this.contacts.byName(`${who.name}@${who.server}`)
        : undefined;
      if (known === undefined) throw thrown;
      return await this.linked.keysOf({ account: known.account, server: who.server });
    }
  }

  async #fetchOwn(asked: Who): Promise<ProvenKeys> {
    const who = "name" in asked ? asked : { account: asked.account };
    const floor = this.log.size();
    const { message } = await this.#options.server.request({ type: "directory.keys", ...who });
    // An account that one's own server knows as another one's: it has asked there.
    const { server } = message;
    if (server !== undefined && "account" in who) {
      return await this.linked.taken({ account: who.account, server }, message);
    }
    const checkpoint = await this.log.accept(message.checkpoint, floor);
    const verdict = verifyKeys(message, { who, serverKey: this.#serverKey, checkpoint });
    const shown = "name" in who ? who.name : sanitizeLine(message.name, 64);
    if (verdict.kind === "false") {
      throw this.log.alarm(`its answer about ${shown} does not hold: ${verdict.reason}`);
    }
    return verdict.keys;
  }

  /** One's own name must have one's own key. */
  #checkOwn(keys: ProvenKeys): void {
    const own = this.#options.profile.identity.certificate;
    const sameName = canonicalName(keys.name) === canonicalName(own.name);
    if (!sameName && keys.account !== own.accountId) return;
    const same = sameName && keys.account === own.accountId &&
      equalBytes(keys.accountKey, own.accountKey);
    if (!same) throw this.log.alarm("it gives another key for your own account");
  }

  /** An account's id never comes to be another name's. */
  #checkId(keys: ProvenKeys): void {
    const known = this.contacts.byAccount(keys.account);
    if (known === undefined || canonicalName(known.name) === canonicalName(keys.name)) return;
    throw this.log.alarm(`it gives the account of ${known.name} another name`);
  }

  /** Revocations that the log showed count, even when the server leaves them out of its answer. */
  #withKnownRevocations(keys: ProvenKeys): ProvenKeys {
    const missing = this.#revocations.of(keys.account).map(readRevocation).filter((known) =>
      isRevocationOf(keys, known) &&
      !keys.revocations.some(({ bytes }) => equalBytes(bytes, known.bytes))
    );
    return { ...keys, revocations: [...keys.revocations, ...missing] };
  }

  /** Pins a key at first sight. The contact when its key is another one now. */
  #pin(keys: ProvenKeys): Contact | undefined {
    if (keys.account === this.#options.profile.identity.certificate.accountId) return undefined;
    const contact = this.contacts.byName(keys.name);
    if (contact !== undefined && isPinned(contact, keys)) {
      // The server is back at the pinned key: what it offered meanwhile is still for a person to see.
      return contact.offered === undefined ? undefined : contact;
    }
    return this.#options.profile.database.transaction(() => this.#pinNew(keys));
  }

  /** In a transaction, because another process may do the same. */
  #pinNew(keys: ProvenKeys): Contact | undefined {
    const { name, account, accountKey } = keys;
    const contact = this.contacts.byName(name);
    if (contact === undefined) {
      this.contacts.put({ name, account, accountKey, verified: false });
      return undefined;
    }
    if (isPinned(contact, keys)) return contact.offered === undefined ? undefined : contact;
    const news = contact.offered === undefined || !isPinned(contact.offered, keys);
    if (!news) return contact;
    const changed = { ...contact, offered: { account, accountKey } };
    this.contacts.put(changed);
    this.#options.warn(
      `The key of ${name} has CHANGED. Nothing more is sent to ${name} until you have looked at it: ` +
        `compare the new safety number (/key ${name}), then accept it (/verify ${name}).`,
      { code: "key_changed", name },
    );
    return changed;
  }

  #cached(who: Who): ProvenKeys | undefined {
    const cached = this.#cache.get(cacheKey(who));
    if (cached === undefined) return undefined;
    return this.#options.clock.monotonic() - cached.at < cacheMs ? cached.keys : undefined;
  }

  #remember(keys: ProvenKeys): void {
    if (this.#cache.size >= cacheSize) this.#cache.clear();
    const cached = { keys, at: this.#options.clock.monotonic() };
    this.#cache.set(cacheKey({ account: keys.account }), cached);
    this.#cache.set(cacheKey({ name: canonicalName(keys.name) }), cached);
  }
}

/** Whoever is not there is called by the name that was asked for. */
function named(thrown: unknown, who: Who): unknown {
  const missing = thrown instanceof AppError && thrown.code === "no_such_user" && "name" in who &&
    thrown.message === errorCodes.no_such_user.text;
  if (!missing) return thrown;
  return new AppError("no_such_user", { text: `${thrown.message}: ${who.name}`, cause: thrown });
}

function isPinned(
  contact: { readonly account: string; readonly accountKey: Uint8Array },
  keys: ProvenKeys,
): boolean {
  return contact.account === keys.account && equalBytes(contact.accountKey, keys.accountKey);
}

function canonicalWho(who: Who): Who {
  return "name" in who ? { name: canonicalName(who.name) } : who;
}

function cacheKey(who: Who): string {
  return "name" in who ? `name:${who.name}` : `account:${who.account}`;
}

function blocked(name: string): AppError {
  return new AppError("blocked", {
    text: `the key of ${name} has changed and was not accepted: compare the safety number with ` +
      `${name} (/key ${name}), then accept it (/verify ${name})`,
  });
}
