/** Accounts and devices of linked servers, as far as they have shown themselves here. */
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { Peer } from "../tables/peers.ts";
import type { Account, Device, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { type Context, refuse } from "./context.ts";
import type { Refused } from "./contract.ts";

/** A party of another server. */
export interface RemoteParty {
  readonly account: Account;
  readonly device: Device;
}

/**
 * The account and device that a certificate names, remembered when they are new. A peer speaks for its own users alone:
 * refused (`invalid_certificate`) when the certificate is not of the peer's identity, or gives a known account another
 * server, name or key, a known name another account, or a known device another account; `rate_limited` when the peer
 * shows too many new devices.
 */
export function remoteParty(
  context: Context,
  peer: Peer,
  certificateText: string,
): (RemoteParty & { readonly ok: true }) | Refused {
  const certificate = readCertificate(certificateText);
  if (certificate === undefined || toBase64url(certificate.serverKey) !== peer.identity) {
    return refuse("invalid_certificate");
  }
  const { accounts, devices } = context.tables;
  const deviceKey = toBase64url(certificate.deviceKey);
  const knownAccount = accounts.anyById(certificate.accountId);
  const knownDevice = devices.anyById(deviceKey);
  if (knownAccount !== undefined && !isSame(knownAccount, peer, certificate)) {
    return refuse("invalid_certificate");
  }
  if (knownDevice !== undefined && knownDevice.account !== knownAccount?.key) {
    return refuse("invalid_certificate");
  }
  // Names do not change hands.
  const { name } = certificate;
  const named = accounts.remoteByName(name, peer.fingerprint);
  if (named !== undefined && named !== knownAccount) return refuse("invalid_certificate");
  const retryAfterMs = knownDevice === undefined ? countNew(context, peer) : 0;
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const account = knownAccount ?? accounts.addRemote({
    account: certificate.accountId,
    name,
    accountKey: toBase64url(certificate.accountKey),
    createdAt: context.now,
    peer: peer.key,
    fingerprint: peer.fingerprint,
  });
  const device = knownDevice ?? devices.add({
    device: deviceKey,
    account: account.key,
    label: "",
    certificate: certificateText,
    createdAt: context.now,
  });
  return device.revokedAt === null ? { ok: true, account, device } : refuse("device_revoked");
}

const allowance = { most: peerLimits.newDevicesPerHour, windowMs: 60 * 60 * 1000 };

/** Milliseconds until a device of the peer that was not seen before may be remembered; 0 counts one. */
function countNew(context: Context, { fingerprint }: Peer): number {
  return spend(context, { kind: "enrol", subject: `peer ${fingerprint}`, allowance });
}

/** How an account is shown on this server: an own one by its name, one of a linked server under its address here. */
export function shownName(tables: Tables, { name, peer }: Pick<Account, "name" | "peer">): string {
  return peer === null ? name : `${name}@${peerName(tables, peer)}`;
}

/** What a linked server is called here, by its storage key. */
export function peerName({ peers }: Tables, peer: number): string {
  return peers.byKey(peer)?.name ?? "unknown";
}

function isSame(account: Account, peer: Peer, certificate: DeviceCertificate): boolean {
  return account.peer === peer.key &&
    account.accountKey === toBase64url(certificate.accountKey) &&
    canonicalName(account.name) === canonicalName(certificate.name);
}

/** Certificates that were verified lately: a peer sends one with every post of a device. Texts alone decide, so it is one for all. */
const verified = new Map<string, DeviceCertificate>();
const mostVerified = 4096;

function readCertificate(text: string): DeviceCertificate | undefined {
  const known = verified.get(text);
  if (known !== undefined) return known;
  try {
    const certificate = readDeviceCertificate(fromBase64url(text));
    if (verified.size >= mostVerified) verified.clear();
    verified.set(text, certificate);
    return certificate;
  } catch (thrown) {
    if (thrown instanceof AppError || thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}
