/**
 * Who stands behind a leaf. A leaf's credential is a basic credential (RFC 9420 section 5.3) whose identity is the
 * device certificate, and its signature key is the device's own Ed25519 key. The authentication service (RFC 9420
 * section 5.3.1): the certificate parses and verifies, certifies exactly the leaf's key, and the caller accepts it.
 */
import type { AuthenticationService } from "ts-mls/authenticationService.js";
import type { ClientConfig } from "ts-mls/clientConfig.js";
import type { Credential } from "ts-mls/credential.js";
import { defaultKeyPackageEqualityConfig } from "ts-mls/keyPackageEqualityConfig.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import { equalBytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { mlsLimits } from "../base/limits.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../crypto/certificate.ts";
import type { SigningKey } from "../crypto/sign.ts";
import { RefusalError } from "./refusal.ts";

/** This device: its key, which is also its MLS signature key, and the certificate that its account gave it. */
export interface MlsIdentity {
  readonly device: SigningKey;
  readonly certificate: DeviceCertificate;
}

/**
 * The caller's word on a certificate that holds by itself: is its account key the pinned one, does the account belong
 * into this conversation, is the device not revoked? Asked for every newcomer, every committer and, when joining,
 * every member; not for the sender of a message, which is in the result. Must be quick and must not throw.
 */
export type AcceptMember = (certificate: DeviceCertificate) => boolean;

/** Who acts, and whom they accept; every operation on groups needs both. */
export interface MlsContext {
  readonly identity: MlsIdentity;
  readonly accept: AcceptMember;
  /**
   * Whether a device may join by itself although no leaf of its account is left: because the account is a member all the
   * same. Without this, it may not.
   */
  readonly mayReturn?: AcceptMember;
}

/** Certificates of leaves that were verified already. Leaves are never changed, only replaced. */
const verified = new WeakMap<LeafNode, DeviceCertificate>();

function readCredential(credential: Credential): DeviceCertificate {
  if (credential.credentialType !== "basic") {
    throw new RefusalError("bad_member", `credential of type ${credential.credentialType}`);
  }
  try {
    return readDeviceCertificate(credential.identity);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new RefusalError("bad_member", "a device certificate that does not hold");
  }
}

/** The certificate of a credential under `signatureKey`. Throws `RefusalError("bad_member")` when they do not fit. */
function certificateFor(credential: Credential, signatureKey: Uint8Array): DeviceCertificate {
  const certificate = readCredential(credential);
  if (!equalBytes(certificate.deviceKey, signatureKey)) {
    throw new RefusalError("bad_member", "a certificate for another key than the leaf's");
  }
  return certificate;
}

/** The verified certificate of a leaf. Throws `RefusalError("bad_member")` when it does not hold or does not fit. */
export function certificateOf(leaf: LeafNode): DeviceCertificate {
  const known = verified.get(leaf);
  if (known !== undefined) return known;
  const certificate = certificateFor(leaf.credential, leaf.signaturePublicKey);
  verified.set(leaf, certificate);
  return certificate;
}

/** The certificate of a leaf if it holds and `accept` takes it. Throws `RefusalError("bad_member")` otherwise. */
export function acceptedCertificate(leaf: LeafNode, accept: AcceptMember): DeviceCertificate {
  const certificate = certificateOf(leaf);
  if (!accept(certificate)) {
    throw new RefusalError("bad_member", `${certificate.name}: certificate not accepted`);
  }
  return certificate;
}

/** Whether both certificates are of the same device of the same account. */
export function sameDevice(a: DeviceCertificate, b: DeviceCertificate): boolean {
  return equalBytes(a.deviceKey, b.deviceKey) && equalBytes(a.accountKey, b.accountKey);
}

/** The credential of a certificate. */
export function credentialOf(certificate: DeviceCertificate): Credential {
  return { credentialType: "basic", identity: certificate.bytes };
}

function authenticationService(accept: AcceptMember): AuthenticationService {
  return {
    // Asynchronous, so that a refusal rejects instead of throwing through the library.
    // deno-lint-ignore require-await
    async validateCredential(credential, signatureKey) {
      const certificate = certificateFor(credential, signatureKey);
      if (accept(certificate)) return true;
      throw new RefusalError("bad_member", `${certificate.name}: certificate not accepted`);
    },
  };
}

/** The library's configuration for one caller: nothing of its accept-all defaults remains. */
export function clientConfig(accept: AcceptMember): ClientConfig {
  return {
    keyRetentionConfig: {
      retainKeysForEpochs: mlsLimits.lateEpochs,
      retainKeysForGenerations: mlsLimits.keptGenerations,
      maximumForwardRatchetSteps: mlsLimits.forwardSteps,
    },
    // Receivers do not judge a newcomer's key package by their own clock: who reads the commit months later would
    // refuse what everybody else has accepted. Its total lifetime is checked instead.
    lifetimeConfig: {
      maximumTotalLifetime: BigInt(mlsLimits.keyPackageLifetimeMs / 1000),
      validateLifetimeOnReceive: false,
    },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    // Set per message; see padding.ts.
    paddingConfig: { kind: "alwaysPad", paddingLength: 0 },
    authService: authenticationService(accept),
  };
}
