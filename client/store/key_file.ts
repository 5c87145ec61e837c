/**
 * The files that hold the profile's key: `profile.key` under the password (and under the account's archive key, for a
 * password that was changed on another device), `remembered.key` as it is.
 */
import { concat, equalBytes, fromBase64url, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import type { Bytes } from "../../lib/base/bytes.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { unwrapProfileKey, wrapProfileKey } from "../../lib/crypto/profile_key.ts";
import { readFile, writeFile } from "./files.ts";
import { openForAccount, profileKeyBytes, sealForAccount } from "./seal.ts";

/** What a key file holds. */
export interface KeyFile {
  /** The profile's key under the password. */
  readonly wrapped: Bytes;
  /** The profile's key under the account's archive key. */
  readonly recovery: Bytes;
}

/** Both wrappings of `profileKey`. */
export async function wrapKeys(
  profileKey: Uint8Array,
  under: { readonly password: string; readonly archiveKey: Uint8Array },
): Promise<KeyFile> {
  return {
    wrapped: await wrapProfileKey(under.password, profileKey),
    recovery: sealForAccount(under.archiveKey, profileKey),
  };
}

/** Writes a key file. Its sum tells damage from a wrong password. */
export function writeKeyFile(path: string, { wrapped, recovery }: KeyFile): void {
  const text = JSON.stringify({
    v: 1,
    wrapped: toBase64url(wrapped),
    recovery: toBase64url(recovery),
    sum: toBase64url(sha256(wrapped, recovery)),
  });
  writeFile(path, utf8(text + "\n"));
}

/** The key file, or undefined when there is none. Throws `ExitError` (localData) when it is damaged. */
export function readKeyFile(path: string): KeyFile | undefined {
  const bytes = readFile(path);
  if (bytes === undefined) return undefined;
  const fields = readFields(bytes);
  const wrapped = binary(fields?.["wrapped"]);
  const recovery = binary(fields?.["recovery"]);
  const sum = binary(fields?.["sum"]);
  if (wrapped === undefined || recovery === undefined || sum === undefined) throw damaged(path);
  if (!equalBytes(sum, sha256(wrapped, recovery))) throw damaged(path);
  return { wrapped, recovery };
}

/** The profile's key, or undefined for a wrong password. */
export async function openKeyFile(
  path: string,
  { file, password }: { readonly file: KeyFile; readonly password: string },
): Promise<Bytes | undefined> {
  try {
    return await unwrapProfileKey(password, file.wrapped);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** The profile's key by the account's archive key. */
export function recoverKey(
  path: string,
  { file, archiveKey }: { readonly file: KeyFile; readonly archiveKey: Uint8Array },
): Bytes {
  try {
    return openForAccount(archiveKey, file.recovery);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** Keeps the key unwrapped, with a sum against damage. */
export function writeRemembered(path: string, profileKey: Uint8Array): void {
  writeFile(path, utf8(toBase64url(concat(profileKey, sha256(profileKey))) + "\n"));
}

/** The remembered key, or undefined when there is none. Throws `ExitError` (localData) when it is damaged. */
export function readRemembered(path: string): Bytes | undefined {
  const bytes = readFile(path);
  if (bytes === undefined) return undefined;
  const both = binary(textOf(bytes)?.trim());
  const key = both?.slice(0, profileKeyBytes);
  if (key?.length !== profileKeyBytes || !equalBytes(sha256(key), both!.slice(profileKeyBytes))) {
    throw damaged(path, undefined, "remove it and log in with the password");
  }
  return key;
}

function readFields(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    // Not JSON: damaged, as the caller says.
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte < 0x80) ? String.fromCharCode(...bytes) : undefined;
}

function binary(value: unknown): Bytes | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return fromBase64url(value);
  } catch {
    // Not base64url: damaged, as the caller says.
    return undefined;
  }
}

function damaged(
  path: string,
  cause?: unknown,
  help = "restore it from a backup, or move its folder away and log in with the password",
): ExitError {
  const text = `${path} is damaged: nothing was changed; ${help}`;
  return new ExitError("localData", text, cause === undefined ? {} : { cause });
}
