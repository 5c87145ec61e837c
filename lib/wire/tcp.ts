/** TCP connections to a name with several addresses: all are tried, none is waited for too long. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import process from "node:process";
import { ContactError } from "./contact_error.ts";
import { withDeadline } from "./deadline.ts";

/** After this many milliseconds without an answer from one address the next is tried as well (as in RFC 8305). */
const staggerMs = 250;

/** Where to connect to, and for how long to try. */
export interface TcpTarget {
  /** A host name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * The first connection that comes about, with Nagle's delay turned off. Throws `ContactError` (`unknown_host`,
 * `refused`, `unreachable`), or the signal's reason when it aborts.
 */
export async function connectTcp(target: TcpTarget): Promise<Deno.TcpConn> {
  const due = performance.now() + target.timeoutMs;
  const addresses = await resolveHost(target);
  const conn = await race(addresses, { ...target, timeoutMs: due - performance.now() });
  conn.setNoDelay(true);
  return conn;
}

/** All IP addresses of the host, in the system's order of preference. */
async function resolveHost(target: TcpTarget): Promise<readonly string[]> {
  if (isIP(target.host) !== 0) return [target.host];
  // In Deno 2.4 the lookup loads a deprecated module of its own, and a warning of it would reach the person.
  Object.assign(process, { noDeprecation: true });
  const found = lookup(target.host, { all: true, verbatim: true }).then(
    (all) => all.map(({ address }) => address),
    (cause) => Promise.reject(new ContactError("unknown_host", { ...target, cause })),
  );
  const late = () => new ContactError("unreachable", target);
  const addresses = await withDeadline(found, { ...target, ms: target.timeoutMs, late });
  if (addresses.length === 0) throw new ContactError("unknown_host", target);
  return addresses;
}

function race(addresses: readonly string[], target: TcpTarget): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    let waiting = addresses.length;
    let done = false;
    let refusal: unknown;
    const finish = (settle: () => void) => {
      if (done) return;
      done = true;
      for (const timer of timers) clearTimeout(timer);
      target.signal?.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(target.signal?.reason));
    const fail = (thrown: unknown) => {
      refusal ??= thrown;
      if (--waiting === 0) finish(() => reject(connectFailure(refusal, target)));
    };
    const attempt = (at: number) => {
      const hostname = addresses[at];
      if (hostname === undefined || done || begun.has(at)) return;
      begun.add(at);
      timers.add(setTimeout(() => attempt(at + 1), staggerMs));
      Deno.connect({ hostname, port: target.port }).then(
        (conn) => done ? conn.close() : finish(() => resolve(conn)),
        (thrown) => {
          fail(thrown);
          attempt(at + 1);
        },
      );
    };
    const begun = new Set<number>();
    const late = () => finish(() => reject(new ContactError("unreachable", target)));
    timers.add(setTimeout(late, Math.max(0, target.timeoutMs)));
    target.signal?.addEventListener("abort", onAbort, { once: true });
    if (target.signal?.aborted) return onAbort();
    attempt(0);
  });
}

function connectFailure(thrown: unknown, target: TcpTarget): ContactError {
  // A reset instead of a refusal: the listener went away between the handshake and its being accepted.
  const refused = thrown instanceof Deno.errors.ConnectionRefused ||
    thrown instanceof Deno.errors.ConnectionReset;
  return new ContactError(refused ? "refused" : "unreachable", { ...target, cause: thrown });
}
