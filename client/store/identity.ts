/** Who a profile is: its account's and its device's keys, as they are kept, sealed, in its database. */
import { type Bytes, fromBase64url, fromUtf8, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { type SigningKey, signingKeyFromSeed } from "../../lib/crypto/sign.ts";

/** The keys of one account on one device. Secret. */
export interface Identity {
  /** Certifies devices. */
  readonly accountKey: SigningKey;
  /** Of the account's archive, 32 bytes. */
  readonly archiveKey: Bytes;
  readonly device: SigningKey;
  /** Of this device; it also names the account, its id and its server. */
  readonly certificate: DeviceCertificate;
}

/** The identity as bytes to be sealed. */
export function encodeIdentity(identity: Identity): Bytes {
  return utf8(JSON.stringify({
    accountSeed: toBase64url(identity.accountKey.seed),
    archiveKey: toBase64url(identity.archiveKey),
    deviceSeed: toBase64url(identity.device.seed),
    certificate: toBase64url(identity.certificate.bytes),
  }));
}

/** What `encodeIdentity` made; it was sealed, so anything else is a bug. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const fields: Readonly<Record<string, string>> = JSON.parse(fromUtf8(bytes));
  const binary = (name: string) => fromBase64url(fields[name] ?? "");
  return {
    accountKey: signingKeyFromSeed(binary("accountSeed")),
    archiveKey: binary("archiveKey"),
    device: signingKeyFromSeed(binary("deviceSeed")),
    certificate: readDeviceCertificate(binary("certificate")),
  };
}
