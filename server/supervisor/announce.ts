/** What the server says about itself once it listens. Pure. */
import { encode } from "uqr";
import { typedLine } from "../../lib/base/json_line.ts";
import { qrRows } from "../../lib/base/qr_rows.ts";
import { fingerprint, fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { ListenAddress } from "../gateway/control.ts";
import { hostAndPort } from "./addresses.ts";

/** Modules of light around a QR code (ISO/IEC 18004 section 9.1). */
const quietZone = 4;

/** Facts of a listening server. */
export interface Announcement {
  readonly name: string;
  readonly dataFolder: string;
  readonly listening: readonly ListenAddress[];
  /** The machine's addresses that others can reach. */
  readonly reachable: readonly string[];
  readonly hostname: string;
  /** 32 bytes. */
  readonly identityKey: Uint8Array;
}

/** The invitation link: `sealpost://host:port/#fingerprint`, by which a client trusts this server without asking. */
export function invitationLink(facts: Announcement): string {
  const host = facts.reachable.find((address) => !address.includes(":")) ?? facts.reachable[0] ??
    facts.hostname;
  const place = hostAndPort(host, portOf(facts));
  return `sealpost://${place}/#${fingerprintHex(facts.identityKey)}`;
}

function portOf({ listening }: Announcement): number {
  return listening[0]?.port ?? 0;
}

/** Every `host:port` under which this machine itself or others reach it. */
export function reachedUnder(facts: Announcement): string[] {
  const families = facts.listening.some(({ hostname }) => hostname.includes(":"))
    ? ["127.0.0.1", "::1"]
    : ["127.0.0.1"];
  return [...families, ...facts.reachable].map((host) => hostAndPort(host, portOf(facts)));
}

/** The lines for the operator; the last is "Ready". */
export function readyLines(facts: Announcement, { qr }: { readonly qr: boolean }): string[] {
  const link = invitationLink(facts);
  return [
    `Sealpost server "${facts.name}"`,
    `Data folder:  ${facts.dataFolder}`,
    `Listening on: ${reachedUnder(facts).join(", ")}`,
    `Fingerprint:  ${fingerprint(facts.identityKey)}`,
    `Invitation:   ${link}`,
    ...(qr ? qrRows(encode(link, { border: quietZone }).data, { forced: true }) : []),
    "Ready",
  ];
}

/** The same as one line of JSON, for programs. */
export function readyJson(facts: Announcement): string {
  return typedLine("ready", {
    event: "ready",
    port: portOf(facts),
    addresses: reachedUnder(facts),
    fingerprint: fingerprintHex(facts.identityKey),
    link: invitationLink(facts),
    name: facts.name,
    data: facts.dataFolder,
    pid: Deno.pid,
  });
}
