/**
 * The one cipher suite of this product, `MLS_256_XWING_AES256GCM_SHA512_Ed25519`: X-Wing (ML-KEM-768 with X25519),
 * AES-256-GCM, HKDF-SHA-512, Ed25519. HPKE comes from hpke-js; what runs once or more per message (key derivation,
 * AEAD, hashes, signatures) calls `node:crypto` directly, because one WebCrypto call costs more than the work it does.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { Aes256Gcm, CipherSuite, HkdfSha512 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { type CiphersuiteImpl, getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
import { makeGenericHpke } from "ts-mls/crypto/implementation/hpke.js";
import type { Aead } from "ts-mls/crypto/aead.js";
import type { Hash } from "ts-mls/crypto/hash.js";
import type { Kdf } from "ts-mls/crypto/kdf.js";
import type { Signature } from "ts-mls/crypto/signature.js";
import { type Bytes, concat, copyBytes, equalBytes, toBase64url } from "../base/bytes.ts";
import {
  generateSigningKey,
  signBytes,
  type SigningKey,
  signingKeyFromSeed,
  VerifyingKey,
} from "../crypto/sign.ts";

/** The suite's name in the library and in the MLS registry's style. */
export const suiteName = "MLS_256_XWING_AES256GCM_SHA512_Ed25519";

const hashBytes = 64;
const blockBytes = 128;
const tagBytes = 16;

function sha512(...parts: readonly Uint8Array[]): Bytes {
  const state = createHash("sha512");
  for (const part of parts) state.update(part);
  return copyBytes(state.digest());
}

/** The key, filled up to a block and masked (RFC 2104 section 2). */
function maskedKey(key: Uint8Array, mask: number): Bytes {
  const block = new Uint8Array(blockBytes).fill(mask);
  key.forEach((byte, index) => block[index] = byte ^ mask);
  return block;
}

/**
 * HMAC (RFC 2104) with SHA-512, from plain hashes: `createHmac` of Deno 2.4 warns of its own deprecation, on the
 * terminal of whoever chats.
 */
function hmac(key: Uint8Array, data: Uint8Array): Bytes {
  const short = key.length > blockBytes ? sha512(key) : key;
  return sha512(maskedKey(short, 0x5c), sha512(maskedKey(short, 0x36), data));
}

/** SHA-512 as the library's hash. */
export const hash: Hash = {
  digest: (data) => Promise.resolve(sha512(data)),
  mac: (key, data) => Promise.resolve(hmac(key, data)),
  verifyMac: (key, mac, data) => Promise.resolve(equalBytes(hmac(key, data), mac)),
};

/** HKDF-Expand (RFC 5869 section 2.3) with SHA-512. */
function expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes {
  const blocks: Bytes[] = [];
  for (let done = 0, block = new Uint8Array(); done < length; done += hashBytes) {
    block = hmac(prk, concat(block, info, Uint8Array.of(blocks.length + 1)));
    blocks.push(block);
  }
  return concat(...blocks).slice(0, length);
}

/** HKDF-SHA-512 as the library's key derivation function. */
export const kdf: Kdf = {
  size: hashBytes,
  // RFC 5869 section 2.2: without a salt, a string of zeros as long as the hash.
  extract: (salt, ikm) =>
    Promise.resolve(hmac(salt.length === 0 ? new Uint8Array(hashBytes) : salt, ikm)),
  expand: (prk, info, length) => Promise.resolve(expand(prk, info, length)),
};

/** AES-256-GCM as the library's AEAD: ciphertext followed by the 16-byte tag. */
export const aead: Aead = {
  encrypt(key, nonce, aad, plaintext) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    cipher.setAAD(aad);
    const ciphertext = cipher.update(plaintext);
    return Promise.resolve(concat(ciphertext, cipher.final(), cipher.getAuthTag()));
  },
  // Asynchronous, so that a bad tag rejects instead of throwing through the library.
  // deno-lint-ignore require-await
  async decrypt(key, nonce, aad, ciphertext) {
    if (ciphertext.length < tagBytes) throw new Error("ciphertext shorter than its tag");
    const split = ciphertext.length - tagBytes;
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(aad);
    decipher.setAuthTag(ciphertext.subarray(split));
    return concat(decipher.update(ciphertext.subarray(0, split)), decipher.final());
  },
};

/** Keys are imported once: by the identity of a seed's buffer, and by the bytes of a public key. */
const signingKeys = new WeakMap<Uint8Array, SigningKey>();
const verifyingKeys = new Map<string, VerifyingKey>();
const verifyingKeysMax = 1024;

function signingKeyOf(seed: Uint8Array): SigningKey {
  const known = signingKeys.get(seed);
  if (known !== undefined) return known;
  const key = signingKeyFromSeed(seed);
  signingKeys.set(seed, key);
  return key;
}

function verifyingKeyOf(publicKey: Uint8Array): VerifyingKey {
  const name = toBase64url(publicKey);
  const known = verifyingKeys.get(name);
  if (known !== undefined) return known;
  const key = new VerifyingKey(publicKey);
  if (verifyingKeys.size >= verifyingKeysMax) verifyingKeys.clear();
  verifyingKeys.set(name, key);
  return key;
}

/**
 * Ed25519 with 32-byte seeds and public keys as the library's signature scheme. MLS puts its own label ("MLS 1.0 ...",
 * length-prefixed, RFC 9420 section 5.1.2) before what it signs, ours begin with "sealpost/1 ": one key serves both.
 */
export const signature: Signature = {
  // Asynchronous, so that a malformed key rejects instead of throwing through the library.
  // deno-lint-ignore require-await
  async sign(seed, message) {
    return signBytes(signingKeyOf(seed), message);
  },
  // deno-lint-ignore require-await
  async verify(publicKey, message, signed) {
    return verifyingKeyOf(publicKey).verifyBytes(signed, message);
  },
  keygen() {
    const key = generateSigningKey();
    return Promise.resolve({ publicKey: key.publicKey, signKey: key.seed });
  },
};

async function makeSuite(): Promise<CiphersuiteImpl> {
  const facts = getCiphersuiteFromName(suiteName);
  const suite = new CipherSuite({
    kem: new XWing(),
    kdf: new HkdfSha512(),
    aead: new Aes256Gcm(),
  });
  return {
    name: suiteName,
    hash,
    kdf,
    signature,
    hpke: await makeGenericHpke(facts.hpke, aead, suite),
    rng: { randomBytes: (count) => copyBytes(randomBytes(count)) },
  };
}

let made: Promise<CiphersuiteImpl> | undefined;

/** The suite, made at its first use. */
export function cipherSuite(): Promise<CiphersuiteImpl> {
  return made ??= makeSuite();
}
