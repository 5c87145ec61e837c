/** The steps that every commit of this device shares: fresh keys on its path, a signed commit, the epoch it leads to. */
import { type ClientState, nextEpochContext } from "ts-mls/clientState.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import type { GroupContext } from "ts-mls/groupContext.js";
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
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import type { Sender } from "ts-mls/sender.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import {
  type LeafIndex,
  leafToNodeIndex,
  leafWidth,
  toLeafIndex,
  toNodeIndex,
} from "ts-mls/treemath.js";
import { createUpdatePath, type PathSecret, type UpdatePath } from "ts-mls/updatePath.js";

const wireformat = "mls_public_message";

/** A tree with the committer's fresh path in it. */
export interface FreshPath {
  readonly tree: RatchetTree;
  readonly pathSecrets: readonly PathSecret[];
  readonly commitSecret: Uint8Array;
  readonly privatePath: PrivateKeyPath;
  readonly path: UpdatePath;
}

/**
 * Gives the leaf of `from.privatePath` fresh keys, and everything above it (RFC 9420 section 7.5). Leaves added by the
 * same commit are excluded: they learn the secret from their welcome.
 */
export async function freshPath(
  from: Pick<ClientState, "ratchetTree" | "groupContext" | "privatePath" | "signaturePrivateKey">,
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

/** The epoch that a commit leaves, as its committer knows it. */
export interface OldEpoch {
  readonly groupContext: GroupContext;
  readonly confirmationTag: Uint8Array;
  /** The epoch's own for members, the encapsulated one for an external commit. */
  readonly initSecret: Uint8Array;
  /** Only members know it, and only their commits carry its tag. */
  readonly membershipKey: Uint8Array;
  readonly signaturePrivateKey: Uint8Array;
}

/** What is committed, and by whom. */
export interface Change {
  readonly sender: Sender;
  readonly proposals: ProposalOrRef[];
  /** Travels in the clear, signed with the rest; may be empty. */
  readonly authenticatedData: Uint8Array;
  readonly fresh: FreshPath;
}

/** A signed commit, and the part of the committer's next state that follows from it. */
export interface NextEpoch {
  readonly commit: MLSMessage;
  readonly secrets: EpochSecrets;
  readonly state: Pick<
    ClientState,
    | "groupContext"
    | "ratchetTree"
    | "secretTree"
    | "keySchedule"
    | "privatePath"
    | "confirmationTag"
  >;
}

/** Signs a commit and derives the epoch it leads to (RFC 9420 sections 8 and 12.4.1). */
export async function nextEpoch(
  old: OldEpoch,
  change: Change,
  suite: CiphersuiteImpl,
): Promise<NextEpoch> {
  const signed = await createContentCommitSignature(
    old.groupContext,
    wireformat,
    { proposals: change.proposals, path: change.fresh.path },
    change.sender,
    change.authenticatedData,
    old.signaturePrivateKey,
    suite.signature,
  );
  const { groupContext, secrets } = await deriveEpoch(old, { ...signed, ...change }, suite);
  const confirmationTag = await createConfirmationTag(
    secrets.keySchedule.confirmationKey,
    groupContext.confirmedTranscriptHash,
    suite.hash,
  );
  const auth = { contentType: "commit" as const, signature: signed.signature, confirmationTag };
  const publicMessage = await protectPublicMessage(
    old.membershipKey,
    old.groupContext,
    { wireformat, content: signed.framedContent, auth },
    suite,
  );
  const state = await epochState({ groupContext, secrets, fresh: change.fresh }, suite);
  return {
    commit: { version: "mls10", wireformat, publicMessage },
    secrets,
    state: { ...state, confirmationTag },
  };
}

type Signed = Awaited<ReturnType<typeof createContentCommitSignature>>;

async function deriveEpoch(
  old: OldEpoch,
  change: Change & Signed,
  suite: CiphersuiteImpl,
): Promise<{ groupContext: GroupContext; secrets: EpochSecrets }> {
  const groupContext = await nextEpochContext(
    old.groupContext,
    wireformat,
    change.framedContent,
    change.signature,
    await treeHashRoot(change.fresh.tree, suite.hash),
    old.confirmationTag,
    suite.hash,
  );
  const noPsk = new Uint8Array(suite.kdf.size);
  const { commitSecret } = change.fresh;
  const secrets = await initializeEpoch(
    old.initSecret,
    commitSecret,
    groupContext,
    noPsk,
    suite.kdf,
  );
  return { groupContext, secrets };
}

async function epochState(
  from: {
    readonly groupContext: GroupContext;
    readonly secrets: EpochSecrets;
    readonly fresh: FreshPath;
  },
  suite: CiphersuiteImpl,
): Promise<Omit<NextEpoch["state"], "confirmationTag">> {
  const { tree, privatePath } = from.fresh;
  const width = leafWidth(tree.length);
  return {
    groupContext: from.groupContext,
    ratchetTree: tree,
    secretTree: await createSecretTree(width, from.secrets.encryptionSecret, suite.kdf),
    keySchedule: from.secrets.keySchedule,
    privatePath,
  };
}
