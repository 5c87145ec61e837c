/**
 * The server's own secrets: its identity and the secret behind its passwords. Made once, never replaced: with another
 * identity every client would refuse the server, without the password secret nobody could log in.
 */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { signingKeyFromPem, signingKeyToPem } from "../../lib/crypto/key_files.ts";
import { createServerSetup } from "../../lib/crypto/password.ts";
import { generateSigningKey, type SigningKey } from "../../lib/crypto/sign.ts";
import { readOptional, writeWhole } from "./folder.ts";

/** Secrets of a server. */
export interface ServerKeys {
  readonly identity: SigningKey;
  readonly opaqueSetup: string;
}

const names = { identity: "identity.key", passwords: "passwords.key" };

/**
 * Reads the secrets, or makes those that are missing while there is no database yet, which is made last. Throws
 * `ExitError` (localData) when one is damaged, or missing beside a database, and after a restore that was not finished;
 * then nothing has been changed.
 */
export async function serverKeys(folder: string): Promise<ServerKeys> {
  refuseUnfinished(folder);
  const identity = readOptional(`${folder}/${names.identity}`);
  const passwords = readOptional(`${folder}/${names.passwords}`);
  refuseLoss(folder, { [names.identity]: identity, [names.passwords]: passwords });
  // Both are read before either is made, so that damage changes nothing.
  const read = {
    identity: identity === undefined
      ? undefined
      : parseIdentity(identity, `${folder}/${names.identity}`),
    passwords: passwords === undefined
      ? undefined
      : parsePasswords(passwords, `${folder}/${names.passwords}`),
  };
  return {
    identity: read.identity ?? makeIdentity(folder),
    opaqueSetup: read.passwords ?? await makePasswords(folder),
  };
}

/** Whether the folder holds a database: then its first start was finished once. */
export function hasDatabase(folder: string): boolean {
  return [...Deno.readDirSync(folder)].some(({ name }) => /\.(db|sqlite)$/.test(name));
}

/**
 * Throws `ExitError` (localData) where a backup was not restored to its end: with its keys and no database a start would
 * make an empty server of the same identity.
 */
export function refuseUnfinished(folder: string): void {
  if (hasDatabase(folder)) return;
  if (![...Deno.readDirSync(folder)].some(({ name }) => /\.(db|sqlite)\.part$/.test(name))) return;
  throw new ExitError(
    "localData",
    `a backup was not restored to its end in ${folder}: delete what is in it, and restore it again`,
  );
}

/** The complaint about a file that cannot be used. */
export function damaged(path: string, what: string, cause?: unknown): ExitError {
  return new ExitError(
    "localData",
    `${path} ${what}: put it back from a backup; nothing was changed`,
    { cause },
  );
}

function refuseLoss(folder: string, files: Record<string, string | undefined>): void {
  const missing = Object.keys(files).find((name) => files[name] === undefined);
  if (missing !== undefined && hasDatabase(folder)) {
    throw damaged(`${folder}/${missing}`, "is missing, but the database is there");
  }
}

function makeIdentity(folder: string): SigningKey {
  const key = generateSigningKey();
  writeWhole(folder, names.identity, signingKeyToPem(key));
  return key;
}

function parseIdentity(pem: string, path: string): SigningKey {
  try {
    return signingKeyFromPem(pem);
  } catch (cause) {
    throw damaged(path, "is damaged", cause);
  }
}

async function makePasswords(folder: string): Promise<string> {
  const setup = await createServerSetup();
  writeWhole(folder, names.passwords, `${setup}\n`);
  return setup;
}

function parsePasswords(text: string, path: string): string {
  const setup = text.trim();
  if (!/^[A-Za-z0-9_-]{171}$/.test(setup)) throw damaged(path, "is damaged");
  return setup;
}
