/**
 * Getting to know the devices that a linked server's account adds to a conversation of this server. That server speaks for
 * its own accounts; for those of third servers these are asked themselves.
 */
import { equalBytes, fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { asAppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import {
  type DeviceCertificate,
  readDeviceCertificate,
  readRevocation,
} from "../../lib/crypto/certificate.ts";
import type { Refused, Storage } from "../operations/contract.ts";
import { refused } from "../requests/answer.ts";
import { Allowed } from "./allowed.ts";

/** What a third server says of one of its accounts. */
export interface KeysFound {
  /** That server's storage key. */
  readonly peer: number;
  readonly certificates: readonly string[];
  readonly revocations: readonly string[];
}

/**
 * The certificates of an account of the linked server with this identity (base64url); undefined when this server is not linked
 * with it. Rejects with `server_away` or as that server refuses.
 */
export type KeysOf = (identity: string, account: string) => Promise<KeysFound | undefined>;

/** What introductions work with. */
export interface IntroductionOptions {
  /** The server that asks: its storage key, and its identity (32 bytes). */
  readonly peer: number;
  readonly identity: Uint8Array;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly keysOf: KeysOf;
}

interface Shown extends DeviceCertificate {
  readonly text: string;
}

const allowance = { most: peerLimits.introductionsPerMinute, windowMs: 60 * 1000 };

/** Those that one linked server brings about. */
export class Introductions {
  readonly #options: IntroductionOptions;
  /** Other servers, on behalf of this one. */
  readonly #asked: Allowed;

  constructor(options: IntroductionOptions) {
    this.#options = options;
    this.#asked = new Allowed(options.clock, allowance);
  }

  /**
   * Remembers those of these devices (certificates that hold) that were not seen before. Undefined when all are known then;
   * else why what adds them is refused: `no_such_user`, `server_away`, `rate_limited`.
   */
  async meet(certificates: readonly Uint8Array[]): Promise<Refused | undefined> {
    const shown = certificates.map((bytes) => ({
      ...readDeviceCertificate(bytes),
      text: toBase64url(bytes),
    }));
    const devices = shown.map(({ deviceKey }) => toBase64url(deviceKey));
    const { strangers } = await this.#options.storage.call("peer.strangers", { devices });
    for (const one of shown) {
      if (!strangers.includes(toBase64url(one.deviceKey))) continue;
      const refusal = await this.#introduce(one);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  async #introduce(shown: Shown): Promise<Refused | undefined> {
    const { peer, storage } = this.#options;
    if (!equalBytes(shown.serverKey, this.#options.identity)) return await this.#askThird(shown);
    const party = await storage.call("peer.party", { peer, certificate: shown.text });
    return party.ok ? undefined : party;
  }

  async #askThird({ text, serverKey, accountId, deviceKey }: Shown): Promise<Refused | undefined> {
    const retryAfterMs = this.#asked.count();
    if (retryAfterMs > 0) return refused("rate_limited", { retryAfterMs });
    const { storage, keysOf } = this.#options;
    try {
      const found = await keysOf(toBase64url(serverKey), accountId);
      if (found === undefined || !stands(found, { text, deviceKey })) {
        return refused("no_such_user");
      }
      const known = await storage.call("peer.party", { peer: found.peer, certificate: text });
      return known.ok ? undefined : refused("no_such_user");
    } catch (thrown) {
      const { code } = asAppError(thrown);
      return refused(code === "no_such_user" ? code : "server_away");
    }
  }
}

/** Whether that server has certified the device and not revoked it. */
function stands(
  { certificates, revocations }: KeysFound,
  { text, deviceKey }: Pick<Shown, "text" | "deviceKey">,
): boolean {
  return certificates.includes(text) &&
    !revocations.some((each) =>
      equalBytes(readRevocation(fromBase64url(each)).deviceKey, deviceKey)
    );
}
