/**
 * A group as one device sees it. An `MlsGroup` never changes: every operation gives a new one, and the old one stays
 * usable, so that a caller stores the new state first and goes on with the old one when storing or sending fails. For
 * the same reason nothing is wiped here; forgetting old secrets is the caller's overwriting of the stored state.
 */
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { type ClientState, createGroup as createGroupState } from "ts-mls/clientState.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { type Bytes, copyBytes, equalBytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { hasGroupIdLength } from "../base/group_id.ts";
import type { DeviceCertificate } from "../crypto/certificate.ts";
import { buildCommit, buildGroupInfo } from "./build_commit.ts";
import { checkUniqueKeys } from "./check_tree.ts";
import { certificateOf, clientConfig, type MlsContext } from "./credential.ts";
import { type CheckedKeyPackage, checkedKeyPackage, generateKeyPackage } from "./key_package.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { paddedContentLength } from "./padding.ts";
import { commitHash } from "./peek.ts";
import { decryptApplication, leafAt, leaves, type Member, planCommit } from "./receive.ts";
import { guarded, refuse, type Refused } from "./refusal.ts";
import {
  decodeRatchets,
  decodeState,
  encodeFrame,
  encodeRatchets,
  encodeState,
  haveOneFrame,
  prunedState,
} from "./state.ts";
import { cipherSuite } from "./suite.ts";

/** A group's state as stored: opaque, secret, versioned. */
export type GroupState = Bytes;

/**
 * The same in two parts, of which messages change only the small one. Two groups with one `frameId` have the same frame,
 * so that it need not be stored again.
 */
export interface GroupParts {
  /** Random; a new one with every change of the frame. */
  readonly frameId: string;
  frame(): Bytes;
  ratchets(): Bytes;
}

/** A state in two parts, as it was stored. */
export interface StoredParts {
  readonly frameId: string;
  readonly ratchets: Uint8Array;
}

/** An encrypted message and the group that has sent it. Store the group before sending, and send it once per state. */
export interface EncryptedMessage {
  readonly group: MlsGroup;
  /** An MLSMessage with a PrivateMessage. */
  readonly message: Bytes;
  readonly epoch: number;
  /** The number of the sending key within the epoch. (epoch, generation) never goes back on a healthy device. */
  readonly generation: number;
}

/**
 * A commit that the server has not accepted yet. Store `next.encode()`, `bytes` and `hash` beside the old state, then
 * send; merge when the server accepted `hash`, drop when somebody else was first.
 */
export interface PendingCommit {
  readonly kind: "pending";
  /** Epoch that the commit applies to; `next` is one further. */
  readonly epoch: number;
  /** The commit, an MLSMessage with a PublicMessage. */
  readonly bytes: Bytes;
  /** Base64url of SHA-256 of `bytes`: how the device knows its own commit when it comes back. */
  readonly hash: string;
  /** For everybody added, an MLSMessage. */
  readonly welcome: Bytes | undefined;
  /** Of the new epoch, with external key and ratchet tree: for devices that join later. An MLSMessage. */
  readonly groupInfo: Bytes;
  readonly next: MlsGroup;
  /** Who was added, by which key package (base64url reference). */
  readonly added: readonly { readonly ref: string; readonly certificate: DeviceCertificate }[];
  readonly removed: readonly Member[];
}

/** What a commit shall change; with neither it only makes fresh keys. */
export interface CommitChange {
  /** Key packages as MLSMessages. */
  readonly add?: readonly Uint8Array[];
  /** Leaf indices. */
  readonly remove?: readonly number[];
  /** Travels in the clear within the commit, signed by this device; members and server read it. Empty when absent. */
  readonly authenticatedData?: Uint8Array;
  /** Milliseconds since 1970; key packages must be valid then. */
  readonly now: number;
}

/** An application message that was decrypted. */
export interface ReceivedMessage {
  readonly kind: "application";
  readonly group: MlsGroup;
  readonly plaintext: Bytes;
  readonly authenticatedData: Bytes;
  readonly sender: Member;
  readonly epoch: number;
  readonly generation: number;
}

/** A commit by somebody else that was applied. */
export interface ReceivedCommit {
  readonly kind: "commit";
  readonly group: MlsGroup;
  readonly committer: DeviceCertificate;
  /** Whether the committer joined by this very commit. */
  readonly external: boolean;
  readonly added: readonly DeviceCertificate[];
  readonly removed: readonly DeviceCertificate[];
  /** What the committer signed along; travelled in the clear. */
  readonly authenticatedData: Bytes;
  /** This device was removed: the state is of no use any more and is to be deleted. */
  readonly selfRemoved: boolean;
}

