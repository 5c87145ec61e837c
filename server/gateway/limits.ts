/** What a gateway grants: connections in all and by address (of all gateways together), bytes per second by connection. */
import { type Clock, pause } from "../../lib/base/clock.ts";
import { connectionLimits, serverLimits } from "../../lib/base/limits.ts";
import type { Transport } from "../../lib/wire/transport.ts";

/** Limits of a gateway; see lib/base/limits.ts. */
export interface GatewayLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly bytesPerSecond: number;
  readonly bytesBurst: number;
  readonly loginMs: number;
  readonly requestsInFlight: number;
  readonly probeMs: number;
  readonly presenceMs: number;
  readonly unsentBytes: number;
  readonly drainMs: number;
}

/** The limits that hold unless a test says otherwise. */
export const gatewayLimits: GatewayLimits = {
  connections: serverLimits.connections,
  connectionsPerAddress: serverLimits.connectionsPerAddress,
  bytesPerSecond: serverLimits.bytesPerSecond,
  bytesBurst: serverLimits.bytesBurst,
  loginMs: connectionLimits.loginMs,
  requestsInFlight: connectionLimits.requestsInFlight,
  probeMs: connectionLimits.probeMs,
  presenceMs: serverLimits.presenceMs,
  unsentBytes: serverLimits.unsentBytes,
  drainMs: connectionLimits.drainMs,
};

/**
 * The address that counts: IPv4 as it is (also when it arrives as an IPv6 address), IPv6 by its first 64 bits, since
 * whoever has one such address has all of them.
 */
export function countedAddress(hostname: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(hostname)?.[1];
  if (mapped !== undefined || !hostname.includes(":")) return mapped ?? hostname;
  const [head = "", tail] = hostname.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":") + "::/64";
}

/** `transport` whose reading waits when more than the granted bytes per second arrive (a token bucket). */
export function throttled(transport: Transport, limits: GatewayLimits, clock: Clock): Transport {
  let tokens = limits.bytesBurst;
  let filledAt = clock.monotonic();
  const wait = () => {
    const now = clock.monotonic();
    tokens = Math.min(
      limits.bytesBurst,
      tokens + (now - filledAt) * limits.bytesPerSecond / 1000,
    );
    filledAt = now;
    return tokens >= 0 ? 0 : Math.ceil(-tokens * 1000 / limits.bytesPerSecond);
  };
  return {
    async read(into) {
      const ms = tokens < 0 ? wait() : 0;
      if (ms > 0) await pause(clock, ms);
      const count = await transport.read(into);
      tokens -= count ?? 0;
      return count;
    },
    write: (bytes) => transport.write(bytes),
    ...(transport.letsGo === undefined ? {} : { letsGo: transport.letsGo }),
    close: () => transport.close(),
  };
}
