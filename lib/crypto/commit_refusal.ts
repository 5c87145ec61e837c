/**
 * A device's signed word that it cannot apply a commit which the server has accepted. Two of them take the commit back, and
 * everybody who is told so checks them.
 */
import { type Bytes, fromBase64url, u64be, utf8 } from "../base/bytes.ts";
import { uuidBytes } from "../base/ids.ts";
import type { SigningKey, VerifyingKey } from "./sign.ts";

/** Why a commit can be refused, once. The names never change their meaning. */
export const refusalReasons = [
  /** Not an MLS commit in its one encoding. */
  "malformed",
  /** Of another group. */
  "wrong_group",
  /** Removes somebody without fresh keys for those who stay. */
  "pathless_remove",
  /** A leaf in it does not hold, or is nobody's who belongs there. */
  "bad_member",
  /** Something that this protocol does not use, or a change that its committer may not make. */
  "not_allowed",
  /** Fails a check of RFC 9420. */
  "invalid",
] as const;

/** One of the reasons. */
export type CommitRefusalReason = typeof refusalReasons[number];

/**
 * What is signed: `16 conversation id | u64be incarnation | u64be epoch | 32 commit hash | reason (UTF-8)` under the label
 * "commit refusal". The epoch is the one that the commit leads away from.
 */
export interface CommitRefusal {
  /** UUID. */
  readonly conversation: string;
  readonly incarnation: number;
  readonly epoch: number;
  /** SHA-256 of the commit, base64url. */
  readonly hash: string;
  readonly reason: CommitRefusalReason;
}

/** Signs a refusal: 64 bytes. Throws `TypeError` when the id is not a UUID. */
export function signCommitRefusal(device: SigningKey, refusal: CommitRefusal): Bytes {
  return device.sign("commit refusal", ...signedParts(refusal));
}

/** Whether `signature` is the device's over this refusal. */
export function verifyCommitRefusal(
  device: VerifyingKey,
  signature: Uint8Array,
  refusal: CommitRefusal,
): boolean {
  return device.verify("commit refusal", signature, ...signedParts(refusal));
}

function signedParts(refusal: CommitRefusal): Bytes[] {
  const { conversation, incarnation, epoch, hash, reason } = refusal;
  return [
    uuidBytes(conversation),
    u64be(incarnation),
    u64be(epoch),
    fromBase64url(hash),
    utf8(reason),
  ];
}
