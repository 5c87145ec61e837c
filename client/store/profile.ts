/**
 * The profile: one account on one device, in a folder. Whatever says more than whose it is lies sealed in its database;
 * the key to that is wrapped by the password beside it.
 *
 * ```
 * account.json     whose profile it is: name and server's fingerprint, in the clear
 * profile.key      the profile's key, under the password
 * profile.key.next the same under a new password, while it is not known whether the server has taken it
 * remembered.key   the key as it is, after --remember
 * profile.db       the database
 * instance         see instance.ts
 * ```
 */
import { type Bytes, fromUtf8, toHex, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { Database } from "../../lib/sql/database.ts";
import { openDatabase } from "../../lib/sql/open.ts";
import {
  folderOf,
  isThere,
  makeFolder,
  readFile,
  removeIfThere,
  syncFolder,
  writeFile,
} from "./files.ts";
import { decodeIdentity, encodeIdentity, type Identity } from "./identity.ts";
import { holdInstance } from "./instance.ts";
import {
  openKeyFile,
  readKeyFile,
  readRemembered,
  recoverKey,
  wrapKeys,
  writeKeyFile,
  writeRemembered,
} from "./key_file.ts";
import { sweepLeftovers } from "./leftovers.ts";
import { Meta } from "./meta.ts";
import { profileMigrations } from "./schema.ts";
import { profileKeyBytes, type Sealer, sealerOf } from "./seal.ts";
import type { SealedDatabase } from "./sealed.ts";

/**
 * How far the profile has got: `registering` and `enrolling` until the server is known to have taken account or device,
 * so that an answer that got lost loses nothing.
 */
export type ProfileState = "registering" | "enrolling" | "active";

/** Whose profile a folder holds, as far as it can be read without a password. */
export interface ProfileOwner {
  readonly name: string;
  /** Of the server's identity: 64 hexadecimal digits. */
  readonly fingerprint: string;
}

/** The password, the remembered key, or the account's archive key from its vault. */
export type Unlocking =
  | { readonly kind: "password"; readonly password: string }
  | { readonly kind: "remembered" }
  | { readonly kind: "archive_key"; readonly archiveKey: Uint8Array };

const files = {
  owner: "account.json",
  key: "profile.key",
  nextKey: "profile.key.next",
  remembered: "remembered.key",
  database: "profile.db",
} as const;

/** Whose profile is in `folder`; undefined when none is. Throws `ExitError` (localData) when it cannot be read. */
export function readOwner(folder: string): ProfileOwner | undefined {
  const path = `${folder}/${files.owner}`;
  const bytes = readFile(path);
  if (bytes === undefined) return undefined;
  try {
    const { v, name, server } = JSON.parse(fromUtf8(bytes));
    if (v === 1 && typeof name === "string" && /^[0-9a-f]{64}$/.test(server)) {
      return { name, fingerprint: server };
    }
  } catch (cause) {
    throw damagedFile(path, cause);
  }
  throw damagedFile(path);
}

/** Whether the profile's key is remembered. */
export function isRemembered(folder: string): boolean {
  return isThere(`${folder}/${files.remembered}`);
}

/** Forgets the remembered key. */
export function forget(folder: string): void {
  removeIfThere(`${folder}/${files.remembered}`);
}

/** Whether it is unknown which of two passwords the server has. */
export function hasTwoPasswords(folder: string): boolean {
  return isThere(`${folder}/${files.nextKey}`);
}

/** Removes a profile that never came to be. */
export function removeProfile(folder: string): void {
  removeIfThere(folder);
}

/** An unlocked profile. */
export class Profile implements SealedDatabase {
  readonly folder: string;
  readonly identity: Identity;
  readonly database: Database;
  readonly meta: Meta;
  /** The token that all processes of this profile share. */
  readonly instance: string;
  readonly #key: Bytes;
  readonly #sealer: Sealer;
  readonly #release: () => void;
  #open = true;

  private constructor(folder: string, key: Bytes) {
    const { token, release } = asLocalData(() => holdInstance(folder));
    this.#release = release;
    try {
      this.folder = folder;
      this.instance = token;
      this.#key = key;
      this.#sealer = sealerOf(key);
      this.database = openProfileDatabase(folder);
    } catch (thrown) {
      release();
      throw thrown;
    }
    try {
      this.meta = new Meta(this);
      this.identity = this.#readIdentity();
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /**
   * Makes the folder with everything in it, whole or not at all. Throws `ExitError` (localData) when it cannot be
   * written or holds something already.
   */
  static async create(
    folder: string,
    input: { identity: Identity; password: string; state: ProfileState },
  ): Promise<Profile> {
    const { identity, password, state } = input;
    const key = crypto.getRandomValues(new Uint8Array(profileKeyBytes));
    const { archiveKey } = identity;
    const keys = await wrapKeys(key, { password, archiveKey });
    const temporary = `${folder}.${toHex(crypto.getRandomValues(new Uint8Array(6)))}.tmp`;
    sweepLeftovers(folder, Date.now());
    makeFolder(folderOf(folder));
    makeFolder(temporary);
    // Held until it has its name, so that no other process takes it for a leftover.
    const { release } = asLocalData(() => holdInstance(temporary));
    try {
      writeKeyFile(`${temporary}/${files.key}`, keys);
      fillDatabase(temporary, { identity, key, state });
      writeOwner(temporary, identity);
      moveInto(temporary, folder);
    } catch (thrown) {
      removeIfThere(temporary);
      throw thrown;
    } finally {
      release();
    }
    return new Profile(folder, key);
  }

  /**
   * Unlocks the profile in `folder`. Throws `AppError("invalid_credentials")` for a wrong password (or none remembered)
   * and `ExitError` (localData) for damage; nothing is changed then.
   */
  static async unlock(folder: string, by: Unlocking): Promise<Profile> {
    readOwner(folder);
    sweepLeftovers(folder, Date.now());
    return new Profile(folder, await unlockKey(folder, by));
  }

  get state(): ProfileState {
    const found = this.meta.getText("state");
    return found === "registering" || found === "enrolling" ? found : "active";
  }

  /** The server has taken account and device. */
  activate(): void {
    this.meta.setText("state", "active");
  }

  seal(place: string, plaintext: Uint8Array): Bytes {
    return this.#sealer.seal(place, plaintext);
  }

  open(place: string, sealed: Uint8Array): Bytes {
    return this.#sealer.open(place, sealed);
  }

  tag(text: string): Bytes {
    return this.#sealer.tag(text);
  }

  /** Keeps the key on disk, so that no password is needed. */
  remember(): void {
    writeRemembered(`${this.folder}/${files.remembered}`, this.#key);
  }

  /** Makes `password` unlock the profile beside the present one, until one of them is settled. */
  async addPassword(password: string): Promise<void> {
    const { archiveKey } = this.identity;
    writeKeyFile(
      `${this.folder}/${files.nextKey}`,
      await wrapKeys(this.#key, { password, archiveKey }),
    );
  }

  /** The server has the added password: it is the only one now. */
  settleNewPassword(): void {
    Deno.renameSync(`${this.folder}/${files.nextKey}`, `${this.folder}/${files.key}`);
    syncFolder(this.folder);
  }

  /** The server has the old password: it is the only one now. */
  settleOldPassword(): void {
    removeIfThere(`${this.folder}/${files.nextKey}`);
  }

  /** Closes the database and lets go of the instance. Calling it again does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.database.close();
    this.#release();
  }

  #readIdentity(): Identity {
    try {
      const bytes = this.meta.get("identity");
      if (bytes !== undefined) return decodeIdentity(bytes);
    } catch (cause) {
      throw mismatch(this.folder, cause);
    }
    throw mismatch(this.folder);
  }
}

async function unlockKey(folder: string, by: Unlocking): Promise<Bytes> {
  if (by.kind === "remembered") {
    const key = readRemembered(`${folder}/${files.remembered}`);
    if (key !== undefined) return key;
    throw new AppError("invalid_credentials", { text: "a password is needed" });
  }
  const path = `${folder}/${files.key}`;
  const file = readKeyFile(path);
  if (file === undefined) throw damagedFile(path);
  if (by.kind === "archive_key") return recoverKey(path, { file, archiveKey: by.archiveKey });
  const key = await openKeyFile(path, { file, password: by.password }) ??
    await unlockNextKey(folder, by.password);
  if (key === undefined) throw new AppError("invalid_credentials");
  return key;
}

async function unlockNextKey(folder: string, password: string): Promise<Bytes | undefined> {
  const path = `${folder}/${files.nextKey}`;
  const file = readKeyFile(path);
  return file && await openKeyFile(path, { file, password });
}

/** Which of two passwords this is. Undefined for neither. */
export async function whichPassword(
  folder: string,
  password: string,
): Promise<"old" | "new" | undefined> {
  const path = `${folder}/${files.key}`;
  const file = readKeyFile(path);
  if (file && await openKeyFile(path, { file, password })) return "old";
  return await unlockNextKey(folder, password) ? "new" : undefined;
}

function openProfileDatabase(folder: string): Database {
  const path = `${folder}/${files.database}`;
  if (!isThere(path)) throw damagedFile(path, undefined, "is missing");
  return asLocalData(() =>
    openDatabase(path, { migrations: profileMigrations, cacheKiB: 4096, wipe: true })
  );
}

function fillDatabase(
  folder: string,
  { identity, key, state }: { identity: Identity; key: Uint8Array; state: ProfileState },
): void {
  const path = `${folder}/${files.database}`;
  const database = asLocalData(() =>
    openDatabase(path, { migrations: profileMigrations, wipe: true })
  );
  try {
    const meta = new Meta({ database, ...sealerOf(key) });
    database.transaction(() => {
      meta.set("identity", encodeIdentity(identity));
      meta.setText("state", state);
    });
    database.checkpoint();
  } finally {
    database.close();
  }
}

function writeOwner(folder: string, { certificate }: Identity): void {
  const { name, serverKey } = certificate;
  const owner = { v: 1, name, server: fingerprintHex(serverKey) };
  writeFile(`${folder}/${files.owner}`, utf8(JSON.stringify(owner) + "\n"));
}

/** A folder that is empty is replaced; any other is left alone. */
function moveInto(temporary: string, folder: string): void {
  try {
    Deno.renameSync(temporary, folder);
  } catch (cause) {
    const text = `${folder} holds something already: choose another folder for the profile`;
    throw new ExitError("localData", text, { cause });
  }
  syncFolder(folderOf(folder));
}

function asLocalData<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const newer = cause.code === "unsupported_version";
    throw new ExitError(newer ? "version" : "localData", cause.message, { cause });
  }
}

function mismatch(folder: string, cause?: unknown): ExitError {
  const text = `the profile in ${folder} is damaged: its database does not fit its key; ` +
    "nothing was changed; restore it from a backup";
  return new ExitError("localData", text, cause === undefined ? {} : { cause });
}

function damagedFile(path: string, cause?: unknown, what = "is damaged"): ExitError {
  const text = `${path} ${what}: nothing was changed; restore it from a backup`;
  return new ExitError("localData", text, cause === undefined ? {} : { cause });
}
