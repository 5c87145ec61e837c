/**
 * Encryption of a file in chunks: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) over AES-256-GCM (NIST SP 800-38D), with the
 * nonce laid out as in the age format (C2SP age.md, "Payload"): 11 bytes chunk number, big endian, then 1 byte that is 1
 * for the last chunk and else 0. So chunks cannot be left out, moved, repeated, or cut off at the end. The file's id is
 * associated data of every chunk. Every chunk but the last is full; the last may be shorter, and is empty only when the
 * file is.
 *
 * A key belongs to one file and one content: nonces follow from the position, so two contents under one key would break
 * it. Whoever encrypts makes sure that a chunk encrypted again is the same chunk.
 */
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { uuidBytes } from "../base/ids.ts";
import { fileLimits } from "../base/limits.ts";

/** Bytes of a file's key. */
export const fileKeyBytes = 32;

/** By how many bytes an encrypted chunk is longer than its plaintext. */
export const fileTagBytes = 16;

const nonceBytes = 12;

/** In front of the file's id, as associated data. */
const purpose = utf8("sealpost/1 file\0");

/** A fresh random key for one file: 32 bytes. */
export function newFileKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(fileKeyBytes));
}

/** How many chunks of `chunkBytes` (tag included) a plaintext of `size` bytes has: at least one. */
export function chunksOf(size: number, chunkBytes: number = fileLimits.chunkBytes): number {
  return Math.max(1, Math.ceil(size / (chunkBytes - fileTagBytes)));
}

/** Bytes of the ciphertext of `size` bytes. */
export function encryptedSize(size: number, chunkBytes: number = fileLimits.chunkBytes): number {
  return size + chunksOf(size, chunkBytes) * fileTagBytes;
}

/** Where a chunk lies in the plaintext, and whether it is the last. */
export interface ChunkPlace {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
  readonly last: boolean;
}

/** The place of chunk `index` of a plaintext of `size` bytes. */
export function chunkPlace(
  index: number,
  { size, chunkBytes }: { readonly size: number; readonly chunkBytes: number },
): ChunkPlace {
  const full = chunkBytes - fileTagBytes;
  const offset = index * full;
  const last = index === chunksOf(size, chunkBytes) - 1;
  return { index, offset, length: Math.min(full, size - offset), last };
}

/** Encrypts and decrypts the chunks of one file. */
export class FileCipher {
  readonly #key: CryptoKey;
  readonly #associated: Bytes;

  private constructor(key: CryptoKey, associated: Bytes) {
    this.#key = key;
    this.#associated = associated;
  }

  /** For the file of this id (UUID) under its key of 32 bytes. Throws `RangeError` on another length. */
  static async make(key: Uint8Array, file: string): Promise<FileCipher> {
    if (key.length !== fileKeyBytes) throw new RangeError("a file's key has 32 bytes");
    const usages: KeyUsage[] = ["encrypt", "decrypt"];
    const imported = await crypto.subtle.importKey("raw", concat(key), "AES-GCM", false, usages);
    return new FileCipher(imported, concat(purpose, uuidBytes(file)));
  }

  /** The chunk's ciphertext with its tag of 16 bytes. */
  async encrypt(plaintext: Bytes, place: Pick<ChunkPlace, "index" | "last">): Promise<Bytes> {
    return new Uint8Array(
      await crypto.subtle.encrypt(this.#parameters(place), this.#key, plaintext),
    );
  }

  /** The chunk's plaintext. Throws `AppError("tampered")` unless it is exactly that chunk of this file. */
  async decrypt(ciphertext: Bytes, place: Pick<ChunkPlace, "index" | "last">): Promise<Bytes> {
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(this.#parameters(place), this.#key, ciphertext),
      );
    } catch (cause) {
      throw new AppError("tampered", { text: "a part of the file is not what was sent", cause });
    }
  }

  #parameters({ index, last }: Pick<ChunkPlace, "index" | "last">): AesGcmParams {
    const iv = new Uint8Array(nonceBytes);
    // The upper bytes of the counter stay zero: a file has fewer than 2^32 chunks.
    new DataView(iv.buffer).setUint32(nonceBytes - 5, index);
    iv[nonceBytes - 1] = last ? 1 : 0;
    return { name: "AES-GCM", iv, additionalData: this.#associated, tagLength: 8 * fileTagBytes };
  }
}
