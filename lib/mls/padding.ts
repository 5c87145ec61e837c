/** Sizes of padded plaintext, so that a ciphertext's length tells little about its content. */
import { mlsLimits } from "../base/limits.ts";

/**
 * The size in bytes that a plaintext of `length` bytes is padded up to: the next bucket of `mlsLimits.paddingBuckets`,
 * beyond the last of them the next multiple of it.
 */
export function paddedLength(length: number): number {
  const fitting = mlsLimits.paddingBuckets.find((bucket) => bucket >= length);
  if (fitting !== undefined) return fitting;
  const largest = mlsLimits.paddingBuckets[mlsLimits.paddingBuckets.length - 1] ?? 1;
  return Math.ceil(length / largest) * largest;
}

/**
 * What surrounds a plaintext inside an encrypted message (RFC 9420 section 6.3.1): its own length, at most 4 bytes, and
 * a signature of 64 bytes with 2 bytes of length. The most it can be, so that one bucket has one size.
 */
const contentOverhead = 4 + 2 + 64;

/** Length of the whole content to encrypt, padding included, for a plaintext of `length` bytes. */
export function paddedContentLength(length: number): number {
  return paddedLength(length) + contentOverhead;
}
