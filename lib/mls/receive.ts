/** Decrypts application messages and checks commits before the library sees them. */
import type { ClientState } from "ts-mls/clientState.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import type { Commit } from "ts-mls/commit.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { type FramedContentCommit, verifyFramedContentSignature } from "ts-mls/framedContent.js";
import type { GroupContext } from "ts-mls/groupContext.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import {
  decodePrivateMessageContent,
  decryptSenderData,
  privateContentAADEncoder,
  type PrivateMessage,
  toAuthenticatedContent,
} from "ts-mls/privateMessage.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { ratchetToGeneration, type SecretTree } from "ts-mls/secretTree.js";
import type { SenderData } from "ts-mls/sender.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { type Bytes, copyBytes, equalBytes } from "../base/bytes.ts";
import type { DeviceCertificate } from "../crypto/certificate.ts";
import { acceptedCertificate, type AcceptMember, certificateOf, sameDevice } from "./credential.ts";
import { checkTotalLifetime } from "./key_package.ts";
import { RefusalError } from "./refusal.ts";

/** A member as others see it. */
export interface Member {
  readonly leafIndex: number;
  readonly certificate: DeviceCertificate;
}

/** The leaf at `leafIndex`, or undefined when it is blank or outside the tree. */
export function leafAt(tree: RatchetTree, leafIndex: number): LeafNode | undefined {
  const node = tree[leafToNodeIndex(toLeafIndex(leafIndex))];
  return node?.nodeType === "leaf" ? node.leaf : undefined;
}

/** Every leaf with its index, in tree order. */
export function leaves(tree: RatchetTree): { leafIndex: number; leaf: LeafNode }[] {
  return tree.flatMap((node, index) =>
    node?.nodeType === "leaf" ? [{ leafIndex: index / 2, leaf: node.leaf }] : []
  );
}

/** What one epoch needs to decrypt its messages; the current one and past ones alike. */
interface ReceivingEpoch {
  readonly groupContext: GroupContext;
  readonly ratchetTree: RatchetTree;
  readonly secretTree: SecretTree;
  readonly senderDataSecret: Uint8Array;
}

/** A decrypted application message. */
export interface Decrypted {
  readonly state: ClientState;
  readonly plaintext: Bytes;
  readonly authenticatedData: Bytes;
  readonly sender: Member;
  readonly generation: number;
}

function receivingEpoch(state: ClientState, epoch: bigint): ReceivingEpoch {
  const current = state.groupContext.epoch;
  if (epoch > current) throw new RefusalError("future_epoch", `epoch ${epoch}, here ${current}`);
  if (epoch === current) {
    return { ...state, senderDataSecret: state.keySchedule.senderDataSecret };
  }
  const past = state.historicalReceiverData.get(epoch);
  if (past === undefined) throw new RefusalError("stale_epoch", `epoch ${epoch}, here ${current}`);
  return past;
}

function withSecretTree(state: ClientState, epoch: bigint, secretTree: SecretTree): ClientState {
  if (epoch === state.groupContext.epoch) return { ...state, secretTree };
  const history = new Map(state.historicalReceiverData);
  const past = history.get(epoch);
  if (past !== undefined) history.set(epoch, { ...past, secretTree });
  return { ...state, historicalReceiverData: history };
}

/** Refuses what the sender data already shows to be undecryptable, with a reason better than a failed tag. */
function checkSender(epoch: ReceivingEpoch, sender: SenderData, ownLeaf: number): LeafNode {
  if (sender.leafIndex === ownLeaf) throw new RefusalError("own_message", "sent by this device");
  const leaf = leafAt(epoch.ratchetTree, sender.leafIndex);
  const node = epoch.secretTree[leafToNodeIndex(toLeafIndex(sender.leafIndex))];
  if (leaf === undefined || node === undefined) {
    throw new RefusalError("undecryptable", `no member at leaf ${sender.leafIndex}`);
  }
  const used = node.application.generation > sender.generation &&
    node.application.unusedGenerations[sender.generation] === undefined;
  if (used) throw new RefusalError("duplicate", `generation ${sender.generation} was used before`);
  return leaf;
}

