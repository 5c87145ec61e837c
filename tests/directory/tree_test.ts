import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, u32be } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { Frontier } from "../../lib/directory/frontier.ts";
import { emptyRoot, leafHash } from "../../lib/directory/hash.ts";
import {
  consistencyProof,
  inclusionProof,
  type NodePlace,
  nodesAddedBy,
  nodesForConsistency,
  nodesForInclusion,
  nodesForRoot,
  type ReadNode,
  rootAt,
  rootOf,
} from "../../lib/directory/tree.ts";
import { verifyConsistency, verifyInclusion } from "../../lib/directory/verify.ts";

/** The eight entries that Certificate Transparency implementations test with, and the roots after each of them. */
const entries = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const classic = entries.map((entry) => leafHash(fromHex(entry)));

const largest = 70;
const leaves = Array.from({ length: largest }, (_, index) => leafHash(u32be(index)));
const rootsBySize = Array.from({ length: largest + 1 }, (_, n) => rootOf(leaves.slice(0, n)));
const rootOfSize = (size: number) => rootsBySize[size] ?? emptyRoot();
const leafAt = (index: number) => leaves[index] ?? emptyRoot();

/** Stores nodes as a server does, and counts what is read. */
function storedTree(leafHashes: readonly Uint8Array[]) {
  const nodes = new Map<string, Uint8Array>();
  const read: NodePlace[] = [];
  const readNode: ReadNode = (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (!hash) throw new Error(`node ${level}/${index} is not stored`);
    read.push({ level, index });
    return hash;
  };
  leafHashes.forEach((leaf, index) => {
    nodes.set(`0/${index}`, leaf);
    for (const node of nodesAddedBy(index, leaf, readNode)) {
      assert.ok(!nodes.has(`${node.level}/${node.index}`), "a node is written once");
      nodes.set(`${node.level}/${node.index}`, node.hash);
    }
  });
  read.length = 0;
  return { nodes, read, readNode };
}

Deno.test("roots are those of RFC 9162 for the classic eight entries", () => {
  roots.forEach((root, size) => assert.equal(toHex(rootOf(classic.slice(0, size))), root));
});

