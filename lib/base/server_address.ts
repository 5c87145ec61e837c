/** Addresses of servers as people write them: `HOST`, `HOST:PORT`, and invitation links. */
import { ExitError } from "./exit_codes.ts";

/** Where a server is. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** 64 hexadecimal digits from a link; answers the question of trust by itself. */
  readonly fingerprint?: string;
  /** From a link: permits one registration, or as many as the operator wished. */
  readonly invite?: string;
}

/** The port of an address without one. */
export const defaultPort = 1357;

const scheme = "sealpost://";

/**
 * Reads `HOST`, `HOST:PORT` (an IPv6 address in brackets, or bare without a port) or an invitation link
 * `sealpost://HOST:PORT/#FINGERPRINT`, with `?invite=TOKEN` before the `#` where an account is to be made by invitation.
 * Throws `ExitError` (usage).
 */
export function parseServerAddress(text: string): ServerAddress {
  const trimmed = text.trim();
  if (!trimmed.toLowerCase().startsWith(scheme)) return parseHostPort(trimmed);
  const match = /^([^/#?]+)\/?(?:\?invite=([\w-]{22}))?#(.*)$/.exec(trimmed.slice(scheme.length));
  const [, authority, invite, digits] = match ?? [];
  if (authority === undefined || digits === undefined || !/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new ExitError(
      "usage",
      "That is not a whole invitation link: it looks like sealpost://HOST:PORT/# and 64 characters.",
    );
  }
  const fingerprint = digits.toLowerCase();
  return { ...parseHostPort(authority), fingerprint, ...(invite === undefined ? {} : { invite }) };
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
export function formatLink(
  address: Omit<ServerAddress, "fingerprint"> & { readonly fingerprint: string },
): string {
  const hex = address.fingerprint.replace(/[\s:-]/g, "").toLowerCase();
  const invite = address.invite === undefined ? "" : `?invite=${address.invite}`;
  return `${scheme}${formatAddress(address)}/${invite}#${hex}`;
}
