/** Checking proofs, as a client does: nothing but the proof and what the client already knows goes in. */
import { equalBytes } from "../base/bytes.ts";
import { emptyRoot, nodeHash } from "./hash.ts";

const hashBytes = 32;

/** A claim that a leaf stands at an index in the tree of a size with a root. */
export interface InclusionClaim {
  /** The leaf's hash (not the entry), 32 bytes. */
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  /** The proof, lowest hash first, 32 bytes each. */
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether the proof shows it (RFC 9162 section 2.1.3.2). Never throws: impossible numbers are just false. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, path } = claim;
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (claim.leaf.length !== hashBytes || !areHashes(path)) return false;
  let at = index;
  let last = size - 1;
  let hash = claim.leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      // An only child on the right edge has no sibling until the level where it is a right child.
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(hash, claim.root);
}

/** A claim that one tree continues another. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  /** The proof, lowest hash first, 32 bytes each. */
  readonly path: readonly Uint8Array[];
}

/**
 * Whether the proof shows it (RFC 9162 section 2.1.4.2). Equal sizes need equal roots and an empty proof; any tree
 * continues the empty one. Never throws: impossible numbers are just false.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, newSize, oldRoot, newRoot, path } = claim;
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize || !areHashes(path)) return false;
  if (newRoot.length !== hashBytes) return false;
  if (oldSize === newSize) {
    return path.length === 0 && equalBytes(oldRoot, newRoot) &&
      (oldSize > 0 || equalBytes(oldRoot, emptyRoot()));
  }
  if (oldSize === 0) return path.length === 0 && equalBytes(oldRoot, emptyRoot());
  return provesGrowth(claim);
}

/** The algorithm itself, for 0 < oldSize < newSize. */
function provesGrowth({ oldSize, oldRoot, newSize, newRoot, path }: ConsistencyClaim): boolean {
  let at = oldSize - 1;
  let last = newSize - 1;
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  // An old tree that is one complete subtree is not repeated in the proof.
  const [first, ...rest] = at === 0 ? [oldRoot, ...path] : path;
  if (!first || first.length !== hashBytes) return false;
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(oldHash, oldRoot) && equalBytes(newHash, newRoot);
}

/** Without bit operations, which would cut numbers to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(path: readonly Uint8Array[]): boolean {
  return path.every((hash) => hash.length === hashBytes);
}
