/**
 * Fingerprints: how a server's identity or an account's key is shown, compared and pinned. Always the whole SHA-256,
 * because a pin that is cut short can be matched by trying keys; for reading aloud it is only grouped.
 */
import { type Bytes, equalBytes, fromHex, toHex, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { sha256 } from "./hash.ts";

const prefix = utf8("sealpost/1 fingerprint\0");

/** SHA-256 of `"sealpost/1 fingerprint\0"` and the key: 32 bytes. */
export function fingerprintBytes(publicKey: Uint8Array): Bytes {
  return sha256(prefix, publicKey);
}

/** The fingerprint as 64 lower-case hexadecimal digits, for links and files. */
export function fingerprintHex(publicKey: Uint8Array): string {
  return toHex(fingerprintBytes(publicKey));
}

/** The fingerprint for people: 16 groups of 4 hexadecimal digits between spaces. */
export function fingerprint(publicKey: Uint8Array): string {
  return formatFingerprint(fingerprintBytes(publicKey));
}

/** The same for a fingerprint's 32 bytes. */
export function formatFingerprint(bytes: Uint8Array): string {
  return toHex(bytes).replace(/.{4}(?!$)/g, "$& ");
}

/**
 * The 32 bytes of a fingerprint in any form that people type or copy: hexadecimal in either case, with spaces, line
 * breaks, `:` or `-` anywhere. Throws `AppError("malformed")` on anything else.
 */
export function parseFingerprint(text: string): Bytes {
  const digits = text.replace(/[\s:-]/g, "");
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new AppError("malformed", { text: "a fingerprint has 64 hexadecimal digits" });
  }
  return fromHex(digits);
}

/** Whether `publicKey` has this fingerprint of 32 bytes. */
export function matchesFingerprint(publicKey: Uint8Array, fingerprint: Uint8Array): boolean {
  return equalBytes(fingerprintBytes(publicKey), fingerprint);
}
