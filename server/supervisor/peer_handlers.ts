/** What the operator's commands about linked servers do in a running server. */
import { toHex } from "../../lib/base/bytes.ts";
import { AppError, type ErrorCode, errorCodes } from "../../lib/base/errors.ts";
import { ExitError, type ExitReason } from "../../lib/base/exit_codes.ts";
import { formatAddress, parseServerAddress } from "../../lib/base/server_address.ts";
import {
  fingerprintHex,
  formatFingerprint,
  parseFingerprint,
} from "../../lib/crypto/fingerprint.ts";
import type { AdminHandlers, PeerStatus } from "../admin/protocol.ts";
import { isPeerName } from "../domain/peers.ts";
import type { LinkStatus } from "../federation/control.ts";
import type { PeerPin, PeerRow, PeerState, Storage } from "../operations/contract.ts";
import type { Announcement } from "./announce.ts";
import type { Links } from "./federation.ts";

/** What the handlers work with. */
export interface PeerParts {
  readonly operations: Storage;
  readonly links: Links;
  readonly announcement: Announcement;
}

type PeerHandlers = Pick<
  AdminHandlers,
  | "peer.add"
  | "peer.list"
  | "peer.pause"
  | "peer.resume"
  | "peer.block"
  | "peer.unblock"
  | "peer.remove"
>;

/** One function for every request about linked servers. */
export function peerHandlers(parts: PeerParts): PeerHandlers {
  return {
    "peer.add": (input) => add(parts, input),
    "peer.list": async () => ({ peers: await statuses(parts) }),
    "peer.pause": ({ name }) => setState(parts, name, "paused"),
    "peer.resume": ({ name }) => setState(parts, name, "active"),
    "peer.block": ({ name }) => block(parts, name),
    "peer.unblock": ({ name }) => unblock(parts, name),
    "peer.remove": (input) => remove(parts, input),
  };
}

/** Who is meant: by the fingerprint that was given, else whoever answers at the address. */
interface Chosen {
  readonly fingerprint: string;
  readonly identity: string | null;
  readonly declared: string;
  readonly pin: PeerPin;
}

async function add(
  parts: PeerParts,
  input: { readonly address: string; readonly fingerprint?: string; readonly name?: string },
): Promise<PeerStatus> {
  const { operations, links, announcement } = parts;
  const place = parseServerAddress(text(input.address));
  const address = formatAddress(place);
  const given = input.fingerprint ?? place.fingerprint;
  if (input.name !== undefined && !isPeerName(text(input.name))) throw badName();
  const chosen = given === undefined
    ? await contact(parts, address)
    : await expected(parts, { address, host: place.host, fingerprint: digits(given) });
  if (chosen.fingerprint === fingerprintHex(announcement.identityKey)) {
    throw new ExitError("usage", "that is this server itself: give the address of another one");
  }
  const known = await found(parts, chosen.fingerprint);
  if (known !== undefined) return await again(parts, known, address);
  const added = await operations.call("peer.add", { ...chosen, name: input.name, address });
  if (!added.ok) throw refusal(added.code, input.name ?? address);
  await links.start();
  return await statusOf(parts, added.peer.peer);
}

async function contact({ links }: PeerParts, address: string): Promise<Chosen> {
  try {
    const { fingerprint, identity, name } = await links.meet(address);
    return { fingerprint, identity, declared: name, pin: "contact" };
  } catch (thrown) {
    if (!(thrown instanceof ExitError)) throw thrown;
    const advice = "to add it before it can be reached, give its fingerprint with --fingerprint";
    throw new ExitError(thrown.reason, `${thrown.message}; ${advice}`, { cause: thrown });
  }
}

/** Who was told of beforehand; if it can be reached, it also says what it calls itself. Throws `ExitError` (trust). */
async function expected(
  { links }: PeerParts,
  wanted: { readonly address: string; readonly host: string; readonly fingerprint: string },
): Promise<Chosen> {
  const { address, fingerprint } = wanted;
  const met = await links.meet(address).catch((thrown: unknown) => {
    if (thrown instanceof ExitError && thrown.reason === "network") return undefined;
    throw thrown;
  });
  if (met !== undefined && met.fingerprint !== fingerprint) {
    const seen = formatFingerprint(parseFingerprint(met.fingerprint));
    throw new ExitError(
      "trust",
      `another server answers at ${address}, with the fingerprint ${seen}; nothing was added. ` +
        "Ask its operator which one is right",
    );
  }
  const { identity = null, name = wanted.host } = met ?? {};
  return { fingerprint, identity, declared: name, pin: "fingerprint" };
}

/** A server that came by itself gets its address; one that has one is told of. */
async function again(parts: PeerParts, known: PeerRow, address: string): Promise<PeerStatus> {
  refuseBlocked(known);
  if (known.address === address) {
    throw new ExitError("notAllowed", `that server is added already, as ${known.name}`);
  }
  await parts.operations.call("peer.update", { peer: known.peer, address });
  await parts.links.start();
  return await statusOf(parts, known.peer);
}

async function setState(parts: PeerParts, name: string, state: PeerState): Promise<PeerStatus> {
  const row = await wanted(parts, name);
  refuseBlocked(row);
  await parts.operations.call("peer.update", { peer: row.peer, state });
  await parts.links.start();
  return await statusOf(parts, row.peer);
}

/** A blocked server comes back by one command alone. */
function refuseBlocked({ state, name }: PeerRow): void {
  if (state !== "blocked") return;
  throw new ExitError(
    "notAllowed",
    `${name} is blocked: \`sealpost server peer unblock ${name}\` first`,
  );
}

