/** Addresses to listen on, as they are typed. Pure. */

/** A host, or the address of an interface, and a port; 0 is any free one. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** `9464`, `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`; a port alone is on this machine. Undefined for anything else. */
export function readAddress(text: string): Address | undefined {
  const found = /^(?:(\[[0-9a-f:.]+\]|[\w.-]+):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(found?.[2] ?? NaN);
  const hostname = (found?.[1] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  return port <= 65535 ? { hostname, port } : undefined;
}

/** The address as one types it. */
export function addressText({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Whether only this machine reaches it (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3, RFC 6761 section 6.3). */
export function isLoopback(hostname: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname) || hostname === "::1" ||
    hostname.toLowerCase() === "localhost";
}
