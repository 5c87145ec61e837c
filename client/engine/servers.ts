/** Servers: their addresses as people write them, and the file of those whose identity is pinned. */
import { equalBytes, fromBase64url, fromUtf8, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import type { Bytes } from "../../lib/base/bytes.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { fingerprintHex, parseFingerprint } from "../../lib/crypto/fingerprint.ts";
import { makeFolder, readFile, writeFile } from "../store/files.ts";
import type { ServerAddress } from "./api.ts";

/** The port of an address without one. */
export const defaultPort = 1357;

const scheme = "sealpost://";

/**
 * Reads `HOST`, `HOST:PORT` (an IPv6 address in brackets, or bare without a port) or an invitation link
 * `sealpost://HOST:PORT/#FINGERPRINT`. Throws `ExitError` (usage).
 */
export function parseServerAddress(text: string): ServerAddress {
  const trimmed = text.trim();
  if (!trimmed.toLowerCase().startsWith(scheme)) return parseHostPort(trimmed);
  const match = /^([^/#?]+)\/?#(.*)$/.exec(trimmed.slice(scheme.length));
  const [, authority, digits] = match ?? [];
  if (authority === undefined || digits === undefined || !/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new ExitError(
      "usage",
      "That is not a whole invitation link: it looks like sealpost://HOST:PORT/# and 64 characters.",
    );
  }
  return { ...parseHostPort(authority), fingerprint: digits.toLowerCase() };
}

function parseHostPort(text: string): ServerAddress {
  const bracketed = /^\[([0-9A-Fa-f:.]+)(%[\w.-]+)?\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    const [, address = "", zone = "", port] = bracketed;
    return { host: checkHost(address + zone), port: parsePort(port) };
  }
  // More than one colon: a bare IPv6 address, which leaves no room for a port.
  if (text.split(":").length > 2) return { host: checkHost(text), port: defaultPort };
  const [host = "", port] = text.split(":");
  return { host: checkHost(host), port: parsePort(port) };
}

function checkHost(host: string): string {
  const isName = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$/.test(host);
  const isV6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?$/.test(host);
  if (isName || isV6) return host.toLowerCase();
  const shown = host === "" ? "An empty text" : JSON.stringify(host.slice(0, 64));
  throw new ExitError("usage", `${shown} is not a host: give a name or an IP address.`);
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return defaultPort;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65535) return port;
  const shown = text === "" ? "An empty text" : JSON.stringify(text.slice(0, 64));
  throw new ExitError("usage", `${shown} is not a port: give a number from 1 to 65535.`);
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function formatAddress({ host, port }: Pick<ServerAddress, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The invitation link of a server. `fingerprint`: 64 hexadecimal digits, in any form that people write. */
export function formatLink(address: Required<ServerAddress>): string {
  const digits = parseFingerprint(address.fingerprint);
  const hex = [...digits].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${scheme}${formatAddress(address)}/#${hex}`;
}

/** A server whose identity is pinned. */
export interface KnownServer {
  readonly host: string;
  readonly port: number;
  /** 32 bytes. */
  readonly identity: Bytes;
  /** Its certificate authority, PEM; empty where the system's authorities certify it. */
  readonly authority: string;
  /** As it calls itself. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  /** Whose word it was: an invitation link's, or a person's. */
  readonly by: "link" | "confirmed";
  /** The account used last there. */
  readonly lastUser?: string;
}

interface Contents {
  readonly servers: readonly KnownServer[];
  /** Address of the server used last. */
  readonly last: string | undefined;
}

/** The file of known servers. Read anew each time: other processes write it too. */
export class KnownServers {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The server pinned for an address. */
  find(address: Pick<ServerAddress, "host" | "port">): KnownServer | undefined {
    const wanted = formatAddress(address);
    return this.#read().servers.find((server) => formatAddress(server) === wanted);
  }

  /** A server by its identity's fingerprint (64 hexadecimal digits); the address used last comes first. */
  byFingerprint(fingerprint: string): KnownServer | undefined {
    const { servers, last } = this.#read();
    const found = servers.filter(({ identity }) => fingerprintHex(identity) === fingerprint);
    return found.find((server) => formatAddress(server) === last) ?? found[0];
  }

  /** The server used last. */
  last(): KnownServer | undefined {
    const { servers, last } = this.#read();
    return servers.find((server) => formatAddress(server) === last);
  }

  /** Pins a server at its address; what is known under another address stays. */
  pin(server: KnownServer): void {
    this.#change((contents) => ({ ...contents, servers: replaced(contents.servers, server) }));
  }

  /** Notes the server, and the account if one was used, as the last. */
  used(server: KnownServer, user?: string): void {
    const last = formatAddress(server);
    this.#change(({ servers }) => ({
      servers: user === undefined
        ? servers
        : servers.map((each) =>
          equalBytes(each.identity, server.identity) ? { ...each, lastUser: user } : each
        ),
      last,
    }));
  }

  get #path(): string {
    return `${this.#folder}/servers.json`;
  }

  #read(): Contents {
    const bytes = readFile(this.#path);
    if (bytes === undefined) return { servers: [], last: undefined };
    try {
      return decode(fromUtf8(bytes));
    } catch (cause) {
      const text = `${this.#path} is damaged: restore it from a backup, or remove it and compare ` +
        "each server's fingerprint again";
      throw new ExitError("localData", text, { cause });
    }
  }

  #change(change: (contents: Contents) => Contents): void {
    const before = this.#read();
    const after = encode(change(before));
    if (after === encode(before)) return;
    makeFolder(this.#folder);
    writeFile(this.#path, utf8(after));
  }
}

function replaced(servers: readonly KnownServer[], server: KnownServer): KnownServer[] {
  const address = formatAddress(server);
  return [...servers.filter((each) => formatAddress(each) !== address), server];
}

function encode({ servers, last }: Contents): string {
  const rows = servers.map((server) => ({ ...server, identity: toBase64url(server.identity) }));
  return JSON.stringify({ v: 1, servers: rows, last }, undefined, 1) + "\n";
}

function decode(text: string): Contents {
  const { v, servers, last } = JSON.parse(text);
  if (v !== 1 || !Array.isArray(servers)) throw new TypeError("not a list of servers");
  return { servers: servers.map(readServer), last: typeof last === "string" ? last : undefined };
}

function readServer(row: Readonly<Record<string, unknown>>): KnownServer {
  const { host, port, identity, authority, name, firstSeen, by, lastUser } = row;
  const whole = typeof host === "string" && typeof port === "number" &&
    typeof identity === "string" && typeof authority === "string" && typeof name === "string" &&
    typeof firstSeen === "number";
  if (!whole) throw new TypeError("not a server");
  const key = fromBase64url(identity);
  if (key.length !== 32) throw new TypeError("not an identity");
  return {
    host,
    port,
    identity: key,
    authority,
    name,
    firstSeen,
    by: by === "link" ? "link" : "confirmed",
    ...(typeof lastUser === "string" ? { lastUser } : {}),
  };
}
