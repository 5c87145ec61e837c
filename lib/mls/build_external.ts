/** Builds an external commit by the library's own steps, with our check of the tree in place of the library's. */
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, exportSecret, nextEpochContext } from "ts-mls/clientState.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import type { GroupInfo } from "ts-mls/groupInfo.js";
import type { KeyPackage, PrivateKeyPackage } from "ts-mls/keyPackage.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import type { MLSMessage } from "ts-mls/message.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { addLeafNode, type RatchetTree, removeLeafNode } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { leafWidth, nodeToLeafIndex, toLeafIndex } from "ts-mls/treemath.js";
import { freshPath } from "./build_commit.ts";
import { checkGroupInfo } from "./check_tree.ts";
import { RefusalError } from "./refusal.ts";

const wireformat = "mls_public_message";

/** Where to join, and as whom. */
export interface ExternalJoin {
  readonly groupInfo: GroupInfo;
  readonly ratchetTree: RatchetTree;
  readonly keyPackage: KeyPackage;
  readonly secrets: PrivateKeyPackage;
  /** The device's old leaf, removed by the same commit. */
  readonly formerLeaf: number | undefined;
  readonly config: ClientConfig;
  readonly suite: CiphersuiteImpl;
}

/** Joins by an external commit (RFC 9420 section 12.4.3.2). Throws `RefusalError` and library errors. */
export async function buildExternalCommit(
  join: ExternalJoin,
): Promise<{ commit: MLSMessage; newState: ClientState }> {
  const { groupInfo, suite, config, secrets } = join;
  await checkGroupInfo(groupInfo, join.ratchetTree, { config, suite });
  const init = await exportSecret(externalKey(groupInfo), suite);
  const former = join.formerLeaf;
  const [withJoiner, node] = addLeafNode(
    former === undefined ? join.ratchetTree : removeLeafNode(join.ratchetTree, toLeafIndex(former)),
    join.keyPackage.leafNode,
  );
  const renewed = await freshPath(
    {
      ratchetTree: withJoiner,
      groupContext: groupInfo.groupContext,
      privatePath: { leafIndex: nodeToLeafIndex(node), privateKeys: {} },
      signaturePrivateKey: secrets.signaturePrivateKey,
    },
    { exclude: [], suite },
  );
  const { signature, framedContent } = await createContentCommitSignature(
    groupInfo.groupContext,
    wireformat,
    { proposals: externalProposals(init.enc, former), path: renewed.path },
    { senderType: "new_member_commit" },
    new Uint8Array(),
    secrets.signaturePrivateKey,
    suite.signature,
  );
  const groupContext = await nextEpochContext(
    groupInfo.groupContext,
    wireformat,
    framedContent,
    signature,
    await treeHashRoot(renewed.tree, suite.hash),
    groupInfo.confirmationTag,
    suite.hash,
  );
  const epoch = await initializeEpoch(
    init.secret,
    renewed.commitSecret,
    groupContext,
    new Uint8Array(suite.kdf.size),
    suite.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    epoch.keySchedule.confirmationKey,
    groupContext.confirmedTranscriptHash,
    suite.hash,
  );
  const publicMessage = await protectPublicMessage(
    epoch.keySchedule.membershipKey,
    groupContext,
    {
      wireformat,
      content: framedContent,
      auth: { contentType: "commit", signature, confirmationTag },
    },
    suite,
  );
  const secretTree = await createSecretTree(
    leafWidth(renewed.tree.length),
    epoch.encryptionSecret,
    suite.kdf,
  );
  return {
    commit: { version: "mls10", wireformat, publicMessage },
    newState: {
      ratchetTree: renewed.tree,
      groupContext,
      secretTree,
      privatePath: renewed.privatePath,
      confirmationTag,
      historicalReceiverData: new Map(),
      signaturePrivateKey: secrets.signaturePrivateKey,
      keySchedule: epoch.keySchedule,
      unappliedProposals: {},
      groupActiveState: { kind: "active" },
      clientConfig: config,
    },
  };
}

function externalKey(groupInfo: GroupInfo): Uint8Array {
  const found = groupInfo.extensions.find(({ extensionType }) => extensionType === "external_pub");
  if (found === undefined) throw new RefusalError("malformed", "a group info without external key");
  return found.extensionData;
}

function externalProposals(kemOutput: Uint8Array, former: number | undefined): ProposalOrRef[] {
  const proposals: Proposal[] = [{ proposalType: "external_init", externalInit: { kemOutput } }];
  if (former !== undefined) {
    proposals.unshift({ proposalType: "remove", remove: { removed: former } });
  }
  return proposals.map((proposal) => ({ proposalOrRefType: "proposal", proposal }));
}
