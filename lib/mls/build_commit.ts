/**
 * Builds a commit from the library's own steps. Its `createCommit` leaves the update path out of a commit that only adds
 * members, so that the committer's old keys live on; here every commit has a path (RFC 9420 section 12.4.1).
 */
import {
  addHistoricalReceiverData,
  applyProposals,
  checkCanSendHandshakeMessages,
  type ClientState,
  nextEpochContext,
} from "ts-mls/clientState.js";
import {
  createGroupInfoWithExternalPubAndRatchetTree,
  createGroupInfoWithRatchetTree,
} from "ts-mls/createCommit.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import type { GroupContext } from "ts-mls/groupContext.js";
import { type KeyPackage, makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { type EpochSecrets, initializeEpoch } from "ts-mls/keySchedule.js";
import type { MLSMessage } from "ts-mls/message.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { getCommitSecret, pathToPathSecrets } from "ts-mls/pathSecrets.js";
import {
  mergePrivateKeyPaths,
  type PrivateKeyPath,
  toPrivateKeyPath,
  updateLeafKey,
} from "ts-mls/privateKeyPath.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import {
  type LeafIndex,
  leafToNodeIndex,
  leafWidth,
  toLeafIndex,
  toNodeIndex,
} from "ts-mls/treemath.js";
import {
  createUpdatePath,
  firstCommonAncestor,
  type PathSecret,
  type UpdatePath,
} from "ts-mls/updatePath.js";
import {
  type EncryptedGroupSecrets,
  encryptGroupInfo,
  encryptGroupSecrets,
  type Welcome,
} from "ts-mls/welcome.js";
import type { Bytes } from "../base/bytes.ts";
import { encodeMessage } from "./message.ts";

const wireformat = "mls_public_message";

/** A commit that was built but not accepted by anybody yet. */
export interface BuiltCommit {
  readonly newState: ClientState;
  readonly commit: MLSMessage;
  readonly welcome: Welcome | undefined;
}

type Added = readonly (readonly [LeafIndex, KeyPackage])[];

/** A tree with the committer's fresh path in it. */
interface FreshPath {
  readonly tree: RatchetTree;
  readonly pathSecrets: readonly PathSecret[];
  readonly commitSecret: Uint8Array;
  readonly privatePath: PrivateKeyPath;
  readonly path: UpdatePath;
}

/** The tree after the proposals, and the committer's fresh path. */
interface Renewed extends FreshPath {
  readonly added: Added;
}

/** Gives the leaf of `from.privatePath` fresh keys, and everything above it (RFC 9420 section 7.5). */
export async function freshPath(
  from: Pick<
    ClientState,
    "ratchetTree" | "groupContext" | "privatePath" | "signaturePrivateKey"
  >,
  options: { readonly exclude: readonly LeafIndex[]; readonly suite: CiphersuiteImpl },
): Promise<FreshPath> {
  const { suite } = options;
  const own = toLeafIndex(from.privatePath.leafIndex);
  const [tree, path, pathSecrets, leafKey] = await createUpdatePath(
    from.ratchetTree,
    own,
    from.groupContext,
    from.signaturePrivateKey,
    suite,
    options.exclude.map(leafToNodeIndex),
  );
  const top = pathSecrets.at(-1);
  return {
    tree,
    path,
    pathSecrets,
    commitSecret: top === undefined
      ? new Uint8Array(suite.kdf.size)
      : await getCommitSecret(tree, toNodeIndex(top.nodeIndex), top.secret, suite.kdf),
    privatePath: mergePrivateKeyPaths(
      updateLeafKey(from.privatePath, await suite.hpke.exportPrivateKey(leafKey)),
      await toPrivateKeyPath(pathToPathSecrets(pathSecrets), own, suite),
    ),
  };
}

async function renew(
  state: ClientState,
  proposals: ProposalOrRef[],
  suite: CiphersuiteImpl,
): Promise<Renewed> {
  const own = toLeafIndex(state.privatePath.leafIndex);
  // Lifetimes were checked by the caller's clock, not by the machine's.
  const applied = await applyProposals(state, proposals, own, emptyPskIndex, false, suite);
  if (applied.additionalResult.kind !== "memberCommit") throw new Error("not a member's commit");
  const added = applied.additionalResult.addedLeafNodes;
  const exclude = added.map(([leaf]) => leaf);
  const fresh = await freshPath({ ...state, ratchetTree: applied.tree }, { exclude, suite });
  return { ...fresh, added };
}

