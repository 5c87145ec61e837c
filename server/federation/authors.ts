/**
 * The keys of those who post from other servers, asked for when their posts arrive: readers need them, perhaps when that
 * server is away again.
 */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { Message } from "../../lib/wire/messages.ts";

/** Asks for the keys of an account of the peer, by its id; what comes is kept by whoever is asked. */
export type AskKeys = (account: string) => Promise<unknown>;

/** Devices that are remembered as asked for; when there are more, all are asked for again. */
const mostKnown = 4096;
/** Accounts that wait to be asked for; of more at once the rest is asked for when somebody reads. */
const mostWaiting = 256;

/** Authors of one link. */
export class Authors {
  readonly #askKeys: AskKeys;
  /** Certificates that were seen; a new one may be a new device of a known account. */
  readonly #known = new Set<string>();
  readonly #waiting: string[] = [];
  #asking = false;

  constructor(askKeys: AskKeys) {
    this.#askKeys = askKeys;
  }

  /** Notes who is behind an item. */
  note(item: Message<"peer.item">["item"]): void {
    if (item.kind !== "lobby" && item.kind !== "device") return;
    const { certificate } = item;
    if (this.#known.has(certificate) || this.#waiting.length >= mostWaiting) return;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.add(certificate);
    this.#waiting.push(certificate);
    if (!this.#asking) void this.#askAll();
  }

  /** One after another: the peer answers only so many at once. Never rejects; who could not be asked for is forgotten. */
  async #askAll(): Promise<void> {
    this.#asking = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#askKeys(readDeviceCertificate(fromBase64url(next)).accountId);
      } catch (thrown) {
        this.#known.delete(next);
        if (!(thrown instanceof AppError) && !(thrown instanceof TypeError)) throw thrown;
      }
    }
    this.#asking = false;
  }
}
