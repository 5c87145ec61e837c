/** Joining a group: by a welcome, or by an external commit of one's own. */
import type { GroupInfo } from "ts-mls/groupInfo.js";
import { ratchetTreeFromExtension } from "ts-mls/groupInfo.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import type { Welcome } from "ts-mls/welcome.js";
import { type Bytes, equalBytes, toBase64url } from "../base/bytes.ts";
import { buildGroupInfo } from "./build_commit.ts";
import { buildExternalCommit } from "./build_external.ts";
import { certificateOf, clientConfig, type MlsContext } from "./credential.ts";
import { MlsGroup, type PendingCommit } from "./group.ts";
import { decodePrivate, generateKeyPackage, isLastResort } from "./key_package.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { openWelcome } from "./open_welcome.ts";
import { commitHash } from "./peek.ts";
import { checkJoiner, leaves } from "./receive.ts";
import { guarded, RefusalError, refuse, type Refused } from "./refusal.ts";
import { cipherSuite } from "./suite.ts";

/** A group joined by a welcome. */
export interface Joined {
  readonly kind: "joined";
  readonly group: MlsGroup;
  /** The key package it was addressed to; its private part is deleted now, unless it is the last resort. */
  readonly keyPackageRef: string;
  /** Joined by a package that others may have used too: make an empty commit at once. */
  readonly lastResort: boolean;
}

/** Finds the private part of one's own key package by its reference. */
export type PrivateStates = (ref: string) => Bytes | undefined;

function decodeWelcome(bytes: Uint8Array): Welcome {
  const message = decodeMessage(bytes);
  if (message.wireformat !== "mls_welcome") {
    throw new RefusalError("malformed", `a ${message.wireformat} where a welcome belongs`);
  }
  return message.welcome;
}

/**
 * Joins by a welcome (RFC 9420 section 12.4.3.1): every member's certificate must hold and be accepted. Reasons:
 * "malformed", "no_key_package" (not addressed to a key package that this device still has), "bad_member", "not_allowed",
 * "invalid".
 */
export async function joinFromWelcome(
  welcome: Uint8Array,
  options: MlsContext & { readonly privateStates: PrivateStates },
): Promise<Joined | Refused> {
  return await guarded("invalid", async () => {
    const decoded = decodeWelcome(welcome);
    const refs = decoded.secrets.map(({ newMember }) => toBase64url(newMember));
    const ref = refs.find((each) => options.privateStates(each) !== undefined);
    const privateState = ref === undefined ? undefined : options.privateStates(ref);
    if (ref === undefined || privateState === undefined) {
      return refuse("no_key_package", "not addressed to a key package of this device");
    }
    return await join(decoded, { ref, privateState, context: options });
  });
}

async function join(
  welcome: Welcome,
  mine: { readonly ref: string; readonly privateState: Bytes; readonly context: MlsContext },
): Promise<Joined> {
  const { identity, accept } = mine.context;
  const { keyPackage, secrets } = decodePrivate(mine.privateState, identity);
  const suite = await cipherSuite();
  const config = clientConfig(accept);
  const state = await openWelcome(welcome, { keyPackage, secrets, config, suite });
  return {
    kind: "joined",
    group: new MlsGroup(state, mine.context),
    keyPackageRef: mine.ref,
    lastResort: isLastResort(keyPackage),
  };
}

function decodeGroupInfo(bytes: Uint8Array): { groupInfo: GroupInfo; ratchetTree: RatchetTree } {
  const message = decodeMessage(bytes);
  if (message.wireformat !== "mls_group_info") {
    throw new RefusalError("malformed", `a ${message.wireformat} where a group info belongs`);
  }
  const ratchetTree = ratchetTreeFromExtension(message.groupInfo);
  if (ratchetTree === undefined) throw new RefusalError("malformed", "a group info without tree");
  return { groupInfo: message.groupInfo, ratchetTree };
}

/**
 * Prepares joining by an external commit (RFC 9420 section 12.4.3.2). A leaf that this device still has in the group is
 * removed by it. Every member's certificate must hold and be accepted, and one of them must be of this device's account.
 * Reasons: "malformed", "bad_member", "not_allowed", "invalid".
 */
export async function joinExternally(
  groupInfo: Uint8Array,
  options: MlsContext & { readonly now: number },
): Promise<PendingCommit | Refused> {
  return await guarded("invalid", async () => {
    const decoded = decodeGroupInfo(groupInfo);
    checkJoiner(options.identity.certificate, { ...decoded, mayReturn: options.mayReturn });
    return await commitExternally(decoded, options);
  });
}

async function commitExternally(
  from: { readonly groupInfo: GroupInfo; readonly ratchetTree: RatchetTree },
  options: MlsContext & { readonly now: number },
): Promise<PendingCommit> {
  const { identity, accept, now } = options;
  const suite = await cipherSuite();
  const former = leaves(from.ratchetTree).find(({ leaf }) =>
    equalBytes(leaf.signaturePublicKey, identity.device.publicKey)
  );
  const own = await generateKeyPackage(identity, { now, lastResort: false });
  const { commit, newState } = await buildExternalCommit({
    ...from,
    keyPackage: own.publicPackage,
    secrets: own.privatePackage,
    formerLeaf: former?.leafIndex,
    config: clientConfig(accept),
    suite,
  });
  const bytes = encodeMessage(commit);
  return {
    kind: "pending",
    epoch: Number(from.groupInfo.groupContext.epoch),
    bytes,
    hash: commitHash(bytes),
    welcome: undefined,
    groupInfo: await buildGroupInfo(newState, suite),
    next: new MlsGroup(newState, options),
    added: [],
    removed: former === undefined
      ? []
      : [{ leafIndex: former.leafIndex, certificate: certificateOf(former.leaf) }],
  };
}
