/** Sealing under the profile's key. */
import { createHmac, hkdfSync } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/base/bytes.ts";
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
    tag: (text) => new Uint8Array(createHmac("sha256", tagKey).update(text).digest()),
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

/** HKDF-SHA256 (RFC 5869) without salt: the input is a uniformly random key. */
function derive(key: Uint8Array, purpose: string): Uint8Array {
  const info = utf8(`sealpost/1 profile ${purpose}`);
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), info, 32));
}
