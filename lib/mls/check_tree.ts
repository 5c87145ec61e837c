/**
 * Verifies a ratchet tree that came from others (RFC 9420 sections 7.9 and 12.4.3.1). The library's own check demands
 * that every node on a leaf's path lists it as unmerged, also above the node that does, and so refuses valid trees of
 * about six leaves and more.
 */
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { validateLeafNodeUpdateOrCommit } from "ts-mls/clientState.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { extensionsSupportedByCapabilities } from "ts-mls/extension.js";
import { type GroupInfo, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { type LeafNode, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { verifyParentHashes } from "ts-mls/parentHash.js";
import type { ParentNode } from "ts-mls/parentNode.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import {
  directPath,
  leafToNodeIndex,
  leafWidth,
  toLeafIndex,
  toNodeIndex,
} from "ts-mls/treemath.js";
import { equalBytes, toBase64url } from "../base/bytes.ts";
import { hasGroupIdLength } from "../base/group_id.ts";
import { leafAt, leaves } from "./receive.ts";
import { RefusalError } from "./refusal.ts";
import { suiteName } from "./suite.ts";

/** What the tree is checked with. */
export interface TreeChecks {
  readonly config: ClientConfig;
  readonly suite: CiphersuiteImpl;
}

function require(holds: boolean, detail: string): void {
  if (!holds) throw new RefusalError("invalid", detail);
}

/**
 * Verifies a group info from others with its tree: that the group is one of ours, the tree as above, every member's
 * certificate, and the signature by one of the members. Throws `RefusalError`.
 */
export async function checkGroupInfo(
  groupInfo: GroupInfo,
  tree: RatchetTree,
  checks: TreeChecks,
): Promise<void> {
  checkContext(groupInfo.groupContext);
  await checkTree(tree, groupInfo.groupContext, checks);
  const signer = leafAt(tree, groupInfo.signer);
  if (signer === undefined) throw new RefusalError("invalid", "signed by nobody in the tree");
  const { signature } = checks.suite;
  require(
    await verifyGroupInfoSignature(groupInfo, signer.signaturePublicKey, signature),
    "group info signature",
  );
}

/** Refuses properties that this product does not use: a group that has them was not made by it. */
function checkContext(context: GroupInfo["groupContext"]): void {
  const fits = context.cipherSuite === suiteName && hasGroupIdLength(context.groupId) &&
    context.extensions.length === 0;
  if (!fits) throw new RefusalError("not_allowed", "a group of another suite or with extensions");
}

async function checkTree(
  tree: RatchetTree,
  context: GroupInfo["groupContext"],
  checks: TreeChecks,
): Promise<void> {
  tree.forEach((node, index) => {
    if (node === undefined) return;
    require((node.nodeType === "leaf") === (index % 2 === 0), "a node of the wrong kind");
    if (node.nodeType === "parent") checkUnmerged(tree, index, node.parent);
  });
  checkUniqueKeys(tree);
  for (const { leafIndex, leaf } of leaves(tree)) {
    await checkLeaf(leaf, { leafIndex, context, checks });
  }
  const { hash } = checks.suite;
  require(equalBytes(context.treeHash, await treeHashRoot(tree, hash)), "tree hash");
  require(await verifyParentHashes(tree, hash), "parent hashes");
}

/**
 * No key may stand twice in a tree, neither for encryption nor for signatures. Also asked of every tree that a commit
 * leads to: the library compares the old leaves with each other, but never the new one with them.
 */
export function checkUniqueKeys(tree: RatchetTree): void {
  const keys = tree.flatMap((node) => {
    if (node === undefined) return [];
    return [node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey];
  });
  const signers = leaves(tree).map(({ leaf }) => leaf.signaturePublicKey);
  const unique = (all: Uint8Array[]) => new Set(all.map(toBase64url)).size === all.length;
  require(unique(keys), "an encryption key twice");
  require(unique(signers), "a signature key twice");
}

/** Each unmerged leaf of a node must exist below it, and be unmerged in every non-blank node in between. */
function checkUnmerged(tree: RatchetTree, nodeIndex: number, parent: ParentNode): void {
  const { unmergedLeaves } = parent;
  require(new Set(unmergedLeaves).size === unmergedLeaves.length, "an unmerged leaf twice");
  for (const unmerged of unmergedLeaves) {
    require(leafAt(tree, unmerged) !== undefined, "a blank leaf as unmerged");
    const path = directPath(leafToNodeIndex(toLeafIndex(unmerged)), leafWidth(tree.length));
    const at = path.indexOf(toNodeIndex(nodeIndex));
    require(at >= 0, "an unmerged leaf that is not below its node");
    for (const between of path.slice(0, at)) {
      const node = tree[between];
      const lists = node === undefined ||
        (node.nodeType === "parent" && node.parent.unmergedLeaves.includes(unmerged));
      require(lists, "an unmerged leaf that a node in between does not list");
    }
  }
}

async function checkLeaf(
  leaf: LeafNode,
  place: {
    readonly leafIndex: number;
    readonly context: GroupInfo["groupContext"];
    readonly checks: TreeChecks;
  },
): Promise<void> {
  const { signature } = place.checks.suite;
  const { authService } = place.checks.config;
  if (leaf.leafNodeSource === "key_package") {
    require(await verifyLeafNodeSignatureKeyPackage(leaf, signature), "leaf signature");
    await authService.validateCredential(leaf.credential, leaf.signaturePublicKey);
    require(extensionsSupportedByCapabilities(leaf.extensions, leaf.capabilities), "extensions");
  } else {
    const { context, leafIndex } = place;
    const failure = await validateLeafNodeUpdateOrCommit(
      leaf,
      leafIndex,
      context,
      authService,
      signature,
    );
    require(failure === undefined, failure?.message ?? "leaf");
  }
  require(leaf.capabilities.credentials.includes("basic"), "credential type not supported");
}