Deno.test("proofs are those of RFC 9162 for the classic eight entries", () => {
  assert.deepEqual(inclusionProof(classic, 0, 8).map(toHex), [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]);
  assert.deepEqual(inclusionProof(classic, 5, 8).map(toHex), [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
  assert.deepEqual(consistencyProof(classic, 6, 8).map(toHex), [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
});

Deno.test("every inclusion proof of every size up to 70 verifies", () => {
  for (let size = 1; size <= largest; size++) {
    const root = rootOfSize(size);
    for (let index = 0; index < size; index++) {
      const path = inclusionProof(leaves, index, size);
      assert.ok(
        verifyInclusion({ leaf: leafAt(index), index, size, path, root }),
        `${index} of ${size}`,
      );
    }
  }
});

Deno.test("every consistency proof between sizes 0 to 70 verifies", () => {
  for (let newSize = 0; newSize <= largest; newSize++) {
    for (let oldSize = 0; oldSize <= newSize; oldSize++) {
      const claim = {
        oldSize,
        newSize,
        oldRoot: rootOfSize(oldSize),
        newRoot: rootOfSize(newSize),
        path: consistencyProof(leaves, oldSize, newSize),
      };
      assert.ok(verifyConsistency(claim), `${oldSize} to ${newSize}`);
    }
  }
});

/** All of these hashes with one bit flipped in one of them. */
function flip(hashes: readonly Uint8Array[], bit: number): Uint8Array[] {
  const at = Math.floor(bit / 256) % hashes.length;
  return hashes.map((hash, index) => {
    const copy = hash.slice();
    if (index === at) copy[(bit >> 3) % 32] = (copy[(bit >> 3) % 32] ?? 0) ^ (1 << (bit & 7));
    return copy;
  });
}

const sizes = fc.integer({ min: 1, max: largest });

Deno.test("an inclusion proof with any flipped bit, or any other number, fails", () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), fc.nat(largest), (size, anyIndex, bit, other) => {
      const index = anyIndex % size;
      const path = inclusionProof(leaves, index, size);
      const claim = { leaf: leafAt(index), index, size, path, root: rootOfSize(size) };
      const [leaf, root, ...changedPath] = flip([claim.leaf, claim.root, ...path], bit);
      assert.ok(leaf && root);
      assert.ok(!verifyInclusion({ ...claim, leaf, root, path: changedPath }));
      if (other !== index) assert.ok(!verifyInclusion({ ...claim, index: other }));
      assert.ok(!verifyInclusion({ ...claim, path: [...path, leaf] }));
      assert.ok(path.length === 0 || !verifyInclusion({ ...claim, path: path.slice(1) }));
      assert.ok(path.length === 0 || !verifyInclusion({ ...claim, path: path.slice(0, -1) }));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a consistency proof with any flipped bit, or a path too long or short, fails", () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), (newSize, anySize, bit) => {
      const oldSize = 1 + anySize % newSize;
      const path = consistencyProof(leaves, oldSize, newSize);
      const claim = {
        oldSize,
        newSize,
        oldRoot: rootOfSize(oldSize),
        newRoot: rootOfSize(newSize),
        path,
      };
      const [oldRoot, newRoot, ...changedPath] = flip([claim.oldRoot, claim.newRoot, ...path], bit);
      assert.ok(oldRoot && newRoot);
      assert.ok(!verifyConsistency({ ...claim, oldRoot, newRoot, path: changedPath }));
      assert.ok(!verifyConsistency({ ...claim, path: [...path, newRoot] }));
      assert.ok(path.length === 0 || !verifyConsistency({ ...claim, path: path.slice(1) }));
      assert.ok(path.length === 0 || !verifyConsistency({ ...claim, path: path.slice(0, -1) }));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a log that changed an old entry cannot be shown to continue the old one", () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), (newSize, anySize, anyIndex) => {
      const oldSize = 1 + anySize % newSize;
      const index = anyIndex % oldSize;
      const rewritten = leaves.slice(0, newSize).with(index, leafHash(u32be(9999)));
      const claim = {
        oldSize,
        newSize,
        oldRoot: rootOfSize(oldSize),
        newRoot: rootOf(rewritten),
      };
      const paths = [
        consistencyProof(rewritten, oldSize, newSize),
        consistencyProof(leaves, oldSize, newSize),
      ];
      for (const path of paths) assert.ok(!verifyConsistency({ ...claim, path }));
    }),
    { numRuns: 300 },
  );
});

Deno.test("impossible numbers and lengths verify as false and never throw", () => {
  const root = rootOfSize(3);
  const path = inclusionProof(leaves, 0, 3);
  const good = { leaf: leafAt(0), index: 0, size: 3, path, root };
  for (const index of [-1, 3, 0.5, NaN, Infinity, 2 ** 60]) {
    assert.ok(!verifyInclusion({ ...good, index }));
  }
  for (const size of [-1, 0, 0.5, NaN, Infinity, 2 ** 60]) {
    assert.ok(!verifyInclusion({ ...good, size }));
    const claim = { oldSize: size, newSize: 3, oldRoot: root, newRoot: root, path: [] };
    assert.ok(!verifyConsistency(claim));
    assert.ok(!verifyConsistency({ ...claim, oldSize: 3, newSize: size }));
  }
  assert.ok(!verifyInclusion({ ...good, leaf: new Uint8Array(31) }));
  assert.ok(!verifyInclusion({ ...good, root: new Uint8Array() }));
  assert.ok(!verifyInclusion({ ...good, path: path.map((hash) => hash.slice(1)) }));
});

Deno.test("proofs that do not exist are refused when asked for", () => {
  assert.throws(() => inclusionProof(leaves, 3, 3), RangeError);
  assert.throws(() => inclusionProof(leaves, -1, 3), RangeError);
  assert.throws(() => inclusionProof(leaves, 0, 0), RangeError);
  assert.throws(() => inclusionProof(leaves, 0, largest + 1), RangeError);
  assert.throws(() => consistencyProof(leaves, 4, 3), RangeError);
  assert.throws(() => rootAt(leaves, -1), RangeError);
});

