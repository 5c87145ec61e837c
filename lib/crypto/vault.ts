/**
 * The vault: what an account needs on a new machine (its account key and its archive key), stored by the server, which
 * cannot open it. The key comes from OPAQUE's export key, so the password alone brings it back.
 */
import { hkdfSync } from "node:crypto";
import { type Bytes, concat, copyBytes, fromBase64url, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { uuidBytes } from "../base/ids.ts";
import { open, seal } from "./seal.ts";

const version = 1;
const secretBytes = 32;

/** What is in a vault. All of it secret. */
export interface VaultSecrets {
  /** Seed of the account's signing key, 32 bytes. */
  readonly accountSeed: Uint8Array;
  /** Key of the account's encrypted archive, 32 bytes. */
  readonly archiveKey: Uint8Array;
}

/** Whose vault it is: bound in, so that a server cannot hand one account another's. */
export interface VaultOwner {
  readonly accountId: string;
}

/**
 * `u8 version=1 | sealed(account seed | archive key)` under HKDF-SHA256 (RFC 5869) of the export key (base64url).
 * Throws `RangeError` when a secret has not 32 bytes.
 */
export function sealVault(exportKey: string, secrets: VaultSecrets, owner: VaultOwner): Bytes {
  const { accountSeed, archiveKey } = secrets;
  if (accountSeed.length !== secretBytes || archiveKey.length !== secretBytes) {
    throw new RangeError("a vault's secrets have 32 bytes each");
  }
  const context = vaultContext(owner);
  return concat(
    Uint8Array.of(version),
    seal(vaultKey(exportKey, context), concat(accountSeed, archiveKey), context),
  );
}

/**
 * The secrets of a vault. Throws `AppError("unsupported_version")` for one that a newer program made, and
 * `AppError("tampered")` for a wrong export key, another account's vault, or damage.
 */
export function openVault(
  exportKey: string,
  vault: Uint8Array,
  owner: VaultOwner,
): { accountSeed: Bytes; archiveKey: Bytes } {
  if (vault[0] !== version) {
    throw new AppError("unsupported_version", {
      text: "the account's vault has a form that this program does not know",
    });
  }
  const context = vaultContext(owner);
  const secrets = open(vaultKey(exportKey, context), vault.subarray(1), context);
  if (secrets.length !== 2 * secretBytes) throw new AppError("tampered");
  return {
    accountSeed: copyBytes(secrets.subarray(0, secretBytes)),
    archiveKey: copyBytes(secrets.subarray(secretBytes)),
  };
}

function vaultContext(owner: VaultOwner): Bytes {
  return concat(utf8("sealpost/1 vault\0"), Uint8Array.of(version), uuidBytes(owner.accountId));
}

function vaultKey(exportKey: string, context: Bytes): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", fromBase64url(exportKey), new Uint8Array(), context, 32),
  );
}
