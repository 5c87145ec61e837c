/** What a malicious member could send: made with the library's own steps, around the facade's refusals. */
import { applyProposals, type ClientState, nextEpochContext } from "ts-mls/clientState.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import { initializeEpoch, type KeySchedule } from "ts-mls/keySchedule.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import { clientConfig, type MlsContext } from "../../lib/mls/credential.ts";
import { encodeMessage } from "../../lib/mls/message.ts";
import type { MlsGroup } from "../../lib/mls/mod.ts";
import { decodeState } from "../../lib/mls/state.ts";
import { cipherSuite } from "../../lib/mls/suite.ts";

/** The library's own state of a group. */
export function inside(group: MlsGroup, context: MlsContext): ClientState {
  return decodeState(group.encode(), {
    signaturePrivateKey: context.identity.device.seed,
    clientConfig: clientConfig(context.accept),
  });
}

export function inline(...proposals: Proposal[]): ProposalOrRef[] {
  return proposals.map((proposal) => ({ proposalOrRefType: "proposal", proposal }));
}

/**
 * A commit without a path whose signature and tags all hold: what a library that forgets the path would send. The key
 * schedule is that of the epoch it leads to; nothing but public values and the old state went into it.
 */
export async function pathless(
  state: ClientState,
  proposals: ProposalOrRef[],
): Promise<{ bytes: Uint8Array; keySchedule: KeySchedule }> {
  const suite = await cipherSuite();
  const own = toLeafIndex(state.privatePath.leafIndex);
  const applied = await applyProposals(state, proposals, own, emptyPskIndex, false, suite);
  const { framedContent, signature } = await createContentCommitSignature(
    state.groupContext,
    "mls_public_message",
    { proposals, path: undefined },
    { senderType: "member", leafIndex: own },
    new Uint8Array(),
    state.signaturePrivateKey,
    suite.signature,
  );
  const zeros = new Uint8Array(suite.kdf.size);
  const context = await nextEpochContext(
    state.groupContext,
    "mls_public_message",
    framedContent,
    signature,
    await treeHashRoot(applied.tree, suite.hash),
    state.confirmationTag,
    suite.hash,
  );
  const epoch = await initializeEpoch(
    state.keySchedule.initSecret,
    zeros,
    context,
    zeros,
    suite.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    epoch.keySchedule.confirmationKey,
    context.confirmedTranscriptHash,
    suite.hash,
  );
  const publicMessage = await protectPublicMessage(
    state.keySchedule.membershipKey,
    state.groupContext,
    {
      wireformat: "mls_public_message",
      content: framedContent,
      auth: { contentType: "commit", signature, confirmationTag },
    },
    suite,
  );
  const bytes = encodeMessage({
    version: "mls10",
    wireformat: "mls_public_message",
    publicMessage,
  });
  return { bytes, keySchedule: epoch.keySchedule };
}
