/** This machine's names and addresses, and the port to listen on. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ListenAddress } from "../gateway/control.ts";

/** The machine's name, or "localhost" where that may not be asked. */
export function hostname(): string {
  return permitted(() => Deno.hostname()) || "localhost";
}

/** The machine's addresses that others can reach: no loopback, no link-local ones. */
export function reachableAddresses(): string[] {
  const interfaces = permitted(() => Deno.networkInterfaces()) ?? [];
  const addresses = interfaces.map(({ address }) => address)
    .filter((address) => !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address));
  return [...new Set(addresses)];
}

function permitted<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (thrown) {
    // Without the permission, or without /proc, it is simply not known.
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}

/** `host:port`, with IPv6 addresses in brackets (RFC 3986 section 3.2.2). */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Finds out what to listen on: all IPv6 and IPv4 addresses, by one socket where the system lets it take both. The port
 * is only tried and let go again; workers with no other right then listen on it. Throws `ExitError` (network).
 */
export function chooseAddresses(port: number): ListenAddress[] {
  const six = tryListen({ hostname: "::", port });
  if (six.kind === "failed" && six.error instanceof Deno.errors.AddrInUse) throw taken(port);
  const chosen = six.kind === "listening" ? six.listener.addr.port : port;
  const four = tryListen({ hostname: "0.0.0.0", port: chosen });
  const listening = [six, four].flatMap((one) => one.kind === "listening" ? [one.listener] : []);
  const addresses = listening.map(({ addr }) => ({ hostname: addr.hostname, port: addr.port }));
  for (const listener of listening) listener.close();
  if (addresses.length === 0 && four.kind === "failed") throw unusable(port, four.error);
  return addresses;
}

type Tried =
  | { readonly kind: "listening"; readonly listener: Deno.TcpListener }
  | { readonly kind: "failed"; readonly error: unknown };

function tryListen(address: ListenAddress): Tried {
  try {
    return { kind: "listening", listener: Deno.listen({ ...address, transport: "tcp" }) };
  } catch (error) {
    return { kind: "failed", error };
  }
}

/** The complaint about a port that somebody else has. */
export function taken(port: number): ExitError {
  return new ExitError(
    "network",
    `port ${port} is in use: stop what listens there, or choose another port (0 is any free one)`,
  );
}

function unusable(port: number, cause: unknown): ExitError {
  if (cause instanceof Deno.errors.AddrInUse) return taken(port);
  if (cause instanceof Deno.errors.PermissionDenied) return privileged(port, cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ExitError("network", `cannot listen on port ${port}: ${text}`, { cause });
}

/** The complaint about a port that only the system's administrator may use. */
export function privileged(port: number, cause: unknown): ExitError {
  return new ExitError(
    "network",
    `port ${port} may not be used by this user: choose one from 1024 on`,
    { cause },
  );
}
