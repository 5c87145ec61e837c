/** AES-256-GCM (NIST SP 800-38D) with a random nonce, synchronous. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { type Bytes, concat } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

/** By how many bytes a sealed value is longer than its plaintext. */
export const sealOverheadBytes = nonceBytes + tagBytes;

/**
 * `12-byte random nonce | ciphertext | 16-byte tag` under a key of 32 bytes; `associatedData` is authenticated with it
 * and must be given again to open. Nonces are random: seal less than 2^32 values under one key.
 * Throws `RangeError` when the key has another length.
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Bytes {
  checkKey(key);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(associatedData);
  const ciphertext = cipher.update(plaintext);
  return concat(nonce, ciphertext, cipher.final(), cipher.getAuthTag());
}

/** The plaintext of what `seal` made. Throws `AppError("tampered")` for a wrong key, data or associated data. */
export function open(key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Bytes {
  checkKey(key);
  if (sealed.length < sealOverheadBytes) throw broken();
  const tagStart = sealed.length - tagBytes;
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(tagStart));
  try {
    return concat(decipher.update(sealed.subarray(nonceBytes, tagStart)), decipher.final());
  } catch (cause) {
    throw broken(cause);
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError("an AES-256 key has 32 bytes");
}

function broken(cause?: unknown): AppError {
  const text = "sealed data failed its integrity check";
  return new AppError("tampered", cause === undefined ? { text } : { text, cause });
}