/** What came of a message. */
export type Processed = ReceivedMessage | ReceivedCommit | Refused;

/** One device's view of one group at one moment. */
export class MlsGroup {
  readonly #state: ClientState;
  readonly #context: MlsContext;
  readonly #frameId: string;
  #encoded: Bytes | undefined;

  /** For this room only: others load, create or join. */
  constructor(state: ClientState, context: MlsContext, frameId: string = randomId()) {
    this.#state = prunedState(state);
    this.#context = context;
    this.#frameId = frameId;
  }

  /** The current epoch. */
  get epoch(): number {
    return Number(this.#state.groupContext.epoch);
  }

  /** 16 or 20 bytes (lib/base/group_id.ts). */
  get groupId(): Bytes {
    return copyBytes(this.#state.groupContext.groupId);
  }

  /** This device's leaf. */
  get ownLeafIndex(): number {
    return this.#state.privatePath.leafIndex;
  }

  /** Whether this device is still a member. */
  get active(): boolean {
    return this.#state.groupActiveState.kind === "active";
  }

  /**
   * 64 bytes that all members of this epoch share and nobody else knows (RFC 9420 section 8.7): equal on two devices
   * exactly when they see the same group.
   */
  get epochAuthenticator(): Bytes {
    return copyBytes(this.#state.keySchedule.epochAuthenticator);
  }

  /** Number of messages this device has sent in this epoch. */
  get sentInEpoch(): number {
    const node = this.#state.secretTree[leafToNodeIndex(toLeafIndex(this.ownLeafIndex))];
    return node?.application.generation ?? 0;
  }

  /** Everybody, in tree order. */
  members(): Member[] {
    return leaves(this.#state.ratchetTree).map(({ leafIndex, leaf }) => ({
      leafIndex,
      certificate: certificateOf(leaf),
    }));
  }

  /** The state to store. Encoded once; asking again costs nothing. */
  encode(): GroupState {
    return this.#encoded ??= encodeState(this.#state);
  }

  /** The state to store in two parts: what a message changes is small. */
  parts(): GroupParts {
    const state = this.#state;
    return {
      frameId: this.#frameId,
      frame: () => encodeFrame(state),
      ratchets: () => encodeRatchets(state),
    };
  }

  /**
   * Encrypts for everybody in the group, padded to a bucket. `authenticatedData` travels in the clear, but authentic.
   * Throws `AppError("not_a_member")` when this device was removed.
   */
  async encrypt(plaintext: Uint8Array, authenticatedData?: Uint8Array): Promise<EncryptedMessage> {
    if (!this.active) throw new AppError("not_a_member", { fault: "us" });
    const padUntilLength = paddedContentLength(plaintext.length);
    const { clientConfig } = this.#state;
    const { newState, privateMessage } = await createApplicationMessage(
      {
        ...this.#state,
        clientConfig: {
          ...clientConfig,
          paddingConfig: { kind: "padUntilLength", padUntilLength },
        },
      },
      plaintext,
      await cipherSuite(),
      authenticatedData ?? new Uint8Array(),
    );
    return {
      group: this.#next({ ...newState, clientConfig }),
      message: encodeMessage({
        version: "mls10",
        wireformat: "mls_private_message",
        privateMessage,
      }),
      epoch: this.epoch,
      generation: this.sentInEpoch,
    };
  }

  /**
   * Prepares a commit: additions, removals, always fresh keys of this device. This group stays as it is and usable.
   * Refuses key packages that do not hold ("bad_key_package", "bad_member"), and what MLS does not allow ("invalid").
   */
  async commit(change: CommitChange): Promise<PendingCommit | Refused> {
    if (!this.active) return refuse("removed", "this device is not a member");
    return await guarded("invalid", async () => {
      const { accept } = this.#context;
      const add = await Promise.all(
        (change.add ?? []).map((bytes) => checkedKeyPackage(bytes, { now: change.now, accept })),
      );
      return await this.#commit(add, change);
    });
  }

  async #commit(
    add: readonly CheckedKeyPackage[],
    { remove = [], authenticatedData = new Uint8Array() }: CommitChange,
  ): Promise<PendingCommit> {
    const proposals: Proposal[] = [
      ...remove.map((removed): Proposal => ({ proposalType: "remove", remove: { removed } })),
      ...add.map(({ keyPackage }): Proposal => ({ proposalType: "add", add: { keyPackage } })),
    ];
    const suite = await cipherSuite();
    const built = await buildCommit(this.#state, { proposals, authenticatedData }, suite);
    checkUniqueKeys(built.newState.ratchetTree);
    const bytes = encodeMessage(built.commit);
    const { welcome } = built;
    return {
      kind: "pending",
      epoch: this.epoch,
      bytes,
      hash: commitHash(bytes),
      welcome: welcome &&
        encodeMessage({ version: "mls10", wireformat: "mls_welcome", welcome }),
      groupInfo: await buildGroupInfo(built.newState, suite),
      next: this.#next(built.newState),
      added: add.map(({ ref, certificate }) => ({ ref, certificate })),
      removed: this.members().filter(({ leafIndex }) => remove.includes(leafIndex)),
    };
  }

  /**
   * Processes a message of this group by somebody else: an application message of this or a recent epoch, or the commit
   * of this epoch. Refuses everything else, and never throws because of what is in `bytes`. The caller sees to it that
   * the own pending commit, known by its hash, does not come here.
   */
  async process(bytes: Uint8Array): Promise<Processed> {
    if (!this.active) return refuse("removed", "this device is not a member");
    return await guarded("invalid", async () => {
      const message = decodeMessage(bytes);
      if (message.wireformat === "mls_private_message") {
        return await this.#application(message.privateMessage);
      }
      if (message.wireformat === "mls_public_message") {
        return await this.#commitByOther(message.publicMessage);
      }
      return refuse("malformed", `a ${message.wireformat} in a conversation`);
    });
  }

  async #application(message: PrivateMessage): Promise<Processed> {
    if (!equalBytes(message.groupId, this.#state.groupContext.groupId)) {
      return refuse("wrong_group", "of another group");
    }
    const result = await guarded(
      "undecryptable",
      async () => await decryptApplication(this.#state, message, await cipherSuite()),
    );
    if ("kind" in result) return result;
    const { state, ...rest } = result;
    return {
      kind: "application",
      group: this.#next(state),
      epoch: Number(message.epoch),
      ...rest,
    };
  }

  async #commitByOther(message: PublicMessage): Promise<Processed> {
    if (!equalBytes(message.content.groupId, this.#state.groupContext.groupId)) {
      return refuse("wrong_group", "of another group");
    }
    const { accept, mayReturn } = this.#context;
    const plan = planCommit(message, { state: this.#state, accept, mayReturn });
    const { newState } = await processPublicMessage(
      this.#state,
      message,
      emptyPskIndex,
      await cipherSuite(),
    );
    checkUniqueKeys(newState.ratchetTree);
    return {
      kind: "commit",
      group: this.#next(newState),
      committer: plan.committer,
      external: plan.external,
      added: plan.added,
      removed: plan.removed.map(({ certificate }) => certificate),
      authenticatedData: copyBytes(message.content.authenticatedData),
      selfRemoved: newState.groupActiveState.kind !== "active",
    };
  }

  #next(state: ClientState): MlsGroup {
    const same = haveOneFrame(this.#state, state);
    return new MlsGroup(state, this.#context, same ? this.#frameId : randomId());
  }
}

/**
 * The group of a stored state; of one stored in two parts `state` is the frame. Throws `RangeError` when the bytes are no state, or one of another device: both are a bug
 * or damage in the own store.
 */
export function loadGroup(
  state: GroupState,
  context: MlsContext,
  parts?: StoredParts,
): MlsGroup {
  const { identity, accept } = context;
  const frame = decodeState(state, {
    signaturePrivateKey: identity.device.seed,
    clientConfig: clientConfig(accept),
  });
  const decoded = parts === undefined
    ? frame
    : { ...frame, secretTree: decodeRatchets(parts.ratchets) };
  const own = leafAt(decoded.ratchetTree, decoded.privatePath.leafIndex);
  const active = decoded.groupActiveState.kind === "active";
  if (active && !(own && equalBytes(own.signaturePublicKey, identity.device.publicKey))) {
    throw new RangeError("a group state of another device");
  }
  return new MlsGroup(decoded, context, parts?.frameId);
}

/** A new group with this device alone in it. `groupId` is of 16 or 20 bytes (lib/base/group_id.ts). */
export async function createGroup(
  groupId: Uint8Array,
  options: MlsContext & { readonly now: number },
): Promise<MlsGroup> {
  if (!hasGroupIdLength(groupId)) throw new RangeError("a group id has 16 or 20 bytes");
  const { identity, accept, now } = options;
  const { publicPackage, privatePackage } = await generateKeyPackage(identity, {
    now,
    lastResort: false,
  });
  const state = await createGroupState(
    copyBytes(groupId),
    publicPackage,
    privatePackage,
    [],
    await cipherSuite(),
    clientConfig(accept),
  );
  return new MlsGroup(state, options);
}
