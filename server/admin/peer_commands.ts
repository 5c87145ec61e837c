/** The operator's commands about linked servers: what they ask, and what they print. */
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { typedLine } from "../../lib/base/json_line.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { formatFingerprint, parseFingerprint } from "../../lib/crypto/fingerprint.ts";
import { RunningServer } from "./ask.ts";
import type { PeerStatus } from "./protocol.ts";
import { sizeText, spanText } from "./text.ts";

/** A command about linked servers. */
export type PeerCommand =
  & { readonly kind: "peer"; readonly json: boolean }
  & (
    | {
      readonly action: "add";
      readonly address: string;
      readonly fingerprint: string | undefined;
      readonly name: string | undefined;
    }
    | { readonly action: "list" }
    | { readonly action: "show" | "pause" | "resume" | "block" | "unblock"; readonly name: string }
    | { readonly action: "remove"; readonly name: string; readonly drop: boolean }
  );

/** Where a command runs. */
export interface PeerWorld {
  readonly folder: string;
  readonly print: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Runs a command; returns the exit code. Throws `ExitError`. */
export async function runPeerCommand(command: PeerCommand, world: PeerWorld): Promise<number> {
  using server = await RunningServer.connect(world.folder);
  switch (command.action) {
    case "add": {
      const { address, fingerprint, name } = command;
      const input = { address, ...without({ fingerprint, name }) };
      return one(command, { world, peer: await server.ask("peer.add", input) });
    }
    case "list":
      return list(command, { world, peers: (await server.ask("peer.list", {})).peers });
    case "show": {
      const { peers } = await server.ask("peer.list", {});
      return one(command, { world, peer: named(peers, command.name) });
    }
    case "pause":
    case "resume":
    case "block":
    case "unblock":
      return one(command, {
        world,
        peer: await server.ask(`peer.${command.action}`, { name: command.name }),
      });
    case "remove":
      return removed(command, {
        world,
        ...await server.ask("peer.remove", { name: command.name, drop: command.drop }),
      });
  }
}

function without<T extends Record<string, string | undefined>>(
  fields: T,
): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

function named(peers: readonly PeerStatus[], name: string): PeerStatus {
  const found = peers.find((peer) => peer.name === name || peer.fingerprint === name);
  if (found !== undefined) return found;
  throw new ExitError(
    "notFound",
    `no linked server is called ${JSON.stringify(name)}; \`sealpost server peer list\` shows all`,
  );
}

function one(
  { json }: PeerCommand,
  { world, peer }: { readonly world: PeerWorld; readonly peer: PeerStatus },
): number {
  const lines = json ? [peerJson(peer)] : peerLines(peer, world.now());
  lines.forEach((line) => world.print(line));
  return exitCodes.done;
}

function list(
  { json }: PeerCommand,
  { world, peers }: { readonly world: PeerWorld; readonly peers: readonly PeerStatus[] },
): number {
  for (const peer of peers) world.print(json ? peerJson(peer) : summary(peer, world.now()));
  if (peers.length === 0 && !json) {
    world.print("No server is linked: `sealpost server peer add HOST:PORT` links one.");
  }
  return exitCodes.done;
}

function removed(
  { json }: PeerCommand,
  { world, dropped }: { readonly world: PeerWorld; readonly dropped: number },
): number {
  const lost = dropped > 0 ? ` ${dropped} messages that waited for it are gone.` : "";
  world.print(
    json ? typedLine("peer_removed", { dropped }) : `The link is removed.${lost}`,
  );
  return exitCodes.done;
}

function peerJson(peer: PeerStatus): string {
  return typedLine("peer", peer);
}

/** One line of the list. */
function summary(peer: PeerStatus, now: number): string {
  const waiting = peer.queued > 0 ? `, ${peer.queued} waiting` : "";
  return `${peer.name.padEnd(24)} ${standing(peer, now)}${waiting}`;
}

/** How it stands, in a few words. */
function standing(peer: PeerStatus, now: number): string {
  if (peer.state === "paused") return "paused";
  if (peer.state === "blocked") return "BLOCKED";
  if (peer.state === "changed") return "STOPPED: another server answers at its address";
  if (peer.link === "linked") {
    const held = peer.trouble === null ? "" : `; ${troubleText(peer.trouble)}`;
    return `linked for ${spanText(now - (peer.linkSince ?? now))}${held}`;
  }
  if (peer.trouble !== null) return `not linked: ${troubleText(peer.trouble)}`;
  return peer.link === "dialling" ? "connecting" : "not linked: waiting for it to connect";
}

/** What the other side's refusals mean for this side's operator. */
const refusals: Readonly<Record<string, string>> = {
  peer_unknown: "that server does not know this one yet: its operator has to add it there too",
  peer_paused: "that server's operator has paused the link",
  peer_blocked: "that server's operator has blocked this one",
  peer_self: "that address leads back to this server itself",
  unsupported_version: "that server speaks another version: one of the two needs an update",
  server_closing: "that server was stopped",
};

function troubleText({ code, text }: { readonly code: string; readonly text: string }): string {
  return refusals[code] ?? sanitizeLine(text, 200);
}

const pins: Readonly<Record<PeerStatus["pin"], string>> = {
  fingerprint: "by the fingerprint that was given",
  contact: "by first contact: compare the fingerprint with its operator",
  incoming: "it came by itself: compare the fingerprint with its operator",
};

/** Everything about one, for people. */
function peerLines(peer: PeerStatus, now: number): string[] {
  const next = peer.nextAt === null || peer.link === "linked"
    ? []
    : [["Next attempt", `in ${spanText(Math.max(0, peer.nextAt - now))}`] as const];
  const rows: readonly (readonly [string, string])[] = [
    ["Calls itself", sanitizeLine(peer.declared, 64)],
    ["Address", peer.address ?? "none: it dials this server"],
    ["Fingerprint", formatFingerprint(parseFingerprint(peer.fingerprint))],
    ["Trusted", pins[peer.pin]],
    ["Link", standing(peer, now)],
    ...next,
    ["Waiting", `${peer.queued} messages, ${sizeText(peer.queuedBytes)}`],
    ...changedRows(peer),
  ];
  return [peer.name, ...rows.map(([name, text]) => `  ${`${name}:`.padEnd(14)}${text}`)];
}

/** What the operator can do about another server at a peer's address. */
function changedRows({ name, address, seen }: PeerStatus): (readonly [string, string])[] {
  if (seen === null) return [];
  return [
    ["Answers there", formatFingerprint(parseFingerprint(seen))],
    [
      "What to do",
      `ask its operator. If the new one is right: peer remove ${name}, then peer add ${address} ` +
      `--fingerprint ${seen}. To try again with the old one: peer resume ${name}`,
    ],
  ];
}
