/**
 * Device certificates and revocations: an account's key says which device keys speak for it. Both are self-contained
 * bytes that anybody can check offline; what they do not say is whether the account key is the right one for a name,
 * which is what the directory is for.
 */
import { type Bytes, concat, copyBytes, fromUtf8, u64be, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { isUuid, uuidBytes, uuidText } from "../base/ids.ts";
import { latestTime } from "../base/limits.ts";
import { isAccountName } from "./names.ts";
import { ByteReader } from "./reader.ts";
import { keyBytes, type Label, signatureBytes, type SigningKey, VerifyingKey } from "./sign.ts";

const version = 1;

/** A device certificate that has been verified; only `issueDeviceCertificate` and `readDeviceCertificate` make one. */
export interface DeviceCertificate {
  /** The account's name as typed at registration. */
  readonly name: string;
  /** The account's UUID. */
  readonly accountId: string;
  /** Identity key of the account's home server, 32 bytes: the same name elsewhere is somebody else. */
  readonly serverKey: Bytes;
  /** 32 bytes. */
  readonly accountKey: Bytes;
  /** 32 bytes. */
  readonly deviceKey: Bytes;
  /** Milliseconds since 1970, by the issuing client's clock. */
  readonly createdAt: number;
  /** The whole encoding, signature included. */
  readonly bytes: Bytes;
}

/** What a device certificate is made from. */
export interface DeviceCertificateInput {
  readonly name: string;
  readonly accountId: string;
  readonly serverKey: Uint8Array;
  readonly accountKey: SigningKey;
  readonly deviceKey: Uint8Array;
  readonly createdAt: number;
}

/**
 * Certifies `deviceKey` for the account. The encoding:
 * `u8 version=1 | u8 name length | name | 16 account id | 32 server key | 32 account key | 32 device key |
 * u64be createdAt | 64 signature`, the signature under "device certificate" over everything before it.
 * Throws `AppError("invalid_certificate")` when a field is not what it has to be.
 */
export function issueDeviceCertificate(input: DeviceCertificateInput): DeviceCertificate {
  checkFields(input.accountId, input.createdAt);
  const name = utf8(input.name);
  const unsigned = concat(
    Uint8Array.of(version, name.length),
    name,
    uuidBytes(input.accountId),
    input.serverKey,
    input.accountKey.publicKey,
    input.deviceKey,
    u64be(input.createdAt),
  );
  return readDeviceCertificate(withSignature(input.accountKey, "device certificate", unsigned));
}

/**
 * Reads and verifies a device certificate. Throws `AppError("invalid_certificate")` when it is not exactly the encoding
 * above, when a field is not possible, or when its own account key did not sign it.
 */
export function readDeviceCertificate(bytes: Uint8Array): DeviceCertificate {
  const reader = new ByteReader(bytes, "invalid_certificate");
  checkVersion(reader.u8());
  const certificate: DeviceCertificate = {
    name: accountName(reader.take(reader.u8())),
    accountId: uuidText(reader.take(16)),
    serverKey: reader.take(keyBytes),
    accountKey: reader.take(keyBytes),
    deviceKey: usableKey(reader.take(keyBytes)).bytes,
    createdAt: possibleTime(reader.u64()),
    bytes: copyBytes(bytes),
  };
  usableKey(certificate.serverKey);
  checkSignature(reader, "device certificate", certificate);
  return certificate;
}

/** A revocation that has been verified: the account says that a device no longer speaks for it, for good. */
export interface DeviceRevocation {
  readonly accountId: string;
  /** 32 bytes. */
  readonly accountKey: Bytes;
  /** 32 bytes. */
  readonly deviceKey: Bytes;
  /** Milliseconds since 1970, by the revoking client's clock. */
  readonly revokedAt: number;
  /** The whole encoding, signature included. */
  readonly bytes: Bytes;
}

/** What a revocation is made from. */
export interface RevocationInput {
  readonly accountKey: SigningKey;
  readonly accountId: string;
  readonly deviceKey: Uint8Array;
  readonly revokedAt: number;
}

/**
 * Revokes `deviceKey`. The encoding: `u8 version=1 | 16 account id | 32 account key | 32 device key | u64be revokedAt |
 * 64 signature`, the signature under "device revocation" over everything before it.
 * Throws `AppError("invalid_certificate")` when a field is not what it has to be.
 */
export function issueRevocation(input: RevocationInput): DeviceRevocation {
  checkFields(input.accountId, input.revokedAt);
  const unsigned = concat(
    Uint8Array.of(version),
    uuidBytes(input.accountId),
    input.accountKey.publicKey,
    input.deviceKey,
    u64be(input.revokedAt),
  );
  return readRevocation(withSignature(input.accountKey, "device revocation", unsigned));
}

/** Reads and verifies a revocation. Throws `AppError("invalid_certificate")` as `readDeviceCertificate` does. */
export function readRevocation(bytes: Uint8Array): DeviceRevocation {
  const reader = new ByteReader(bytes, "invalid_certificate");
  checkVersion(reader.u8());
  const revocation: DeviceRevocation = {
    accountId: uuidText(reader.take(16)),
    accountKey: reader.take(keyBytes),
    deviceKey: usableKey(reader.take(keyBytes)).bytes,
    revokedAt: possibleTime(reader.u64()),
    bytes: copyBytes(bytes),
  };
  checkSignature(reader, "device revocation", revocation);
  return revocation;
}

function withSignature(key: SigningKey, label: Label, unsigned: Bytes): Bytes {
  return concat(unsigned, key.sign(label, unsigned));
}

/** Reads the signature, which comes last, and checks it over everything before it. */
function checkSignature(
  reader: ByteReader,
  label: Label,
  signed: { readonly accountKey: Uint8Array; readonly bytes: Uint8Array },
): void {
  const unsigned = signed.bytes.subarray(0, reader.offset);
  const signature = reader.take(signatureBytes);
  reader.end();
  if (!usableKey(signed.accountKey).verify(label, signature, unsigned)) throw invalid();
}

function checkFields(accountId: string, time: number): void {
  if (!isUuid(accountId) || !Number.isSafeInteger(time) || time < 0) throw invalid();
}

/** Whoever shows a certificate makes a date of it. */
function possibleTime(time: number): number {
  if (time > latestTime) throw invalid();
  return time;
}

function checkVersion(found: number): void {
  if (found !== version) throw invalid();
}

function usableKey(bytes: Uint8Array): VerifyingKey {
  try {
    return new VerifyingKey(bytes);
  } catch (cause) {
    throw invalid(cause);
  }
}

function accountName(bytes: Uint8Array): string {
  try {
    const name = fromUtf8(bytes);
    if (isAccountName(name)) return name;
  } catch (cause) {
    throw invalid(cause);
  }
  throw invalid();
}

function invalid(cause?: unknown): AppError {
  return new AppError("invalid_certificate", cause === undefined ? {} : { cause });
}
