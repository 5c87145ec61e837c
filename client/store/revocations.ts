/** Revocations seen in the directory's log, of anybody's devices. */
import { type Bytes, toBase64url, toHex } from "../../lib/base/bytes.ts";
import type { DeviceRevocation } from "../../lib/crypto/certificate.ts";
import type { SealedDatabase } from "./sealed.ts";

/** The revocations of one profile. What writes does so in the caller's transaction, if there is one. */
export class Revocations {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** Keeps a revocation whose own signature holds; whether its key is the account's is judged when it is used. */
  add({ accountId, bytes }: Pick<DeviceRevocation, "accountId" | "bytes">): void {
    const tag = this.#sealed.tag(`revocation:${toBase64url(bytes)}`);
    this.#sealed.database.prepare(`INSERT INTO revocations (tag, account_tag, revocation)
      VALUES (?, ?, ?) ON CONFLICT (tag) DO NOTHING`)
      .run(tag, this.#accountTag(accountId), this.#sealed.seal(place(tag), bytes));
  }

  /** Encodings of all that claim to be of the account. */
  of(account: string): Bytes[] {
    return this.#sealed.database.prepare(
      "SELECT tag, revocation FROM revocations WHERE account_tag = ?",
    ).all<{ tag: Uint8Array; revocation: Uint8Array }>(this.#accountTag(account))
      .map(({ tag, revocation }) => this.#sealed.open(place(tag), revocation));
  }

  #accountTag(account: string): Bytes {
    return this.#sealed.tag(`revocation account:${account}`);
  }
}

function place(tag: Uint8Array): string {
  return `revocations.revocation:${toHex(tag)}`;
}
