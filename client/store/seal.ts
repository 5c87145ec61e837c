/** Sealing under the profile's key. */
import { hkdfSync } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/base/bytes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { open, seal } from "../../lib/crypto/seal.ts";
import type { SealedDatabase } from "./sealed.ts";

/** The part of an unlocked profile that seals. */
export type Sealer = Pick<SealedDatabase, "seal" | "open" | "tag">;

/** Bytes of a profile's key. */
export const profileKeyBytes = 32;

/** Sealing, opening and keyed hashing under keys derived from `profileKey` (32 bytes). */
export function sealerOf(profileKey: Uint8Array): Sealer {
  const sealKey = derive(profileKey, "store");
  const tagKey = derive(profileKey, "tag");
  return {
    seal: (place, plaintext) => seal(sealKey, plaintext, utf8(place)),
    open: (place, sealed) => open(sealKey, sealed, utf8(place)),
    // HKDF as a keyed hash, because older runtimes print a warning for every kind of HMAC of node:crypto.
    tag: (text) => hkdf(tagKey, sha256(utf8(text))),
  };
}

/** The profile's key under the account's archive key, so that the account itself can open its profiles. */
export function sealForAccount(archiveKey: Uint8Array, profileKey: Uint8Array): Bytes {
  return seal(derive(archiveKey, "profile recovery"), profileKey, recoveryPlace);
}

/** The profile's key of what `sealForAccount` made. Throws `AppError("tampered")`. */
export function openForAccount(archiveKey: Uint8Array, sealed: Uint8Array): Bytes {
  return open(derive(archiveKey, "profile recovery"), sealed, recoveryPlace);
}

const recoveryPlace = utf8("sealpost/1 profile recovery");

function derive(key: Uint8Array, purpose: string): Bytes {
  return hkdf(key, utf8(`sealpost/1 profile ${purpose}`));
}

/** HKDF-SHA256 (RFC 5869) without salt: the input is a uniformly random key. */
function hkdf(key: Uint8Array, info: Uint8Array): Bytes {
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), info, 32));
}
