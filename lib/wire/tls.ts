/** Transports over TLS 1.3 (RFC 8446) with ALPN `sealpost/1`: the listener, and dialling a server that is known already. */
import { AppError } from "../base/errors.ts";
import { clientLimits } from "../base/limits.ts";
import { internalHostname } from "../crypto/x509.ts";
import { ContactError } from "./contact_error.ts";
import { withDeadline } from "./deadline.ts";
import { connectTcp } from "./tcp.ts";
import type { Transport } from "./transport.ts";

/** The protocol's name in ALPN (RFC 7301). */
export const alpnProtocol = "sealpost/1";

/** Where a connection comes from or leads to. */
export interface RemoteAddress {
  /** An IP address. */
  readonly hostname: string;
  readonly port: number;
}

/** A transport that knows its other end. */
export interface SocketTransport extends Transport {
  readonly remote: RemoteAddress;
}

type ByteStream = Pick<Deno.Conn, "read" | "write" | "close">;

/** A transport over one of Deno's connections. */
export function socketTransport(conn: ByteStream, remote: RemoteAddress): SocketTransport {
  let open = true;
  return {
    remote,
    letsGo: true,
    read: (into) => conn.read(into),
    async write(bytes) {
      let at = await conn.write(bytes);
      while (at < bytes.length) at += await conn.write(bytes.subarray(at));
    },
    close() {
      if (!open) return;
      open = false;
      conn.close();
    },
  };
}

/** What a listener needs. */
export interface ListenOptions {
  /** An IP address; `::` takes IPv4 too on most systems. */
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Certificate chain and private key as PEM. */
  readonly cert: string;
  readonly key: string;
  /** Several listeners, in several workers, share the port. Linux only. */
  readonly reusePort?: boolean;
}

/** A listening port. */
export interface TlsListener {
  readonly hostname: string;
  readonly port: number;
  /**
   * The next connection; its TLS handshake happens at its first read or write. Undefined once the listener is closed.
   * Rejects when the system refuses one (too many open files, for one); calling again is then in order, after a pause.
   */
  accept(): Promise<SocketTransport | undefined>;
  close(): void;
}

/** Listens for TLS connections. Throws `Deno.errors.AddrInUse`, `PermissionDenied`, `AddrNotAvailable`, `InvalidData`. */
export function listenTls(options: ListenOptions): TlsListener {
  const listener = Deno.listenTls({
    hostname: options.hostname,
    port: options.port,
    cert: options.cert,
    key: options.key,
    alpnProtocols: [alpnProtocol],
    ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
  });
  let open = true;
  return {
    hostname: listener.addr.hostname,
    port: listener.addr.port,
    async accept() {
      try {
        const conn = await listener.accept();
        return socketTransport(conn, conn.remoteAddr);
      } catch (thrown) {
        if (!open) return undefined;
        throw thrown;
      }
    },
    close() {
      if (!open) return;
      open = false;
      listener.close();
    },
  };
}

/** Where to dial. */
export interface DialOptions {
  /** A host name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly signal?: AbortSignal;
  /** For address lookup, TCP and TLS together, in milliseconds. */
  readonly connectMs?: number;
}

/** What is known of a server from its invitation link or a first contact. */
export interface PinnedServer extends DialOptions {
  /** The pinned identity key: 32 bytes. */
  readonly identity: Uint8Array;
  /** The server's certificate authority, PEM. */
  readonly authority: string;
}

/**
 * Connects to a server with a pinned identity: its TLS certificate must be by its own authority for the internal name of
 * that identity. Throws `ContactError` when there is no such server to be reached, `AppError("invalid_certificate")`
 * when its certificate does not hold, the signal's reason when it aborts.
 */
export function dial(options: PinnedServer): Promise<SocketTransport> {
  const hostname = internalHostname(options.identity);
  return dialTls(options, { hostname, caCerts: [options.authority] });
}

/** Connects to a server with a certificate that the system's authorities vouch for, under the dialled name. As `dial`. */
export function dialSystem(options: DialOptions): Promise<SocketTransport> {
  return dialTls(options, { hostname: options.host });
}

async function dialTls(
  options: DialOptions,
  tls: { hostname: string; caCerts?: string[] },
): Promise<SocketTransport> {
  const due = performance.now() + (options.connectMs ?? clientLimits.connectMs);
  const tcp = await connectTcp({ ...options, timeoutMs: due - performance.now() });
  const remote = tcp.remoteAddr;
  const conn = await Deno.startTls(tcp, { ...tls, alpnProtocols: [alpnProtocol] });
  try {
    const { alpnProtocol: chosen } = await withDeadline(conn.handshake(), {
      ...options,
      ms: due - performance.now(),
      late: () => new ContactError("silent", options),
    });
    if (chosen !== alpnProtocol) throw new ContactError("not_sealpost", options);
  } catch (thrown) {
    conn.close();
    throw tlsFailure(thrown, options);
  }
  return socketTransport(conn, remote);
}

/** What a failed TLS handshake means. Goes by the library's wording, because it has no codes. */
export function tlsFailure(thrown: unknown, where: { host: string; port: number }): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AppError) return thrown;
  if (thrown.name === "AbortError") return thrown;
  const text = thrown.message;
  if (/certificate/i.test(text)) {
    return new AppError("invalid_certificate", {
      text:
        `the TLS certificate of ${where.host} port ${where.port} does not hold: it has expired, is for another name, ` +
        "or nobody trusted here vouches for it; nothing was sent, ask the server's operator",
      cause: thrown,
    });
  }
  if (/NoApplicationProtocol|no application protocol/i.test(text)) {
    return new ContactError("not_sealpost", { ...where, cause: thrown });
  }
  if (/corrupt|InvalidContentType|InvalidMessage|wrong version|packet length|record/i.test(text)) {
    return new ContactError("not_tls", { ...where, cause: thrown });
  }
  return new ContactError("closed", { ...where, cause: thrown });
}
