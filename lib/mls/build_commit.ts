/**
 * Builds a member's commit from the library's own steps. Its `createCommit` leaves the update path out of a commit that
 * only adds members, so that the committer's old keys live on; here every commit has a path (RFC 9420 section 12.4.1).
 */
import {
  addHistoricalReceiverData,
  applyProposals,
  checkCanSendHandshakeMessages,
  type ClientState,
} from "ts-mls/clientState.js";
import {
  createGroupInfoWithExternalPubAndRatchetTree,
  createGroupInfoWithRatchetTree,
} from "ts-mls/createCommit.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { type KeyPackage, makeKeyPackageRef } from "ts-mls/keyPackage.js";
import type { EpochSecrets } from "ts-mls/keySchedule.js";
import type { MLSMessage } from "ts-mls/message.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { type LeafIndex, toLeafIndex } from "ts-mls/treemath.js";
import { firstCommonAncestor } from "ts-mls/updatePath.js";
import {
  type EncryptedGroupSecrets,
  encryptGroupInfo,
  encryptGroupSecrets,
  type Welcome,
} from "ts-mls/welcome.js";
import type { Bytes } from "../base/bytes.ts";
import { encodeMessage } from "./message.ts";
import { type FreshPath, freshPath, nextEpoch } from "./next_epoch.ts";

/** A commit that was built but not accepted by anybody yet. */
export interface BuiltCommit {
  readonly newState: ClientState;
  readonly commit: MLSMessage;
  readonly welcome: Welcome | undefined;
}

type Added = readonly (readonly [LeafIndex, KeyPackage])[];

/** What is committed. */
export interface Committed {
  readonly proposals: readonly Proposal[];
  /** Travels in the clear, signed with the rest; may be empty. */
  readonly authenticatedData: Uint8Array;
}

/** Builds the commit of the state's own device, as a PublicMessage. Changes nothing in `state`. */
export async function buildCommit(
  state: ClientState,
  committed: Committed,
  suite: CiphersuiteImpl,
): Promise<BuiltCommit> {
  checkCanSendHandshakeMessages(state);
  const inline = committed.proposals.map((proposal): ProposalOrRef => ({
    proposalOrRefType: "proposal",
    proposal,
  }));
  const { added, fresh } = await applied(state, inline, suite);
  const next = await nextEpoch(
    { ...state, ...state.keySchedule },
    {
      sender: { senderType: "member", leafIndex: state.privatePath.leafIndex },
      proposals: inline,
      authenticatedData: committed.authenticatedData,
      fresh,
    },
    suite,
  );
  const newState: ClientState = {
    ...state,
    ...next.state,
    unappliedProposals: {},
    historicalReceiverData: addHistoricalReceiverData(state)[0],
  };
  const welcome = await buildWelcome(newState, { added, fresh, secrets: next.secrets }, suite);
  return { newState, commit: next.commit, welcome };
}

async function applied(
  state: ClientState,
  proposals: ProposalOrRef[],
  suite: CiphersuiteImpl,
): Promise<{ added: Added; fresh: FreshPath }> {
  const own = toLeafIndex(state.privatePath.leafIndex);
  // Lifetimes were checked by the caller's clock, not by the machine's.
  const result = await applyProposals(state, proposals, own, emptyPskIndex, false, suite);
  if (result.additionalResult.kind !== "memberCommit") throw new Error("not a member's commit");
  const added = result.additionalResult.addedLeafNodes;
  const exclude = added.map(([leaf]) => leaf);
  const fresh = await freshPath({ ...state, ratchetTree: result.tree }, { exclude, suite });
  return { added, fresh };
}

/** What a welcome is made from. */
interface Welcoming {
  readonly added: Added;
  readonly fresh: FreshPath;
  readonly secrets: EpochSecrets;
}

/** The welcome for everybody added (RFC 9420 section 12.4.3.1), the ratchet tree inside. */
async function buildWelcome(
  next: ClientState,
  welcoming: Welcoming,
  suite: CiphersuiteImpl,
): Promise<Welcome | undefined> {
  if (welcoming.added.length === 0) return undefined;
  const info = await createGroupInfoWithRatchetTree(
    next.groupContext,
    next.confirmationTag,
    next,
    next.ratchetTree,
    [],
    suite,
  );
  const { welcomeSecret } = welcoming.secrets;
  const encryptedGroupInfo = await encryptGroupInfo(info, welcomeSecret, suite);
  const from = { next, welcoming, encryptedGroupInfo, suite };
  return {
    cipherSuite: next.groupContext.cipherSuite,
    secrets: await Promise.all(welcoming.added.map((each) => secretsFor(each, from))),
    encryptedGroupInfo,
  };
}

/** One newcomer's part of a welcome, sealed to its key package. */
async function secretsFor(
  [leaf, keyPackage]: Added[number],
  from: {
    readonly next: ClientState;
    readonly welcoming: Welcoming;
    readonly encryptedGroupInfo: Uint8Array;
    readonly suite: CiphersuiteImpl;
  },
): Promise<EncryptedGroupSecrets> {
  const { next, welcoming, suite } = from;
  const own = toLeafIndex(next.privatePath.leafIndex);
  const shared = firstCommonAncestor(next.ratchetTree, leaf, own);
  const sealed = await encryptGroupSecrets(
    await suite.hpke.importPublicKey(keyPackage.initKey),
    from.encryptedGroupInfo,
    {
      joinerSecret: welcoming.secrets.joinerSecret,
      pathSecret: welcoming.fresh.pathSecrets.find(({ nodeIndex }) => nodeIndex === shared)?.secret,
      psks: [],
    },
    suite.hpke,
  );
  return {
    newMember: await makeKeyPackageRef(keyPackage, suite.hash),
    encryptedGroupSecrets: { kemOutput: sealed.enc, ciphertext: sealed.ct },
  };
}

/** The group info with ratchet tree and external key of `state`'s epoch, for joining externally: an MLSMessage. */
export async function buildGroupInfo(state: ClientState, suite: CiphersuiteImpl): Promise<Bytes> {
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  return encodeMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}