/** Blocks a linked server, or notes the fingerprint of one that never was, so that it never gets in. */
async function block(parts: PeerParts, name: string): Promise<PeerStatus> {
  const row = await strangerOf(parts, name) ?? await wanted(parts, name);
  await parts.operations.call("peer.block", { peer: row.peer });
  await parts.links.start();
  return await statusOf(parts, row.peer);
}

/** A row for a server of which only the fingerprint is given; undefined where there is one, or it is a name. */
async function strangerOf(parts: PeerParts, name: string): Promise<PeerRow | undefined> {
  const fingerprint = /^[0-9a-f\s]{64,}$/i.test(text(name)) ? digits(name) : undefined;
  if (fingerprint === undefined) return undefined;
  const known = await found(parts, fingerprint);
  if (known !== undefined) return known;
  if (fingerprint === fingerprintHex(parts.announcement.identityKey)) {
    throw new ExitError("usage", "that is this server itself");
  }
  const facts = { fingerprint, identity: null, address: null, pin: "fingerprint" } as const;
  const added = await parts.operations.call("peer.add", {
    ...facts,
    name: undefined,
    declared: "",
    blocked: true,
  });
  if (!added.ok) throw refusal(added.code, name);
  return added.peer;
}

async function unblock(parts: PeerParts, name: string): Promise<PeerStatus> {
  const row = await wanted(parts, name);
  const done = await parts.operations.call("peer.unblock", { peer: row.peer });
  if (!done.ok) throw new ExitError("notAllowed", `${row.name} is not blocked`);
  await parts.links.start();
  return await statusOf(parts, row.peer);
}

async function remove(
  parts: PeerParts,
  { name, drop }: { readonly name: string; readonly drop: boolean },
): Promise<{ dropped: number }> {
  const row = await wanted(parts, name);
  refuseBlocked(row);
  if (row.queued > 0 && drop !== true) {
    throw new ExitError(
      "notAllowed",
      `${row.queued} messages still wait for ${row.name} and would be lost: ` +
        "wait until it is back, or add --drop",
    );
  }
  const removed = await parts.operations.call("peer.remove", { peer: row.peer });
  return { dropped: removed.ok ? removed.dropped : 0 };
}

// --- looking

async function rows({ operations }: PeerParts): Promise<readonly PeerRow[]> {
  return (await operations.call("peer.list", {})).peers;
}

async function found(parts: PeerParts, fingerprint: string): Promise<PeerRow | undefined> {
  return (await rows(parts)).find((row) => row.fingerprint === fingerprint);
}

/** By name, or by fingerprint. Throws `ExitError` (notFound). */
async function wanted(parts: PeerParts, name: string): Promise<PeerRow> {
  const all = await rows(parts);
  const plain = text(name).replace(/\s/g, "").toLowerCase();
  const row = all.find((each) => each.name === name || each.fingerprint === plain);
  if (row !== undefined) return row;
  const known = all.map((each) => each.name).join(", ");
  const there = all.length === 0 ? "no server is linked" : `there are: ${known}`;
  throw new ExitError(
    "notFound",
    `no linked server is called ${JSON.stringify(text(name))}; ${there}`,
  );
}

async function statuses(parts: PeerParts): Promise<PeerStatus[]> {
  const links = await parts.links.status();
  return (await rows(parts)).map((row) =>
    peerStatus(row, links.find(({ fingerprint }) => fingerprint === row.fingerprint))
  );
}

async function statusOf(parts: PeerParts, peer: number): Promise<PeerStatus> {
  const row = (await rows(parts)).find((each) => each.peer === peer);
  if (row === undefined) throw new ExitError("notFound", "that server was removed meanwhile");
  const links = await parts.links.status();
  return peerStatus(row, links.find(({ fingerprint }) => fingerprint === row.fingerprint));
}

function peerStatus(row: PeerRow, link: LinkStatus | undefined): PeerStatus {
  const { peer: _, identity: __, ...fields } = row;
  return {
    ...fields,
    link: row.state === "active" ? link?.state ?? "off" : "off",
    linkSince: link?.since ?? null,
    dialled: link?.dialled ?? null,
    trouble: link?.trouble ?? null,
    nextAt: link?.nextAt ?? null,
  };
}

// --- what was typed

/** Requests come from the same user's commands, but not always from the same version. */
function text(value: unknown): string {
  if (typeof value === "string" && value.length <= 1024) return value;
  throw new ExitError("usage", "that is not a request of this program");
}

function digits(fingerprint: string): string {
  try {
    return toHex(parseFingerprint(text(fingerprint)));
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new ExitError("usage", `${thrown.message}, for example ${example}`, { cause: thrown });
  }
}

const example = `${formatFingerprint(new Uint8Array(32)).slice(0, 14)} ...`;

function badName(): ExitError {
  return new ExitError(
    "usage",
    "a linked server's name has 1 to 64 characters: a-z 0-9 . -, beginning and ending with a letter or digit",
  );
}

const reasons: Partial<Record<ErrorCode, ExitReason>> = {
  name_taken: "notAllowed",
  peer_duplicate: "notAllowed",
  quota_exceeded: "notAllowed",
};

function refusal(code: ErrorCode, what: string): ExitError {
  const why = code === "name_taken"
    ? "another linked server has that name: choose one with --name"
    : code === "quota_exceeded"
    ? "as many servers are linked as can be: remove one"
    : errorCodes[code].text;
  return new ExitError(reasons[code] ?? "failed", `${what} was not added: ${why}`);
}