/**
 * Decrypts an application message (RFC 9420 section 6.3). By the library's own steps, because its all-in-one call does
 * not tell who sent it. Throws `RefusalError`, and whatever the library throws at hostile input.
 */
export async function decryptApplication(
  state: ClientState,
  message: PrivateMessage,
  suite: CiphersuiteImpl,
): Promise<Decrypted> {
  if (message.contentType !== "application") {
    throw new RefusalError("not_allowed", `an encrypted ${message.contentType}`);
  }
  const epoch = receivingEpoch(state, message.epoch);
  const sender = await decryptSenderData(message, epoch.senderDataSecret, suite);
  if (sender === undefined) throw new RefusalError("undecryptable", "sender data");
  const leaf = checkSender(epoch, sender, state.privatePath.leafIndex);
  const retention = state.clientConfig.keyRetentionConfig;
  const { key, nonce, newTree } = await ratchetToGeneration(
    epoch.secretTree,
    sender,
    "application",
    retention,
    suite,
  );
  const aad = encode(privateContentAADEncoder)(message);
  const opened = await suite.hpke.decryptAead(key, nonce, aad, message.ciphertext);
  const inner = decodePrivateMessageContent("application")(opened, 0)?.[0];
  if (inner?.contentType !== "application") throw new RefusalError("undecryptable", "content");
  const { content, auth } = toAuthenticatedContent(inner, message, sender.leafIndex);
  const signed = await verifyFramedContentSignature(
    leaf.signaturePublicKey,
    "mls_private_message",
    content,
    auth,
    epoch.groupContext,
    suite.signature,
  );
  if (!signed) throw new RefusalError("invalid", "signature");
  return {
    state: withSecretTree(state, message.epoch, newTree),
    plaintext: copyBytes(inner.applicationData),
    authenticatedData: copyBytes(message.authenticatedData),
    sender: { leafIndex: sender.leafIndex, certificate: certificateOf(leaf) },
    generation: sender.generation,
  };
}

/** What a commit that passed the checks does. */
export interface CommitPlan {
  readonly committer: DeviceCertificate;
  /** Whether the committer is new: an external commit. */
  readonly external: boolean;
  readonly added: readonly DeviceCertificate[];
  readonly removed: readonly Member[];
}

interface Receiver {
  readonly state: ClientState;
  readonly accept: AcceptMember;
  readonly mayReturn?: AcceptMember | undefined;
}

/**
 * Checks everything about a commit that the library leaves to its user, or gets wrong, before the library sees it.
 * Throws `RefusalError`.
 */
export function planCommit(message: PublicMessage, receiver: Receiver): CommitPlan {
  const content = commitContent(message, receiver.state);
  const proposals = inlineProposals(content.commit);
  const removed = proposals.flatMap((proposal) =>
    proposal.proposalType === "remove" ? [memberAt(proposal.remove.removed, receiver.state)] : []
  );
  if (removed.length > 0 && content.commit.path === undefined) {
    throw new RefusalError("pathless_remove", "the removed member could derive the next epoch");
  }
  return content.sender.senderType === "member"
    ? planMemberCommit(content, content.sender.leafIndex, { proposals, removed, receiver })
    : planExternalCommit(content, { proposals, removed, receiver });
}

function commitContent(message: PublicMessage, state: ClientState): FramedContentCommit {
  const { content } = message;
  const current = state.groupContext.epoch;
  if (content.epoch < current) throw new RefusalError("stale_epoch", `epoch ${content.epoch}`);
  if (content.epoch > current) throw new RefusalError("future_epoch", `epoch ${content.epoch}`);
  if (content.contentType !== "commit") {
    throw new RefusalError("not_allowed", `a ${content.contentType} outside a commit`);
  }
  return content;
}

