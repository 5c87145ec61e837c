/** Builds an external commit by the library's own steps, with our check of the tree in place of the library's. */
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, exportSecret } from "ts-mls/clientState.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { GroupInfo } from "ts-mls/groupInfo.js";
import type { KeyPackage, PrivateKeyPackage } from "ts-mls/keyPackage.js";
import type { MLSMessage } from "ts-mls/message.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { addLeafNode, type RatchetTree, removeLeafNode } from "ts-mls/ratchetTree.js";
import { nodeToLeafIndex, toLeafIndex } from "ts-mls/treemath.js";
import { checkGroupInfo } from "./check_tree.ts";
import { type FreshPath, freshPath, nextEpoch } from "./next_epoch.ts";
import { RefusalError } from "./refusal.ts";

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
  const { groupInfo, suite, config } = join;
  const { signaturePrivateKey } = join.secrets;
  await checkGroupInfo(groupInfo, join.ratchetTree, { config, suite });
  const init = await exportSecret(externalKey(groupInfo), suite);
  const next = await nextEpoch(
    { ...groupInfo, initSecret: init.secret, membershipKey: new Uint8Array(), signaturePrivateKey },
    {
      sender: { senderType: "new_member_commit" },
      proposals: externalProposals(init.enc, join.formerLeaf),
      // Joining by oneself changes devices, never accounts.
      authenticatedData: new Uint8Array(),
      fresh: await joinerPath(join),
    },
    suite,
  );
  return {
    commit: next.commit,
    newState: {
      ...next.state,
      historicalReceiverData: new Map(),
      signaturePrivateKey,
      unappliedProposals: {},
      groupActiveState: { kind: "active" },
      clientConfig: config,
    },
  };
}

/** The joiner's path, from a new leaf in the place that the receivers will give it. */
async function joinerPath(join: ExternalJoin): Promise<FreshPath> {
  const { ratchetTree, formerLeaf, groupInfo, suite } = join;
  const without = formerLeaf === undefined
    ? ratchetTree
    : removeLeafNode(ratchetTree, toLeafIndex(formerLeaf));
  const [withJoiner, node] = addLeafNode(without, join.keyPackage.leafNode);
  return await freshPath({
    ratchetTree: withJoiner,
    groupContext: groupInfo.groupContext,
    privatePath: { leafIndex: nodeToLeafIndex(node), privateKeys: {} },
    signaturePrivateKey: join.secrets.signaturePrivateKey,
  }, { exclude: [], suite });
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
