/** What a person is told of devices that come to private conversations and go: once, in however many conversations. */
import { toBase64url } from "../../lib/base/bytes.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { ReceivedCommit } from "../../lib/mls/mod.ts";
import type { Own, People } from "./core.ts";

/** Whose device this is, and what others are called here. */
export interface Whose {
  readonly own: Pick<Own, "account">;
  readonly people: Pick<People, "nameOf">;
}

type Changed = Pick<ReceivedCommit, "added" | "removed">;

/** Remembers, for as long as the engine runs, what was told. */
export class DeviceWarnings {
  readonly #own: Pick<Own, "account">;
  readonly #people: Pick<People, "nameOf">;
  readonly #told = new Set<string>();

  constructor({ own, people }: Whose) {
    this.#own = own;
    this.#people = people;
  }

  /** The sentences about devices that were not spoken of before. */
  of({ added, removed }: Changed): string[] {
    return [
      ...added.filter((device) => this.#isNews("+", device.deviceKey)).map((device) =>
        `${this.#whose(device)} uses a new device (since ${day(device.createdAt)})`
      ),
      ...removed.filter((device) => this.#isNews("-", device.deviceKey))
        .map((device) => `a device of ${this.#whose(device)} was removed`),
    ];
  }

  #whose(device: DeviceCertificate): string {
    return device.accountId === this.#own.account ? "your account" : this.#people.nameOf(device);
  }

  #isNews(sign: "+" | "-", key: Uint8Array): boolean {
    const what = sign + toBase64url(key);
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
