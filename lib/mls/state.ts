/** Group state as bytes, and what of it is worth keeping. */
import { encode } from "ts-mls/codec/tlsEncoder.js";
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, decodeGroupState, groupStateEncoder } from "ts-mls/clientState.js";
import type { EpochReceiverData } from "ts-mls/epochReceiverData.js";
import { decodeSecretTree, secretTreeEncoder } from "ts-mls/secretTree.js";
import type { Node, RatchetTree } from "ts-mls/ratchetTree.js";
import { type Bytes, concat } from "../base/bytes.ts";

/** Version of the encoding; a later one must still read this. */
const stateVersion = 1;

/**
 * The bytes of a state: one version byte, then the library's own encoding. The device's signature key is left out: it is
 * stored once, not in every group.
 */
export function encodeState(state: ClientState): Bytes {
  const encoded = encode(groupStateEncoder)({ ...state, signaturePrivateKey: new Uint8Array() });
  return concat(Uint8Array.of(stateVersion), encoded);
}

/**
 * The state in `bytes`, with what its encoding leaves out. Throws `RangeError` on another version or damage: states come
 * from the own store, never from others.
 */
export function decodeState(
  bytes: Uint8Array,
  rest: { readonly signaturePrivateKey: Uint8Array; readonly clientConfig: ClientConfig },
): ClientState {
  if (bytes[0] !== stateVersion) throw new RangeError(`group state of version ${bytes[0]}`);
  const decoded = decodeGroupState(bytes.slice(1), 0);
  if (decoded === undefined || decoded[1] !== bytes.length - 1) {
    throw new RangeError("damaged group state");
  }
  return { ...decoded[0], ...rest };
}

/**
 * The part of a state that every message changes: the sending and receiving keys of its epoch. At 200 members it is a
 * tenth of the whole.
 */
export function encodeRatchets({ secretTree }: Pick<ClientState, "secretTree">): Bytes {
  return concat(Uint8Array.of(stateVersion), encode(secretTreeEncoder)(secretTree));
}

/** Everything else: the same bytes for as long as only messages come and go. */
export function encodeFrame(state: ClientState): Bytes {
  return encodeState({ ...state, secretTree: [] });
}

/** The keys in what `encodeRatchets` made. Throws `RangeError` as `decodeState`. */
export function decodeRatchets(bytes: Uint8Array): ClientState["secretTree"] {
  if (bytes[0] !== stateVersion) throw new RangeError(`ratchets of version ${bytes[0]}`);
  const decoded = decodeSecretTree(bytes.slice(1), 0);
  if (decoded === undefined || decoded[1] !== bytes.length - 1) {
    throw new RangeError("damaged ratchets");
  }
  return decoded[0];
}

/** Whether two states differ in nothing but their ratchets. */
export function haveOneFrame(a: ClientState, b: ClientState): boolean {
  const past = [...a.historicalReceiverData];
  return a.groupContext === b.groupContext && a.keySchedule === b.keySchedule &&
    a.ratchetTree === b.ratchetTree && a.privatePath === b.privatePath &&
    a.unappliedProposals === b.unappliedProposals && a.confirmationTag === b.confirmationTag &&
    a.groupActiveState === b.groupActiveState &&
    past.length === b.historicalReceiverData.size &&
    past.every(([epoch, data]) => b.historicalReceiverData.get(epoch) === data);
}

/** What late messages need of a leaf: who it was, and the key to check signatures with. */
function prunedNode(node: Node | undefined): Node | undefined {
  if (node?.nodeType !== "leaf") return undefined;
  const { credential, signaturePublicKey } = node.leaf;
  return {
    nodeType: "leaf",
    leaf: {
      credential,
      signaturePublicKey,
      leafNodeSource: "commit",
      hpkePublicKey: new Uint8Array(),
      capabilities: {
        versions: [],
        ciphersuites: [],
        extensions: [],
        proposals: [],
        credentials: [],
      },
      parentHash: new Uint8Array(),
      extensions: [],
      signature: new Uint8Array(),
    },
  };
}

function prunedEpoch(epoch: EpochReceiverData): EpochReceiverData {
  const ratchetTree: RatchetTree = epoch.ratchetTree.map(prunedNode);
  return { ...epoch, ratchetTree, resumptionPsk: new Uint8Array() };
}

/**
 * The same state, with past epochs cut down to what decrypts their late messages: no encryption keys of the tree, no
 * resumption secret. Whole trees of five past epochs would be most of a state.
 */
export function prunedState(state: ClientState): ClientState {
  const kept = [...state.historicalReceiverData].map(([epoch, data]) =>
    [epoch, data.resumptionPsk.length === 0 ? data : prunedEpoch(data)] as const
  );
  return { ...state, historicalReceiverData: new Map(kept) };
}