Deno.test("stored nodes give the same roots and proofs, and only the announced ones are read", () => {
  for (const total of [1, 2, 3, 7, 8, 33, largest]) {
    const { read, readNode } = storedTree(leaves.slice(0, total));
    const expectReads = (places: readonly NodePlace[]) => {
      assert.deepEqual(read.splice(0), places);
    };
    for (let size = 1; size <= total; size++) {
      assert.deepEqual(rootAt(readNode, size), rootOfSize(size));
      expectReads(nodesForRoot(size));
      const index = (total * 7) % size;
      assert.deepEqual(inclusionProof(readNode, index, size), inclusionProof(leaves, index, size));
      expectReads(nodesForInclusion(index, size));
      assert.deepEqual(
        consistencyProof(readNode, size, total),
        consistencyProof(leaves, size, total),
      );
      expectReads(nodesForConsistency(size, total));
    }
  }
});

Deno.test("a tree of n leaves stores 2n minus the count of ones in n nodes", () => {
  for (let size = 0; size <= largest; size++) {
    const ones = size.toString(2).replaceAll("0", "").length;
    assert.equal(storedTree(leaves.slice(0, size)).nodes.size, 2 * size - ones);
  }
});

Deno.test("proofs of a tree of 2^40 leaves read a few dozen nodes and verify", () => {
  // Every leaf the same, so that a whole level has one hash.
  const levels = [leafHash(new Uint8Array())];
  const size = 2 ** 40 + 12_345;
  const readNode: ReadNode = (level) => {
    while (levels.length <= level) {
      const below = levels[levels.length - 1] ?? emptyRoot();
      levels.push(rootOf([below, below]));
    }
    return levels[level] ?? emptyRoot();
  };
  const leaf = readNode(0, 0);
  const root = rootAt(readNode, size);
  for (const index of [0, 2 ** 33 + 1, 2 ** 40, size - 1]) {
    const path = inclusionProof(readNode, index, size);
    assert.ok(path.length <= 42);
    assert.ok(verifyInclusion({ leaf: new Uint8Array(leaf), index, size, path, root }));
  }
  for (const oldSize of [1, 2 ** 35, 2 ** 39 + 77, 2 ** 40, size - 1]) {
    const path = consistencyProof(readNode, oldSize, size);
    const oldRoot = rootAt(readNode, oldSize);
    assert.ok(verifyConsistency({ oldSize, oldRoot, newSize: size, newRoot: root, path }));
  }
});

Deno.test("the frontier knows the root after every leaf, also after it was stored and read", () => {
  let frontier = Frontier.empty();
  assert.deepEqual(frontier.root(), emptyRoot());
  leaves.forEach((leaf, index) => {
    const before = frontier.copy();
    frontier.append(leaf);
    assert.equal(frontier.size, index + 1);
    assert.deepEqual(frontier.root(), rootOfSize(index + 1));
    assert.deepEqual(before.root(), rootOfSize(index));
    frontier = Frontier.fromBytes(frontier.toBytes());
    assert.deepEqual(frontier.root(), rootOfSize(index + 1));
  });
});

Deno.test("bytes that are no frontier are malformed", () => {
  const isMalformed = (error: unknown) => error instanceof AppError && error.code === "malformed";
  const frontier = Frontier.empty();
  leaves.slice(0, 5).forEach((leaf) => frontier.append(leaf));
  const bytes = frontier.toBytes();
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => Frontier.fromBytes(bytes.subarray(0, length)), isMalformed);
  }
  assert.throws(() => Frontier.fromBytes(new Uint8Array(bytes.length + 1)), isMalformed);
  assert.throws(() => Frontier.fromBytes(new Uint8Array(8 + 64 * 32).fill(0xff)), isMalformed);
  assert.throws(() => frontier.append(new Uint8Array(31)), RangeError);
});
