/**
 * Ed25519 (RFC 8032) with labels: what is signed always begins with `"sealpost/1 " label "\0"`, so that a signature
 * made for one purpose means nothing for another. By node:crypto, which on this runtime verifies twice as fast as
 * WebCrypto and, being synchronous, keeps the order of frames without a queue.
 */
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign as nodeSign,
  verify as nodeVerify,
} from "node:crypto";
import { type Bytes, concat, copyBytes, fromHex, toHex, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";

/** Bytes of a public key and of a seed. */
export const keyBytes = 32;
/** Bytes of a signature. */
export const signatureBytes = 64;

/** Every purpose that something is signed for, once. A label never changes what it covers; a new form gets a new label. */
export const labels = [
  "frame",
  "device certificate",
  "device revocation",
  "content",
  "lobby",
  "commit refusal",
] as const;

/** A purpose that something is signed for. */
export type Label = typeof labels[number];

const prefixes = new Map<Label, Bytes>(
  labels.map((label) => [label, utf8(`sealpost/1 ${label}\0`)]),
);

/**
 * A fresh copy of the bytes that stand before everything signed under `label`; for code that assembles the signed
 * bytes in a buffer of its own and then calls `signBytes` or `verifyBytes`.
 */
export function labelPrefix(label: Label): Bytes {
  return copyBytes(prefixes.get(label) ?? utf8(`sealpost/1 ${label}\0`));
}

/** An Ed25519 key pair that can sign. Holds a secret: never log it, never put it into JSON. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes, secret. */
  readonly seed: Bytes;
  /**
   * Signs `"sealpost/1 " label "\0" parts...`: 64 bytes. The parts are joined without any separator: the caller sees
   * to it that they are unambiguous (fixed lengths, or lengths written before what varies).
   */
  sign(label: Label, ...parts: readonly Uint8Array[]): Bytes;
}

const pkcs8Prefix = fromHex("302e020100300506032b657004220420");
const spkiPrefix = fromHex("302a300506032b6570032100");

/** The runtime's form of each key made here, so that the hot path imports nothing. */
const keyObjects = new WeakMap<SigningKey, KeyObject>();

function importSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({
    key: Buffer.from(concat(pkcs8Prefix, seed)),
    format: "der",
    type: "pkcs8",
  });
}

function importPublic(publicKey: Uint8Array): KeyObject {
  const der = Buffer.from(concat(spkiPrefix, publicKey));
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch (cause) {
    // Newer runtimes refuse 32 bytes that are no point of the curve here, older ones when they verify.
    throw unusableKey(cause);
  }
}

function unusableKey(cause?: unknown): AppError {
  const text = "that is not a usable public key";
  return new AppError("malformed", cause === undefined ? { text } : { text, cause });
}

/** The key pair of a 32-byte seed. Throws `AppError("malformed")` on another length. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== keyBytes) {
    throw new AppError("malformed", { text: "a signing key's seed has 32 bytes" });
  }
  const keyObject = importSeed(seed);
  const spki = createPublicKey(keyObject).export({ format: "der", type: "spki" });
  const key: SigningKey = {
    publicKey: new Uint8Array(spki.subarray(spki.length - keyBytes)),
    seed: copyBytes(seed),
    sign: (label, ...parts) => signBytes(key, concat(labelPrefix(label), ...parts)),
  };
  keyObjects.set(key, keyObject);
  return key;
}

/** A fresh random key pair. */
export function generateSigningKey(): SigningKey {
  return signingKeyFromSeed(randomBytes(keyBytes));
}

/**
 * Signs exactly `bytes`, without a label: for the frame path, where the label already stands in the buffer (see
 * `labelPrefix`), and for formats of others. Everything else uses `key.sign`. 64 bytes.
 */
export function signBytes(key: SigningKey, bytes: Uint8Array): Bytes {
  return new Uint8Array(nodeSign(null, bytes, keyObjects.get(key) ?? importSeed(key.seed)));
}

/**
 * The y coordinates of all points of small order, canonical or not, sign bit cleared. Under such a "key" one signature
 * fits many messages, so nobody may register one (RFC 8032 itself does not refuse them).
 */
const smallOrderKeys = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

function hasSmallOrder(publicKey: Uint8Array): boolean {
  const y = copyBytes(publicKey);
  y[31] = (y[31] ?? 0) & 0x7f;
  return smallOrderKeys.has(toHex(y));
}

/** A public key to verify with, imported once and kept: verifying with it costs half of importing each time. */
export class VerifyingKey {
  /** The 32 bytes of the public key. */
  readonly bytes: Bytes;
  readonly #keyObject: KeyObject;

  /** Throws `AppError("malformed")` when that is not 32 bytes, no point of the curve, or one of small order. */
  constructor(publicKey: Uint8Array) {
    if (publicKey.length !== keyBytes) {
      throw new AppError("malformed", { text: "a public key has 32 bytes" });
    }
    if (hasSmallOrder(publicKey)) throw unusableKey();
    this.bytes = copyBytes(publicKey);
    this.#keyObject = importPublic(publicKey);
  }

  /** Whether `signature` was made by this key's owner over `label` and `parts`. A wrong length is just false. */
  verify(label: Label, signature: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
    return this.verifyBytes(signature, concat(labelPrefix(label), ...parts));
  }

  /** The same over exactly `bytes`, without a label; see `signBytes`. */
  verifyBytes(signature: Uint8Array, bytes: Uint8Array): boolean {
    if (signature.length !== signatureBytes) return false;
    return nodeVerify(null, bytes, this.#keyObject, signature);
  }
}

/**
 * Whether `signature` is one by `publicKey` over `label` and `parts`. Imports the key each time: for a key that is used
 * often keep a `VerifyingKey`. Throws `AppError("malformed")` when the key is not one.
 */
export function verify(
  publicKey: Uint8Array,
  label: Label,
  signature: Uint8Array,
  ...parts: readonly Uint8Array[]
): boolean {
  return new VerifyingKey(publicKey).verify(label, signature, ...parts);
}

/** Whether `signature` is one by `key` over exactly `bytes`, without a label; see `signBytes`. */
export function verifyBytes(
  key: VerifyingKey,
  signature: Uint8Array,
  bytes: Uint8Array,
): boolean {
  return key.verifyBytes(signature, bytes);
}
