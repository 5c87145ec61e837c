/**
 * Entries of the directory's log. An entry is UTF-8 JSON and is hashed exactly as stored. Binary fields are base64url in the text and bytes here.
 */
import {
  type Bytes,
  equalBytes,
  fromBase64url,
  fromUtf8,
  toBase64url,
  utf8,
} from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { isUuid } from "../base/ids.ts";
import { isAccountName } from "../crypto/names.ts";

/** A new account: this name has this key. */
export interface AccountEntry {
  readonly v: 1;
  readonly type: "account";
  readonly name: string;
  readonly accountId: string;
  /** 32 bytes. */
  readonly accountKey: Uint8Array;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
}

/** A device was added. The certificate is what `readDeviceCertificate` reads; it is not verified here. */
export interface DeviceEntry {
  readonly v: 1;
  readonly type: "device";
  readonly accountId: string;
  readonly certificate: Uint8Array;
}

/** A device was removed. The revocation is what `readRevocation` reads; it is not verified here. */
export interface RevocationEntry {
  readonly v: 1;
  readonly type: "revocation";
  readonly accountId: string;
  readonly revocation: Uint8Array;
}

/**
 * The operator deleted the account: it logs in nowhere any more, and nobody can have its name. Only the log itself is
 * signed, by the server: nothing that the account signed becomes untrue by it.
 */
export interface RemovalEntry {
  readonly v: 1;
  readonly type: "removal";
  readonly accountId: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
}

/** One entry of the log. */
export type DirectoryEntry = AccountEntry | DeviceEntry | RevocationEntry | RemovalEntry;

/** The largest entry that is read, in bytes: a certificate alone has 218 at most. */
export const maxEntryBytes = 1024;

/** The bytes to store and to hash. */
export function encodeEntry(entry: DirectoryEntry): Bytes {
  return utf8(JSON.stringify(jsonForm(entry)));
}

function jsonForm(entry: DirectoryEntry): Record<string, string | number> {
  const { v, type, accountId } = entry;
  switch (entry.type) {
    case "account": {
      const { name, accountKey, at } = entry;
      return { v, type, name, accountId, accountKey: toBase64url(accountKey), at };
    }
    case "device":
      return { v, type, accountId, certificate: toBase64url(entry.certificate) };
    case "revocation":
      return { v, type, accountId, revocation: toBase64url(entry.revocation) };
    case "removal":
      return { v, type, accountId, at: entry.at };
  }
}

/**
 * The entry in these bytes. Throws `AppError("malformed")` for anything that is not exactly what `encodeEntry` makes: a
 * field too many or too few, another type or version, a wrong length, but also white space, another order of fields or
 * a field given twice, so that no two readers can understand one entry differently.
 */
export function decodeEntry(bytes: Uint8Array): DirectoryEntry {
  const entry = readFields(parseObject(bytes));
  if (!equalBytes(encodeEntry(entry), bytes)) throw malformed();
  return entry;
}

function readFields(fields: Fields): DirectoryEntry {
  switch (fields["type"]) {
    case "account":
      expectFields(fields, ["v", "type", "name", "accountId", "accountKey", "at"]);
      return {
        v: versionOf(fields),
        type: "account",
        name: nameOf(fields["name"]),
        accountId: uuidOf(fields["accountId"]),
        accountKey: bytesOf(fields["accountKey"], 32),
        at: timeOf(fields["at"]),
      };
    case "device":
      expectFields(fields, ["v", "type", "accountId", "certificate"]);
      return {
        v: versionOf(fields),
        type: "device",
        accountId: uuidOf(fields["accountId"]),
        certificate: bytesOf(fields["certificate"]),
      };
    case "revocation":
      expectFields(fields, ["v", "type", "accountId", "revocation"]);
      return {
        v: versionOf(fields),
        type: "revocation",
        accountId: uuidOf(fields["accountId"]),
        revocation: bytesOf(fields["revocation"]),
      };
    case "removal":
      expectFields(fields, ["v", "type", "accountId", "at"]);
      return {
        v: versionOf(fields),
        type: "removal",
        accountId: uuidOf(fields["accountId"]),
        at: timeOf(fields["at"]),
      };
    default:
      throw malformed();
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(bytes: Uint8Array): Fields {
  if (bytes.length > maxEntryBytes) throw malformed();
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return Object.fromEntries(Object.entries(value));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw malformed(cause);
  }
}

function expectFields(fields: Fields, names: readonly string[]): void {
  const complete = names.every((name) => Object.hasOwn(fields, name));
  if (!complete || Object.keys(fields).length !== names.length) throw malformed();
}

function versionOf(fields: Fields): 1 {
  if (fields["v"] !== 1) throw malformed();
  return 1;
}

function nameOf(value: unknown): string {
  if (typeof value !== "string" || !isAccountName(value)) throw malformed();
  return value;
}

function uuidOf(value: unknown): string {
  if (typeof value !== "string" || !isUuid(value)) throw malformed();
  return value;
}

function timeOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

function bytesOf(value: unknown, length?: number): Bytes {
  if (typeof value !== "string" || value === "") throw malformed();
  try {
    const bytes = fromBase64url(value);
    if (length === undefined || bytes.length === length) return bytes;
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

function malformed(cause?: unknown): AppError {
  const text = "that is not an entry of the directory";
  return new AppError("malformed", cause === undefined ? { text } : { text, cause });
}
