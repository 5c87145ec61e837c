/** SHA-256, synchronous. */
import { createHash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";

/** SHA-256 (FIPS 180-4) over all `parts`, one after another: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** SHA-256 over what comes piece by piece. */
export class Sha256 {
  readonly #hash = createHash("sha256");

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The hash of 32 bytes; once. */
  digest(): Bytes {
    return new Uint8Array(this.#hash.digest());
  }
}