/** Builds the commit of `proposals` by the state's own device, as a PublicMessage. Changes nothing in `state`. */
export async function buildCommit(
  state: ClientState,
  proposals: readonly Proposal[],
  suite: CiphersuiteImpl,
): Promise<BuiltCommit> {
  checkCanSendHandshakeMessages(state);
  const inline = proposals.map((proposal): ProposalOrRef => ({
    proposalOrRefType: "proposal",
    proposal,
  }));
  const renewed = await renew(state, inline, suite);
  const { signature, framedContent } = await createContentCommitSignature(
    state.groupContext,
    wireformat,
    { proposals: inline, path: renewed.path },
    { senderType: "member", leafIndex: state.privatePath.leafIndex },
    new Uint8Array(),
    state.signaturePrivateKey,
    suite.signature,
  );
  const groupContext = await nextEpochContext(
    state.groupContext,
    wireformat,
    framedContent,
    signature,
    await treeHashRoot(renewed.tree, suite.hash),
    state.confirmationTag,
    suite.hash,
  );
  const secrets = await initializeEpoch(
    state.keySchedule.initSecret,
    renewed.commitSecret,
    groupContext,
    new Uint8Array(suite.kdf.size),
    suite.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    secrets.keySchedule.confirmationKey,
    groupContext.confirmedTranscriptHash,
    suite.hash,
  );
  const newState = await nextState(state, renewed, {
    groupContext,
    secrets,
    confirmationTag,
    suite,
  });
  const publicMessage = await protectPublicMessage(
    state.keySchedule.membershipKey,
    state.groupContext,
    {
      wireformat,
      content: framedContent,
      auth: { contentType: "commit", signature, confirmationTag },
    },
    suite,
  );
  return {
    newState,
    commit: { version: "mls10", wireformat, publicMessage },
    welcome: await buildWelcome(newState, renewed, secrets, suite),
  };
}

async function nextState(
  state: ClientState,
  renewed: Renewed,
  epoch: {
    readonly groupContext: GroupContext;
    readonly secrets: EpochSecrets;
    readonly confirmationTag: Uint8Array;
    readonly suite: CiphersuiteImpl;
  },
): Promise<ClientState> {
  return {
    ...state,
    groupContext: epoch.groupContext,
    ratchetTree: renewed.tree,
    secretTree: await createSecretTree(
      leafWidth(renewed.tree.length),
      epoch.secrets.encryptionSecret,
      epoch.suite.kdf,
    ),
    keySchedule: epoch.secrets.keySchedule,
    privatePath: renewed.privatePath,
    unappliedProposals: {},
    historicalReceiverData: addHistoricalReceiverData(state)[0],
    confirmationTag: epoch.confirmationTag,
    groupActiveState: { kind: "active" },
  };
}

/** The welcome for everybody added (RFC 9420 section 12.4.3.1), the ratchet tree inside. */
async function buildWelcome(
  next: ClientState,
  renewed: Renewed,
  secrets: EpochSecrets,
  suite: CiphersuiteImpl,
): Promise<Welcome | undefined> {
  if (renewed.added.length === 0) return undefined;
  const info = await createGroupInfoWithRatchetTree(
    next.groupContext,
    next.confirmationTag,
    next,
    next.ratchetTree,
    [],
    suite,
  );
  const encryptedGroupInfo = await encryptGroupInfo(info, secrets.welcomeSecret, suite);
  const own = toLeafIndex(next.privatePath.leafIndex);
  const forOne = async ([leaf, keyPackage]: Added[number]): Promise<EncryptedGroupSecrets> => {
    const shared = firstCommonAncestor(next.ratchetTree, leaf, own);
    const sealed = await encryptGroupSecrets(
      await suite.hpke.importPublicKey(keyPackage.initKey),
      encryptedGroupInfo,
      {
        joinerSecret: secrets.joinerSecret,
        pathSecret: renewed.pathSecrets.find(({ nodeIndex }) => nodeIndex === shared)?.secret,
        psks: [],
      },
      suite.hpke,
    );
    return {
      newMember: await makeKeyPackageRef(keyPackage, suite.hash),
      encryptedGroupSecrets: { kemOutput: sealed.enc, ciphertext: sealed.ct },
    };
  };
  return {
    cipherSuite: next.groupContext.cipherSuite,
    secrets: await Promise.all(renewed.added.map(forOne)),
    encryptedGroupInfo,
  };
}

/** The group info with ratchet tree and external key of `state`'s epoch, for joining externally: an MLSMessage. */
export async function buildGroupInfo(state: ClientState, suite: CiphersuiteImpl): Promise<Bytes> {
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  return encodeMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}
