/** The steps by which an account or a device comes to a server: registration, login by password, enrolment. */
import { type Bytes, equalBytes, fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId } from "../../lib/base/ids.ts";
import { issueDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import {
  clientFinishLogin,
  clientFinishRegistration,
  type ClientLoggedIn,
  type ClientRegistered,
  clientStartLogin,
  clientStartRegistration,
} from "../../lib/crypto/password.ts";
import { generateSigningKey, type SigningKey, signingKeyFromSeed } from "../../lib/crypto/sign.ts";
import { openVault, sealVault } from "../../lib/crypto/vault.ts";
import type { Identity } from "../store/identity.ts";
import type { Requester } from "./connection.ts";
import { TrustError } from "./trust_error.ts";

/** A server to ask, and who it is. */
export interface Desk {
  readonly server: Pick<Requester, "request">;
  /** The pinned identity, 32 bytes. */
  readonly serverKey: Uint8Array;
  /** The token of an invitation, for a registration. */
  readonly invite?: string;
}

/** What a request for registration says of an invitation. */
const invitation = ({ invite }: Pick<Desk, "invite">) => invite === undefined ? {} : { invite };

/** A name and its password. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** What a session says when it becomes ready. */
export interface Arriving {
  /** What the device is called in lists. */
  readonly label: string;
  /** The profile's instance token. */
  readonly instance: string;
}

/** A new account's keys with this device certified. */
export function newIdentity(
  input: {
    readonly name: string;
    readonly serverKey: Uint8Array;
    readonly device: SigningKey;
    readonly now: number;
  },
): Identity {
  return identityOf({
    ...input,
    accountId: randomId(),
    accountKey: generateSigningKey(),
    archiveKey: crypto.getRandomValues(new Uint8Array(32)),
  });
}

function identityOf(
  input: {
    readonly name: string;
    readonly serverKey: Uint8Array;
    readonly device: SigningKey;
    readonly now: number;
    readonly accountId: string;
    readonly accountKey: SigningKey;
    readonly archiveKey: Bytes;
  },
): Identity {
  const { name, accountId, serverKey, accountKey, archiveKey, device, now } = input;
  const certificate = issueDeviceCertificate({
    name,
    accountId,
    serverKey,
    accountKey,
    deviceKey: device.publicKey,
    createdAt: now,
  });
  return { accountKey, archiveKey, device, certificate };
}

/** The password's part of a registration. Rejects with `name_taken` and alike; nothing has been registered yet. */
export async function prepareRegistration(
  desk: Desk,
  { name, password }: Credentials,
): Promise<ClientRegistered> {
  const { server, serverKey } = desk;
  const { state, request } = await clientStartRegistration(password);
  const start = { type: "account.register.start", name, request, ...invitation(desk) } as const;
  const { message } = await server.request(start);
  const { response } = message;
  return await clientFinishRegistration({ name, password, serverKey, state, response });
}

/** Registers the account and this device. */
export async function finishRegistration(
  desk: Desk,
  input: Arriving & { readonly identity: Identity; readonly registered: ClientRegistered },
): Promise<void> {
  const { identity, registered, label, instance } = input;
  const { certificate } = identity;
  const vault = vaultOf(identity, registered.exportKey);
  await desk.server.request({
    type: "account.register.finish",
    ...invitation(desk),
    name: certificate.name,
    record: registered.record,
    certificate: toBase64url(certificate.bytes),
    label,
    instance,
    receive: false,
    body: vault.length,
  }, vault);
}

/** The account's vault under the export key of its password. */
export function vaultOf(
  { accountKey, archiveKey, certificate }: Identity,
  exportKey: string,
): Bytes {
  const { accountId } = certificate;
  return sealVault(exportKey, { accountSeed: accountKey.seed, archiveKey }, { accountId });
}

/**
 * The first half of a login. The server has proved that it holds the record of this very password; it does not yet know
 * that the password is right. Rejects with `invalid_credentials`.
 */
async function proveToClient(
  { server, serverKey }: Desk,
  { name, password }: Credentials,
): Promise<ClientLoggedIn> {
  const { state, request } = await clientStartLogin(password);
  const { message } = await server.request({ type: "account.login.start", name, request });
  const { response } = message;
  const loggedIn = await clientFinishLogin({ name, password, serverKey, state, response });
  if (loggedIn === undefined) throw new AppError("invalid_credentials");
  return loggedIn;
}

/** What a password brings back: the account as it was, without a device. */
export interface RecoveredAccount {
  readonly name: string;
  readonly accountId: string;
  readonly accountKey: SigningKey;
  readonly archiveKey: Bytes;
}

/**
 * Logs in by password and opens the vault; the session may then enrol its device. Rejects with `invalid_credentials`,
 * and with `TrustError` when the account is not what the vault says.
 */
export async function loginByPassword(
  desk: Desk,
  credentials: Credentials,
): Promise<RecoveredAccount> {
  const { finish, exportKey } = await proveToClient(desk, credentials);
  const { message, body } = await desk.server.request({ type: "account.login.finish", finish });
  const { account, name } = message;
  const secrets = openOwnVault(exportKey, { vault: body, accountId: account });
  const accountKey = signingKeyFromSeed(secrets.accountSeed);
  const fits = equalBytes(accountKey.publicKey, fromBase64url(message.accountKey)) &&
    canonicalName(name) === canonicalName(credentials.name);
  if (!fits) {
    throw new TrustError(
      "the server shows another account than the one in your vault; nothing was sent",
    );
  }
  return { name, accountId: account, accountKey, archiveKey: secrets.archiveKey };
}

function openOwnVault(
  exportKey: string,
  { vault, accountId }: { readonly vault: Uint8Array; readonly accountId: string },
) {
  try {
    return openVault(exportKey, vault, { accountId });
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "tampered") throw cause;
    throw new TrustError("the vault that the server gave is not this account's, or was changed", {
      cause,
    });
  }
}

/** The account's keys on this device, certified now. */
export function identityFrom(
  account: RecoveredAccount,
  on: { readonly serverKey: Uint8Array; readonly device: SigningKey; readonly now: number },
): Identity {
  return identityOf({ ...account, ...on });
}

/** Adds this device to the account that has just logged in. */
export async function enrol(
  { server }: Desk,
  { identity, label, instance }: Arriving & { readonly identity: Identity },
): Promise<void> {
  await server.request({
    type: "device.enrol",
    certificate: toBase64url(identity.certificate.bytes),
    label,
    instance,
    receive: false,
  });
}

/** Whether the server knows this device: then account and device are there. */
export async function isDeviceKnown(
  { server }: Desk,
  { instance }: Pick<Arriving, "instance">,
): Promise<boolean> {
  try {
    await server.request({ type: "account.login.device", instance, receive: false });
    return true;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "unknown_device") return false;
    throw thrown;
  }
}
