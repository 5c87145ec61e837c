/** Dialling another server: who answers there is proved before anything is said. */
import { equalBytes, fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { formatAddress, parseServerAddress } from "../../lib/base/server_address.ts";
import { software } from "../../lib/base/version.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import { Connection } from "../../lib/wire/connection.ts";
import { type FirstContact, firstContact } from "../../lib/wire/first_contact.ts";
import { dial, dialSystem, type SocketTransport } from "../../lib/wire/tls.ts";
import { dialledChannel, type PeerChannel } from "./channel.ts";

/** Who is to be met. */
export interface Wanted {
  /** `HOST:PORT`. */
  readonly address: string;
  /** 64 hexadecimal digits. */
  readonly fingerprint: string;
}

/** Another server answers at a peer's address. */
export class ChangedIdentity extends AppError {
  /** The fingerprint of whoever answers, 64 hexadecimal digits. */
  readonly seen: string;

  constructor(seen: string) {
    super("tampered", { text: "another server answers at its address" });
    this.seen = seen;
  }
}

/** What a first contact learns. */
export interface Met {
  /** Base64url. */
  readonly identity: string;
  readonly fingerprint: string;
  readonly name: string;
}

/** Asks who answers at an address; nothing is sent. Throws `AppError`. */
export async function meet(address: string, signal?: AbortSignal): Promise<Met> {
  const contact = await contactAt(address, signal);
  return {
    identity: toBase64url(contact.identity),
    fingerprint: fingerprintHex(contact.identity),
    name: contact.name,
  };
}

/** What dialling needs beside the peer. */
export interface Dialer {
  readonly identity: SigningKey;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * A greeted line to the wanted server, over TLS that its identity vouches for; a server with a public certificate is
 * reached under its public name. Throws `ChangedIdentity`, `AppError("peer_self")`, `AppError`, or the signal's reason.
 */
export async function dialPeer(wanted: Wanted, dialer: Dialer): Promise<PeerChannel> {
  const contact = await contactAt(wanted.address, dialer.signal);
  const found = fingerprintHex(contact.identity);
  if (found !== wanted.fingerprint) throw new ChangedIdentity(found);
  if (equalBytes(contact.identity, dialer.identity.publicKey)) throw new AppError("peer_self");
  const transport = await secure(wanted.address, contact, dialer.signal);
  const connection = await Connection.open(transport, {
    device: dialer.identity,
    facts: { software, role: "peer" },
    expectIdentity: contact.identity,
    clock: dialer.clock,
    signal: dialer.signal,
  });
  return dialledChannel(connection, wanted.address);
}

function contactAt(address: string, signal: AbortSignal | undefined): Promise<FirstContact> {
  const { host, port } = parseServerAddress(address);
  return firstContact({ host, port, ...(signal === undefined ? {} : { signal }) });
}

function secure(
  address: string,
  { identity, authority }: FirstContact,
  signal: AbortSignal,
): Promise<SocketTransport> {
  const { host, port } = parseServerAddress(address);
  const where = { host, port, signal };
  return authority === "" ? dialSystem(where) : dial({ ...where, identity, authority });
}

/** The fingerprint of a base64url identity key. */
export function fingerprintOf(identity: string): string {
  return fingerprintHex(fromBase64url(identity));
}

/** An address in the one form in which it is kept. Throws `ExitError` (usage). */
export function canonicalAddress(text: string): string {
  return formatAddress(parseServerAddress(text));
}
