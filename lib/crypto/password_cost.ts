/** What a guess at a password costs. Tests that are not about it put a cheap one in the place of this file. */

/**
 * Argon2id (RFC 9106) with 96 MiB and 3 passes in one lane, above that RFC's second recommended choice (64 MiB, 3
 * passes). About 0.3 s in the package's single-threaded WebAssembly; a second lane would help only whoever guesses in
 * parallel. It is part of each account's record: changing it locks everybody out.
 */
export const passwordStretching = {
  "argon2id-custom": { iterations: 3, memory: 96 * 1024, parallelism: 1 },
} as const;

/** Parameters of scrypt (RFC 7914): 2^`log2N` blocks of `r` * 128 bytes, `p` times. */
export interface ScryptCost {
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/** Of a profile's key under the password: 128 MiB and about 0.4 s. */
export const profileKeyCost: ScryptCost = { log2N: 17, r: 8, p: 1 };
