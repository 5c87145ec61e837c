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
  /** What was told, and the commit that told it. */
  readonly #told = new Map<string, string>();

  constructor({ own, people }: Whose) {
    this.#own = own;
    this.#people = people;
  }

  /**
   * The sentences about devices that were not spoken of before. `hash` is the commit's: taken in once more, because what it
   * came with could not be stored, it says the same again.
   */
  of({ added, removed }: Changed, { hash }: { readonly hash: string }): string[] {
    const isNews = (sign: "+" | "-", { deviceKey }: DeviceCertificate) =>
      this.#isNews(sign + toBase64url(deviceKey), hash);
    return [
      ...added.filter((device) => isNews("+", device)).map((device) =>
        `${this.#whose(device)} uses a new device (since ${day(device.createdAt)})`
      ),
      ...removed.filter((device) => isNews("-", device))
        .map((device) => `a device of ${this.#whose(device)} was removed`),
    ];
  }

  #whose(device: DeviceCertificate): string {
    return device.accountId === this.#own.account ? "your account" : this.#people.nameOf(device);
  }

  #isNews(what: string, hash: string): boolean {
    const by = this.#told.get(what) ?? hash;
    this.#told.set(what, by);
    return by === hash;
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
