/**
 * The first contact with a server of which nothing is known: reads its hello over a TLS connection whose certificate is
 * not verified, and sends nothing. What the hello says is then shown to a person, pinned, and verified by `dial`.
 */
import { connect, type TLSSocket } from "node:tls";
import { isIP } from "node:net";
import { AppError } from "../base/errors.ts";
import { clientLimits } from "../base/limits.ts";
import { fingerprint } from "../crypto/fingerprint.ts";
import { ContactError } from "./contact_error.ts";
import { FrameReader, type RawFrame } from "./frame.ts";
import { readServerHello } from "./handshake.ts";
import { connectTcp } from "./tcp.ts";
import { alpnProtocol, type DialOptions, tlsFailure } from "./tls.ts";

/** What a server said of itself; nobody has vouched for it yet, except that it holds the identity's key. */
export interface FirstContact {
  /** The identity key: 32 bytes. */
  readonly identity: Uint8Array;
  /** The identity's fingerprint for people. */
  readonly fingerprint: string;
  /** The server's own name for itself: sanitise it before showing it. */
  readonly name: string;
  /** Its certificate authority as PEM; empty where a public one certifies it. */
  readonly authority: string;
  /** Its software, as it says: sanitise it before showing it. */
  readonly software: string;
}

/**
 * Asks a server who it is. Throws `ContactError` when there is no Sealpost server, `AppError("unsupported_version")` when
 * there is one of another protocol version, or the signal's reason. All within `connectMs`.
 */
export async function firstContact(options: DialOptions): Promise<FirstContact> {
  const due = performance.now() + (options.connectMs ?? clientLimits.connectMs);
  const left = () => Math.max(0, due - performance.now());
  const probe = await connectTcp({ ...options, timeoutMs: left() });
  const { hostname } = probe.remoteAddr;
  probe.close();
  const raw = await helloOver({ ...options, address: hostname, ms: left() });
  return describe(raw, options);
}

function describe(raw: RawFrame, where: DialOptions): FirstContact {
  try {
    const { hello, key } = readServerHello(raw);
    return {
      identity: key.bytes,
      fingerprint: fingerprint(key.bytes),
      name: hello.name,
      authority: hello.authority,
      software: hello.software,
    };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "unsupported_version") throw thrown;
    throw new ContactError("not_sealpost", { ...where, cause: thrown });
  }
}

/** How long an error may follow the end of the handshake. */
const errorGraceMs = 50;

/** The first frame that the server sends. */
function helloOver(
  options: DialOptions & { readonly address: string; readonly ms: number },
): Promise<RawFrame> {
  const socket = connect({
    host: options.address,
    port: options.port,
    rejectUnauthorized: false,
    ALPNProtocols: [alpnProtocol],
    ...(isIP(options.host) === 0 ? { servername: options.host } : {}),
  });
  return new Promise<RawFrame>((resolve, reject) => {
    const { signal } = options;
    const onAbort = () => settle(() => reject(signal?.reason));
    const timer = setTimeout(() => fail(new ContactError("silent", options)), options.ms);
    const settle = (action: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.destroy();
      action();
    };
    const fail = (error: unknown) => settle(() => reject(error));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    socket.on("error", (error) => fail(tlsFailure(error, options)));
    socket.on("close", () => fail(new ContactError("closed", options)));
    readFrame(socket, {
      done: (raw) => settle(() => resolve(raw)),
      other: (cause) => fail(new ContactError("not_sealpost", { ...options, cause })),
    });
  });
}

function readFrame(
  socket: TLSSocket,
  found: { done(raw: RawFrame): void; other(cause?: unknown): void },
): void {
  const reader = new FrameReader();
  let grace: ReturnType<typeof setTimeout> | undefined;
  socket.on("close", () => clearTimeout(grace));
  socket.on("secureConnect", () => {
    // Deno 2.4 says this also when the handshake has failed, with the error to follow: the error knows more.
    if (socket.alpnProtocol !== alpnProtocol) grace = setTimeout(found.other, errorGraceMs);
  });
  socket.on("data", (chunk: Uint8Array) => {
    try {
      reader.push(chunk);
      const raw = reader.next();
      if (raw !== undefined) found.done(raw);
    } catch (thrown) {
      found.other(thrown);
    }
  });
}
