/**
 * A Merkle tree (RFC 9162 section 2.1) over nodes that somebody else stores. Node (level, index) is the root of the
 * complete subtree over the leaves from index * 2^level up to (index + 1) * 2^level; level 0 are the leaf hashes. Such
 * a node never changes once it is complete, so it is written once, and a root or a proof reads O(log n) of them.
 *
 * Storage that answers later (not at once) first fetches what `nodesForRoot`, `nodesForInclusion` or
 * `nodesForConsistency` name, and then hands in a `readNode` over what it fetched.
 */
import type { Bytes } from "../base/bytes.ts";
import { emptyRoot, nodeHash } from "./hash.ts";

/** Where a complete subtree stands. */
export interface NodePlace {
  readonly level: number;
  readonly index: number;
}

/** A complete subtree and its hash of 32 bytes. */
export interface TreeNode extends NodePlace {
  readonly hash: Bytes;
}

/** Gives the hash of a complete subtree; throws when it does not have it. */
export type ReadNode = (level: number, index: number) => Uint8Array;

/** Where the proofs take hashes from: stored nodes, or simply all leaf hashes. */
export type NodeSource = ReadNode | readonly Uint8Array[];

/** The leaves from `begin` up to but not including `end`. */
interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * The interior nodes that become complete when the leaf `index` is appended (its own level 0 node, which is the given
 * `leafHash`, is not among them), lowest first. `readNode` is asked for the complete nodes to the left of them.
 */
export function nodesAddedBy(index: number, leafHash: Uint8Array, readNode: ReadNode): TreeNode[] {
  const added: TreeNode[] = [];
  let hash = leafHash;
  for (let level = 0, at = index; at % 2 === 1; level++) {
    const parent = nodeHash(readNode(level, at - 1), hash);
    at = (at - 1) / 2;
    added.push({ level: level + 1, index: at, hash: parent });
    hash = parent;
  }
  return added;
}

/** The root over these leaf hashes (RFC 9162 section 2.1.1). */
export function rootOf(leafHashes: readonly Uint8Array[]): Bytes {
  return rootAt(leafHashes, leafHashes.length);
}

/** The root of the first `size` leaves. Throws `RangeError` when `size` is not a count. */
export function rootAt(source: NodeSource, size: number): Bytes {
  checkSize(size);
  if (size === 0) return emptyRoot();
  return new Uint8Array(rangeHash(reader(source), { begin: 0, end: size }));
}

/**
 * The inclusion proof of leaf `index` in the tree of the first `size` leaves (RFC 9162 section 2.1.3.1), lowest hash
 * first. Throws `RangeError` when there is no such leaf.
 */
export function inclusionProof(source: NodeSource, index: number, size: number): Bytes[] {
  return hashes(source, inclusionRanges(index, size));
}

/**
 * The proof that the tree of the first `newSize` leaves continues the one of the first `oldSize` (RFC 9162 section
 * 2.1.4.1). Empty when `oldSize` is 0 or equals `newSize`. Throws `RangeError` when `oldSize` is larger.
 */
export function consistencyProof(source: NodeSource, oldSize: number, newSize: number): Bytes[] {
  return hashes(source, consistencyRanges(oldSize, newSize));
}

/** The stored nodes that `rootAt` reads. */
export function nodesForRoot(size: number): NodePlace[] {
  checkSize(size);
  return size === 0 ? [] : completeSubtrees({ begin: 0, end: size });
}

/** The stored nodes that `inclusionProof` reads. */
export function nodesForInclusion(index: number, size: number): NodePlace[] {
  return inclusionRanges(index, size).flatMap(completeSubtrees);
}

/** The stored nodes that `consistencyProof` reads. */
export function nodesForConsistency(oldSize: number, newSize: number): NodePlace[] {
  return consistencyRanges(oldSize, newSize).flatMap(completeSubtrees);
}

function inclusionRanges(index: number, size: number): Range[] {
  checkSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  }
  const path: Range[] = [];
  let range: Range = { begin: 0, end: size };
  while (range.end - range.begin > 1) {
    const { left, right } = split(range);
    const inLeft = index < left.end;
    path.push(inLeft ? right : left);
    range = inLeft ? left : right;
  }
  return path.reverse();
}

/** SUBPROOF of RFC 9162 section 2.1.4.1, from the root down. */
function consistencyRanges(oldSize: number, newSize: number): Range[] {
  checkSize(oldSize);
  checkSize(newSize);
  if (oldSize > newSize) {
    throw new RangeError(`a tree of ${newSize} cannot continue one of ${oldSize}`);
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const path: Range[] = [];
  let range: Range = { begin: 0, end: newSize };
  while (range.end !== oldSize) {
    const { left, right } = split(range);
    const inLeft = oldSize <= left.end;
    path.push(inLeft ? right : left);
    range = inLeft ? left : right;
  }
  // A subtree that begins at 0 is the old tree itself, which the verifier knows.
  if (range.begin > 0) path.push(range);
  return path.reverse();
}

/** Splits at the largest power of two below the count of leaves, as the tree does. */
function split({ begin, end }: Range): { left: Range; right: Range } {
  let half = 1;
  while (half * 2 < end - begin) half *= 2;
  return { left: { begin, end: begin + half }, right: { begin: begin + half, end } };
}

/** The stored subtree that is exactly this range; every range of a power of two that `split` makes is one. */
function completePlace({ begin, end }: Range): NodePlace | undefined {
  const count = end - begin;
  const level = Math.round(Math.log2(count));
  return 2 ** level === count ? { level, index: begin / count } : undefined;
}

function completeSubtrees(range: Range): NodePlace[] {
  const place = completePlace(range);
  if (place) return [place];
  const { left, right } = split(range);
  return [...completeSubtrees(left), ...completeSubtrees(right)];
}

function rangeHash(readNode: ReadNode, range: Range): Uint8Array {
  const place = completePlace(range);
  if (place) return readNode(place.level, place.index);
  const { left, right } = split(range);
  return nodeHash(rangeHash(readNode, left), rangeHash(readNode, right));
}

function hashes(source: NodeSource, ranges: readonly Range[]): Bytes[] {
  const readNode = reader(source);
  return ranges.map((range) => new Uint8Array(rangeHash(readNode, range)));
}

function reader(source: NodeSource): ReadNode {
  return typeof source === "function" ? source : overLeaves(source);
}

/** Computes any node from all leaf hashes; for tests and small trees. */
function overLeaves(leafHashes: readonly Uint8Array[]): ReadNode {
  const readNode: ReadNode = (level, index) => {
    if (level > 0) {
      return nodeHash(readNode(level - 1, index * 2), readNode(level - 1, index * 2 + 1));
    }
    const leaf = leafHashes[index];
    if (!leaf) throw new RangeError(`no leaf ${index} among ${leafHashes.length}`);
    return leaf;
  };
  return readNode;
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no tree size`);
}
