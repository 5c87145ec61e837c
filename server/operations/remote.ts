/** Accounts and devices of linked servers, as far as they have shown themselves here. */
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { Peer } from "../tables/peers.ts";
import type { Account, Device } from "../tables/tables.ts";
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
 * server, name or key, or a known device another account.
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
  const account = knownAccount ?? addAccount(context, peer, certificate);
  const device = knownDevice ?? devices.add({
    device: deviceKey,
    account: account.key,
    label: "",
    certificate: certificateText,
    createdAt: context.now,
  });
  return device.revokedAt === null ? { ok: true, account, device } : refuse("device_revoked");
}

/** How an account of a peer is shown on this server. */
export function addressOf(name: string, peer: Pick<Peer, "name">): string {
  return `${name}@${peer.name}`;
}

function isSame(account: Account, peer: Peer, certificate: DeviceCertificate): boolean {
  return account.peer === peer.key &&
    account.accountKey === toBase64url(certificate.accountKey) &&
    account.name.toLowerCase() === addressOf(certificate.name, peer).toLowerCase();
}

/** A name that another account of the peer had under another id is taken: names do not change hands. */
function addAccount(context: Context, peer: Peer, certificate: DeviceCertificate): Account {
  return context.tables.accounts.addRemote({
    account: certificate.accountId,
    name: addressOf(certificate.name, peer),
    accountKey: toBase64url(certificate.accountKey),
    createdAt: context.now,
    peer: peer.key,
  });
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
