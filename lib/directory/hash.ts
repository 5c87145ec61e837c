/** The two hashes of a Merkle tree (RFC 9162 section 2.1.1): leaves and nodes differ by their first byte. */
import type { Bytes } from "../base/bytes.ts";
import { sha256 } from "../crypto/hash.ts";

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The hash of an entry's exact bytes: SHA-256(0x00 || bytes), 32 bytes. */
export function leafHash(bytes: Uint8Array): Bytes {
  return sha256(leafPrefix, bytes);
}

/** The hash over two subtrees: SHA-256(0x01 || left || right), 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(nodePrefix, left, right);
}

/** The root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Bytes {
  return sha256();
}