function inlineProposals(commit: Commit): Proposal[] {
  return commit.proposals.map((each) => {
    if (each.proposalOrRefType === "proposal") return each.proposal;
    throw new RefusalError("not_allowed", "a proposal by reference");
  });
}

function memberAt(leafIndex: number, state: ClientState): Member {
  const leaf = leafAt(state.ratchetTree, leafIndex);
  if (leaf === undefined) throw new RefusalError("invalid", `no member at leaf ${leafIndex}`);
  return { leafIndex, certificate: certificateOf(leaf) };
}

interface Parts {
  readonly proposals: readonly Proposal[];
  readonly removed: readonly Member[];
  readonly receiver: Receiver;
}

function planMemberCommit(
  content: FramedContentCommit,
  leafIndex: number,
  parts: Parts,
): CommitPlan {
  const { state, accept } = parts.receiver;
  if (leafIndex === state.privatePath.leafIndex) {
    throw new RefusalError("own_commit", "committed by this device");
  }
  const before = memberAt(leafIndex, state).certificate;
  const leaf = content.commit.path?.leafNode ?? leafAt(state.ratchetTree, leafIndex);
  const committer = leaf === undefined ? before : acceptedCertificate(leaf, accept);
  if (!sameDevice(before, committer)) {
    throw new RefusalError("bad_member", "the committer's new leaf is of another device");
  }
  const added = parts.proposals.flatMap((proposal) => {
    if (proposal.proposalType === "remove") return [];
    if (proposal.proposalType !== "add") {
      throw new RefusalError("not_allowed", `proposal of type ${proposal.proposalType}`);
    }
    checkTotalLifetime(proposal.add.keyPackage.leafNode);
    return [acceptedCertificate(proposal.add.keyPackage.leafNode, accept)];
  });
  return { committer, external: false, added, removed: parts.removed };
}

/**
 * An external commit (RFC 9420 section 12.4.3.2): by a device of an account that is a member already, removing at most
 * that device's own old leaf.
 */
function planExternalCommit(content: FramedContentCommit, parts: Parts): CommitPlan {
  const { state, accept, mayReturn } = parts.receiver;
  if (content.sender.senderType !== "new_member_commit" || content.commit.path === undefined) {
    throw new RefusalError("not_allowed", `a commit by a ${content.sender.senderType}`);
  }
  const inits = parts.proposals.filter(({ proposalType }) => proposalType === "external_init");
  if (inits.length !== 1 || parts.proposals.length !== 1 + parts.removed.length) {
    throw new RefusalError("not_allowed", "proposals that an external commit may not have");
  }
  const joiner = acceptedCertificate(content.commit.path.leafNode, accept);
  checkJoiner(joiner, { ...state, mayReturn });
  const strangers = parts.removed.some(({ certificate }) => !sameDevice(certificate, joiner));
  if (strangers) throw new RefusalError("bad_member", "an external commit that removes another");
  if (parts.removed.some(({ leafIndex }) => leafIndex === state.privatePath.leafIndex)) {
    throw new RefusalError("own_commit", "this device joined again elsewhere");
  }
  return { committer: joiner, external: true, added: [joiner], removed: parts.removed };
}

/**
 * Whether `joiner` may join by itself: its account key is that of a member, or it may return. Throws
 * `RefusalError("bad_member")`.
 */
export function checkJoiner(
  joiner: DeviceCertificate,
  group: Pick<ClientState, "ratchetTree"> & { readonly mayReturn?: AcceptMember | undefined },
): void {
  const known =
    leaves(group.ratchetTree).some(({ leaf }) =>
      equalBytes(certificateOf(leaf).accountKey, joiner.accountKey)
    ) || group.mayReturn?.(joiner) === true;
  if (!known) throw new RefusalError("bad_member", `${joiner.name}: not an account of this group`);
}
