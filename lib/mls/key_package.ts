/** Key packages (RFC 9420 section 10): how a device can be added to groups while it is away. */
import type { Capabilities } from "ts-mls/capabilities.js";
import {
  generateKeyPackageWithKey,
  type KeyPackage,
  makeKeyPackageRef,
  type PrivateKeyPackage,
  verifyKeyPackage,
} from "ts-mls/keyPackage.js";
import { type LeafNode, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { type Bytes, concat, equalBytes, toBase64url, u32be } from "../base/bytes.ts";
import { mlsLimits } from "../base/limits.ts";
import type { DeviceCertificate } from "../crypto/certificate.ts";
import {
  acceptedCertificate,
  type AcceptMember,
  credentialOf,
  type MlsIdentity,
} from "./credential.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { guarded, RefusalError, type Refused } from "./refusal.ts";
import { cipherSuite, suiteName } from "./suite.ts";

/** The `last_resort` key package extension (RFC 9750 section 5.1; registered by the MLS extensions draft). */
const lastResortExtension = 0x000a;

/** A key package may be dated back by this, for clocks that are behind. */
const clockSkewMs = 60 * 60 * 1000;

const privateVersion = 1;

/** A fresh key package: the public part for the server, the private part for this device alone. */
export interface NewKeyPackage {
  /** Base64url of the KeyPackageRef (RFC 9420 section 5.2), 64 bytes. */
  readonly ref: string;
  /** The public part, an MLSMessage. */
  readonly keyPackage: Bytes;
  /** Secret: what `joinFromWelcome` needs. Deleted after use, except for the last resort. */
  readonly privateState: Bytes;
}

/** A key package that was verified and accepted. */
export interface ReadKeyPackage {
  readonly kind: "key_package";
  readonly ref: string;
  readonly certificate: DeviceCertificate;
  readonly lastResort: boolean;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

function capabilities(): Capabilities {
  return {
    versions: ["mls10"],
    ciphersuites: [suiteName],
    extensions: [lastResortExtension],
    proposals: [],
    credentials: ["basic"],
  };
}

/** A key package in the library's own form. */
export async function generateKeyPackage(
  identity: MlsIdentity,
  options: { readonly now: number; readonly lastResort: boolean },
): Promise<{ publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> {
  const notBefore = options.now - clockSkewMs;
  const seconds = (ms: number) => BigInt(Math.floor(ms / 1000));
  return await generateKeyPackageWithKey(
    credentialOf(identity.certificate),
    capabilities(),
    {
      notBefore: seconds(notBefore),
      notAfter: seconds(notBefore) + seconds(mlsLimits.keyPackageLifetimeMs),
    },
    options.lastResort
      ? [{ extensionType: lastResortExtension, extensionData: new Uint8Array() }]
      : [],
    { signKey: identity.device.seed, publicKey: identity.device.publicKey },
    await cipherSuite(),
  );
}

/**
 * Makes a key package for this device, valid for 90 days from an hour before `now` (milliseconds since 1970). With
 * `lastResort` it carries that extension: it may be used more than once, and who is added by it updates its leaf at once.
 */
export async function createKeyPackage(
  identity: MlsIdentity,
  options: { readonly now: number; readonly lastResort: boolean },
): Promise<NewKeyPackage> {
  const { publicPackage, privatePackage } = await generateKeyPackage(identity, options);
  const keyPackage = encodeKeyPackage(publicPackage);
  return {
    ref: await keyPackageRef(publicPackage),
    keyPackage,
    privateState: encodePrivate(keyPackage, privatePackage),
  };
}

/** The MLSMessage of a key package. */
export function encodeKeyPackage(keyPackage: KeyPackage): Bytes {
  return encodeMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

/** Base64url of the KeyPackageRef (RFC 9420 section 5.2). */
export async function keyPackageRef(keyPackage: KeyPackage): Promise<string> {
  return toBase64url(await makeKeyPackageRef(keyPackage, (await cipherSuite()).hash));
}

/** Whether a key package may be used more than once. */
export function isLastResort(keyPackage: KeyPackage): boolean {
  return keyPackage.extensions.some((extension) => extension.extensionType === lastResortExtension);
}

/** The key package in an MLSMessage. Throws `RefusalError("malformed")`. */
export function decodeKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = decodeMessage(bytes);
  if (message.wireformat !== "mls_key_package") {
    throw new RefusalError("malformed", `a ${message.wireformat} where a key package belongs`);
  }
  return message.keyPackage;
}

/** Refuses a leaf whose key package lives longer than allowed. Throws `RefusalError("bad_key_package")`. */
export function checkTotalLifetime(leaf: LeafNode): void {
  if (leaf.leafNodeSource !== "key_package") {
    throw new RefusalError("bad_key_package", "a leaf that is not of a key package");
  }
  const { notBefore, notAfter } = leaf.lifetime;
  if (notAfter - notBefore > BigInt(mlsLimits.keyPackageLifetimeMs / 1000)) {
    throw new RefusalError("bad_key_package", "lives longer than allowed");
  }
}

/** Checks lifetime at `now`, suite, both signatures and keys (RFC 9420 section 10.1). Throws `RefusalError`. */
async function checkKeyPackage(keyPackage: KeyPackage, now: number): Promise<void> {
  const fail = (detail: string) => new RefusalError("bad_key_package", detail);
  const { leafNode } = keyPackage;
  if (keyPackage.cipherSuite !== suiteName) throw fail(`suite ${keyPackage.cipherSuite}`);
  checkTotalLifetime(leafNode);
  const seconds = BigInt(Math.floor(now / 1000));
  if (leafNode.lifetime.notBefore > seconds || leafNode.lifetime.notAfter < seconds) {
    throw fail("outside its lifetime");
  }
  const { signature } = await cipherSuite();
  if (!await verifyLeafNodeSignatureKeyPackage(leafNode, signature)) throw fail("leaf signature");
  if (!await verifyKeyPackage(keyPackage, signature)) throw fail("signature");
  if (equalBytes(keyPackage.initKey, leafNode.hpkePublicKey)) throw fail("one key for two uses");
}

/** A key package in the library's form with what was read from it. */
export interface CheckedKeyPackage extends ReadKeyPackage {
  readonly keyPackage: KeyPackage;
}

/** Reads, verifies and accepts; see `readKeyPackage`. Throws `RefusalError`. */
export async function checkedKeyPackage(
  bytes: Uint8Array,
  options: { readonly now: number; readonly accept: AcceptMember },
): Promise<CheckedKeyPackage> {
  const keyPackage = decodeKeyPackage(bytes);
  const certificate = acceptedCertificate(keyPackage.leafNode, options.accept);
  await checkKeyPackage(keyPackage, options.now);
  return {
    kind: "key_package",
    ref: await keyPackageRef(keyPackage),
    certificate,
    lastResort: isLastResort(keyPackage),
    notAfter: Number(keyPackage.leafNode.lifetime.notAfter) * 1000,
    keyPackage,
  };
}

/**
 * Reads somebody's key package: encoding, suite, signatures, lifetime at `now`, certificate, and that `accept` takes the
 * certificate. Reasons: "malformed", "bad_key_package", "bad_member".
 */
export async function readKeyPackage(
  bytes: Uint8Array,
  options: { readonly now: number; readonly accept: AcceptMember },
): Promise<ReadKeyPackage | Refused> {
  return await guarded("bad_key_package", async () => {
    const { keyPackage: _, ...read } = await checkedKeyPackage(bytes, options);
    return read;
  });
}

/** `u8 version=1 | u32be length | key package | 32 init key | 32 leaf key`; the signature key is the device's own. */
function encodePrivate(keyPackage: Bytes, secrets: PrivateKeyPackage): Bytes {
  return concat(
    Uint8Array.of(privateVersion),
    u32be(keyPackage.length),
    keyPackage,
    secrets.initPrivateKey,
    secrets.hpkePrivateKey,
  );
}

/**
 * What `createKeyPackage` gave as `privateState`. Throws `RangeError` when this device did not write it: it comes from
 * the own store, so anything else is a bug or damage.
 */
export function decodePrivate(
  bytes: Uint8Array,
  identity: MlsIdentity,
): { keyPackage: KeyPackage; secrets: PrivateKeyPackage } {
  const damaged = new RangeError("not the private part of a key package");
  if (bytes.length < 5 || bytes[0] !== privateVersion) throw damaged;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bytes.length !== 5 + length + 64) throw damaged;
  return {
    keyPackage: decodeKeyPackage(bytes.subarray(5, 5 + length)),
    secrets: {
      initPrivateKey: bytes.slice(5 + length, 5 + length + 32),
      hpkePrivateKey: bytes.slice(5 + length + 32),
      signaturePrivateKey: identity.device.seed,
    },
  };
}
