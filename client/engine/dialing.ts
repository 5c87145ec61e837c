/** Reaching a server: first contact and its pin, then connections that only the pinned identity can answer. */
import { equalBytes } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { software } from "../../lib/base/version.ts";
import {
  fingerprint,
  fingerprintHex,
  formatFingerprint,
  matchesFingerprint,
  parseFingerprint,
} from "../../lib/crypto/fingerprint.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import { Connection } from "../../lib/wire/connection.ts";
import { type FirstContact, firstContact } from "../../lib/wire/first_contact.ts";
import { dial, dialSystem } from "../../lib/wire/tls.ts";
import type { ServerAddress, TrustPolicy } from "./api.ts";
import { formatAddress, type KnownServer, type KnownServers } from "./servers.ts";
import { TrustError } from "./trust_error.ts";

/** What meeting a server needs. */
export interface MeetOptions {
  readonly servers: KnownServers;
  readonly trust: TrustPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The pinned server at an address. An unknown one is asked who it is (nothing else is sent), judged by the link's
 * fingerprint or by the policy, and pinned. Throws `TrustError` when the link or the pin says otherwise or nobody
 * vouches for it, and `ContactError` when there is no server.
 */
export async function meetServer(
  address: ServerAddress,
  options: MeetOptions,
): Promise<KnownServer> {
  const known = options.servers.find(address);
  if (known !== undefined) {
    checkLink(address, known.identity);
    return known;
  }
  const found = await firstContact({ ...address, signal: options.signal });
  checkLink(address, found.identity);
  const by = await vouched(address, { found, ...options });
  const server: KnownServer = {
    host: address.host,
    port: address.port,
    identity: new Uint8Array(found.identity),
    authority: found.authority,
    name: sanitizeLine(found.name, 64),
    firstSeen: options.clock.now(),
    by,
  };
  const elsewhere = options.servers.byFingerprint(fingerprintHex(found.identity));
  const { lastUser } = elsewhere ?? {};
  const pinned = lastUser === undefined ? server : { ...server, lastUser };
  options.servers.pin(pinned);
  return pinned;
}

/** Whose word it is that the server is the right one. */
async function vouched(
  address: ServerAddress,
  { found, servers, trust }: MeetOptions & { readonly found: FirstContact },
): Promise<KnownServer["by"]> {
  if (address.fingerprint !== undefined) return "link";
  // The same identity under another address was vouched for before.
  const elsewhere = servers.byFingerprint(fingerprintHex(found.identity));
  if (elsewhere !== undefined) return elsewhere.by;
  const facts = {
    host: address.host,
    port: address.port,
    name: sanitizeLine(found.name, 64),
    fingerprint: found.fingerprint,
  };
  if (await trust.confirm(facts)) return "confirmed";
  throw new TrustError(
    `${
      formatAddress(address)
    } is not known here and nobody vouched for it; nothing was sent. Its ` +
      `fingerprint is ${found.fingerprint}: compare it with the operator's, then use --accept-new or a link`,
  );
}

function checkLink(address: ServerAddress, identity: Uint8Array): void {
  if (address.fingerprint === undefined) return;
  const wanted = parseFingerprint(address.fingerprint);
  if (matchesFingerprint(identity, wanted)) return;
  throw new TrustError(
    `${formatAddress(address)} is not the server of that link; nothing was sent. The link says ` +
      `${formatFingerprint(wanted)}, the server is ${fingerprint(identity)}: ask for a new link`,
  );
}

/** What a connection needs. */
export interface OpenOptions {
  readonly server: KnownServer;
  readonly servers: KnownServers;
  /** Signs every frame. */
  readonly device: SigningKey;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * A greeted connection to a pinned server. Throws `TrustError` with both fingerprints when another identity answers
 * there, and `ContactError` when nobody does.
 */
export async function openConnection(options: OpenOptions): Promise<Connection> {
  try {
    return await connect(options);
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (!(thrown instanceof AppError)) throw thrown;
    const suspicious = thrown.code === "invalid_certificate" || thrown.code === "tampered";
    if (!suspicious) throw thrown;
    return await connect({ ...options, server: await examine(options, thrown) });
  }
}

async function connect({ server, device, clock, signal }: OpenOptions): Promise<Connection> {
  const { host, port, identity, authority } = server;
  const transport = authority === ""
    ? await dialSystem({ host, port, signal })
    : await dial({ host, port, identity, authority, signal });
  return await Connection.open(transport, {
    device,
    expectIdentity: identity,
    facts: { software, role: "client" },
    clock,
    signal,
  });
}

/**
 * Why a pinned server's certificate did not hold: another identity is there, or the same one has a new authority, which
 * its signature on the hello vouches for. Throws unless it is the latter.
 */
async function examine(options: OpenOptions, error: AppError): Promise<KnownServer> {
  const { server, servers, signal } = options;
  const { host, port } = server;
  const found = await firstContact({ host, port, signal });
  if (!equalBytes(found.identity, server.identity)) {
    throw new TrustError(
      `the identity of ${formatAddress(server)} has CHANGED; nothing was sent. It was ` +
        `${
          fingerprint(server.identity)
        }, now it is ${found.fingerprint}: ask the operator before anything else`,
      { cause: error },
    );
  }
  if (found.authority === server.authority) throw error;
  const renewed = { ...server, authority: found.authority };
  servers.pin(renewed);
  return renewed;
}
