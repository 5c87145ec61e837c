/** Accounts and devices of linked servers, as far as they have shown themselves here. */
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { randomId } from "../../lib/base/ids.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { choosePeerName, declaredName } from "../domain/peers.ts";
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
): Shown {
  const certificate = readCertificate(certificateText);
  if (certificate === undefined || toBase64url(certificate.serverKey) !== peer.identity) {
    return refuse("invalid_certificate");
  }
  return remember(context, { peer, by: peer, certificate, text: certificateText });
}

/** Whom a certificate names, or why it is not believed. */
type Shown = (RemoteParty & { readonly ok: true }) | Refused;

/**
 * As `remoteParty`, for a certificate of another server's account that the hub of a conversation shows. What is known of
 * that server by its own word stands against it, and goes before it whenever it comes; `called` is what the hub calls a
 * server that is not known here.
 */
export function namedParty(
  context: Context,
  hub: Peer,
  shown: { readonly certificate: string; readonly called: string },
): Shown {
  const certificate = readCertificate(shown.certificate);
  if (certificate === undefined) return refuse("invalid_certificate");
  const identity = toBase64url(certificate.serverKey);
  if (identity === hub.identity) return remoteParty(context, hub, shown.certificate);
  // Of this server's own accounts nobody tells it.
  if (isOwnIdentity(context.tables, identity)) return refuse("invalid_certificate");
  const peer = namedServer(context, { identity, called: shown.called });
  if (peer === undefined) return refuse("quota_exceeded");
  return remember(context, { peer, by: hub, certificate, text: shown.certificate });
}

function isOwnIdentity({ accounts, devices }: Tables, identity: string): boolean {
  const [someone] = accounts.inOrder(undefined, 1);
  const [device] = someone === undefined ? [] : devices.ofAccount(someone.key);
  const certificate = device && readCertificate(device.certificate);
  return certificate !== undefined && toBase64url(certificate.serverKey) === identity;
}

/** The server of this identity; one that was not heard of is remembered, within bounds. */
function namedServer(
  { tables: { peers }, now }: Context,
  { identity, called }: { readonly identity: string; readonly called: string },
): Peer | undefined {
  const fingerprint = fingerprintHex(fromBase64url(identity));
  const known = peers.byFingerprint(fingerprint);
  if (known !== undefined) return known;
  if (peers.named() >= peerLimits.namedServers) return undefined;
  const declared = declaredName(called);
  const name = choosePeerName(
    { declared, fingerprint },
    (each) => peers.byName(each) !== undefined,
  );
  const facts = { fingerprint, identity, name, declared, address: null, pin: "incoming" } as const;
  const peer = peers.add({ ...facts, stream: randomId(), addedAt: now });
  peer.state = "named";
  peers.save(peer);
  return peer;
}

/** A certificate, the server that it names, and the one that shows it. */
interface Showing {
  readonly peer: Peer;
  readonly by: Peer;
  readonly certificate: DeviceCertificate;
  readonly text: string;
}

function remember(context: Context, showing: Showing): Shown {
  const { peer, by, certificate, text: certificateText } = showing;
  const { accounts, devices } = context.tables;
  const deviceKey = toBase64url(certificate.deviceKey);
  if (by === peer) clearHearsay(context.tables, showing);
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
  const retryAfterMs = knownDevice === undefined ? countNew(context, by) : 0;
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const account = knownAccount ?? accounts.addRemote({
    account: certificate.accountId,
    name,
    accountKey: toBase64url(certificate.accountKey),
    createdAt: context.now,
    peer: peer.key,
    fingerprint: peer.fingerprint,
    hearsay: by !== peer,
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

/**
 * What others have said of the server's account or of its name gives way to its own word. Who was shown falsely stays in the
 * conversations of whoever did that, as nobody that anybody knows.
 */
function clearHearsay({ accounts, devices }: Tables, { peer, certificate }: Showing): void {
  const { accountId, name } = certificate;
  for (
    const account of [accounts.anyById(accountId), accounts.remoteByName(name, peer.fingerprint)]
  ) {
    if (account === undefined || !accounts.isHearsay(account.key)) continue;
    const genuine = account.account === accountId && isSame(account, peer, certificate);
    if (genuine) accounts.confirm(account.key);
    else accounts.displace(account.key);
  }
  const device = devices.anyById(toBase64url(certificate.deviceKey));
  const false_ = device !== undefined && device.accountId !== accountId &&
    accounts.isHearsay(device.account);
  if (false_) devices.displace(device.key);
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
