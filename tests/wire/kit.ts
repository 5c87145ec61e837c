/** What the tests of the wire share: a clock moved by hand, pipes instead of sockets, peers that misbehave. */
import type { CancelTimer, Clock } from "../../lib/base/clock.ts";
import { toHex } from "../../lib/base/bytes.ts";
import { generateSigningKey, type SigningKey, VerifyingKey } from "../../lib/crypto/sign.ts";
import { createCertificateAuthority, createServerCertificate } from "../../lib/crypto/x509.ts";
import { Connection, type ConnectionOptions } from "../../lib/wire/connection.ts";
import { encodeFrame, FrameReader, type RawFrame, verifyFrame } from "../../lib/wire/frame.ts";
import { clientHello, noSession, readServerHello, sessionId } from "../../lib/wire/handshake.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import { readMessages } from "../../lib/wire/read_messages.ts";
import { dial, listenTls } from "../../lib/wire/tls.ts";
import type { Transport } from "../../lib/wire/transport.ts";

/** Lets everything that is ready run: several turns of the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A clock that stands still until `advance`. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; action: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): CancelTimer {
    const timer = { at: this.#now + ms, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, firing timers in their order and letting what they start run. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
      await turns();
    }
    this.#now = end;
    await turns();
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  #next(end: number) {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** One end of a pipe. */
export class PipeEnd implements Transport {
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  other: PipeEnd | undefined;
  /** Each write as it was made. */
  readonly writes: Uint8Array[] = [];
  /** While set, writes wait for it. */
  gate: Promise<void> | undefined;
  closed = false;

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        const count = Math.min(chunk.length, into.length);
        into.set(chunk.subarray(0, count));
        if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
        return count;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.gate !== undefined) await this.gate;
    if (this.closed) throw new Deno.errors.BrokenPipe();
    this.writes.push(bytes.slice());
    this.other?.deliver(bytes.slice());
  }

  deliver(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  close(): void {
    this.closed = true;
    this.end();
    this.other?.end();
  }
}

/** Two ends of one pipe. */
export function pipe(): [PipeEnd, PipeEnd] {
  const [a, b] = [new PipeEnd(), new PipeEnd()];
  a.other = b;
  b.other = a;
  return [a, b];
}

/** What the test server says of itself. */
export const serverFacts = { name: "test", software: "test/1", authority: "", capabilities: [] };

/** What the test clients say of themselves. */
export const clientFacts = { software: "test/1", role: "client" } as const;

/** A client and a server in session over a pipe. */
export async function connected(
  options: { server?: ConnectionOptions; client?: ConnectionOptions } = {},
) {
  const [clientEnd, serverEnd] = pipe();
  const identity = generateSigningKey();
  const device = generateSigningKey();
  const [server, client] = await Promise.all([
    Connection.accept(serverEnd, { identity, facts: serverFacts, ...options.server }),
    Connection.open(clientEnd, { device, facts: clientFacts, ...options.client }),
  ]);
  return { server, client, serverEnd, clientEnd, identity, device };
}

/** A client made by hand, able to do everything wrong. */
export class RawClient {
  readonly device: SigningKey = generateSigningKey();
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #buffer = new Uint8Array(64 * 1024);
  #serverKey: VerifyingKey | undefined;
  sessionId: Uint8Array = noSession;
  /** Counter of the next frame out and in. */
  out = 0;
  in = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Reads the server's hello and answers it with `hello`, or a good one. */
  async greet(hello?: Uint8Array): Promise<this> {
    const server = await this.frame();
    if (server === undefined) throw new Error("no hello");
    this.#serverKey = readServerHello(server).key;
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const own = hello ?? clientHello(clientFacts, { device: this.device, nonce });
    this.sessionId = hello === undefined ? sessionId(server.bytes, own) : noSession;
    this.out = 1;
    await this.write(own);
    return this;
  }

  /** A frame with this JSON text and these bodies; what `change` says is different from what would be right. */
  encode(
    header: string,
    bodies: readonly Uint8Array[] = [],
    change: { counter?: number; sessionId?: Uint8Array; key?: SigningKey; direction?: 0 | 1 } = {},
  ): Uint8Array {
    const right = {
      key: this.device,
      sessionId: this.sessionId,
      direction: 0,
      counter: this.out++,
    };
    return encodeFrame({ header, bodies, ...right, direction: 0, ...change });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#transport.write(bytes);
  }

  /** The next frame, or undefined at the end. */
  async frame(): Promise<RawFrame | undefined> {
    for (;;) {
      const raw = this.#reader.next();
      if (raw !== undefined) return raw;
      const count = await this.#transport.read(this.#buffer);
      if (count === null) return undefined;
      this.#reader.push(this.#buffer.subarray(0, count));
    }
  }

  /** The messages of the next frame after the hello, its signature verified; undefined at the end. */
  async receive(): Promise<readonly Arrived[] | undefined> {
    const raw = await this.frame();
    if (raw === undefined) return undefined;
    this.in++;
    const context = { direction: 1, counter: this.in, sessionId: this.sessionId } as const;
    if (!this.#serverKey || !verifyFrame(raw, { ...context, key: this.#serverKey })) {
      throw new Error("a frame of the server does not verify");
    }
    return readMessages(raw, "server");
  }

  /** The code of the `error` that comes next, then the end of the stream: how every violation ends. */
  async refusal(): Promise<string> {
    const [first] = await this.receive() ?? [];
    if (first?.message.type !== "error") return "no error";
    const rest = await this.frame().catch(() => undefined);
    return rest === undefined ? first.message.code : "not closed";
  }

  close(): void {
    this.#transport.close();
  }
}

/** A server's identity with its authority and certificate. */
export async function makeServerIdentity() {
  const identity = generateSigningKey();
  const identityHex = toHex(identity.publicKey);
  const ca = await createCertificateAuthority({ serverName: "test", identityHex });
  const cert = await createServerCertificate({ ca, identityHex, hosts: [] });
  return { identity, authority: ca.certificate, cert: cert.certificate, key: cert.privateKey };
}

/** A TLS server on loopback that hands each accepted session to `serve`; failures of sessions are collected. */
export async function tlsServer(
  serve: (connection: Connection) => Promise<void>,
  options: ConnectionOptions = {},
) {
  const made = await makeServerIdentity();
  const listener = listenTls({ hostname: "127.0.0.1", port: 0, cert: made.cert, key: made.key });
  const failures: unknown[] = [];
  const sessions: Promise<void>[] = [];
  const facts = { ...serverFacts, authority: made.authority };
  const session = async (transport: Transport) => {
    try {
      await serve(
        await Connection.accept(transport, { identity: made.identity, facts, ...options }),
      );
    } catch (thrown) {
      failures.push(thrown);
    }
  };
  const loop = (async () => {
    for (;;) {
      const transport = await listener.accept();
      if (transport === undefined) return;
      sessions.push(session(transport));
    }
  })();
  return {
    ...made,
    port: listener.port,
    failures,
    dial: () =>
      dial({
        host: "127.0.0.1",
        port: listener.port,
        identity: made.identity.publicKey,
        authority: made.authority,
      }),
    async [Symbol.asyncDispose]() {
      listener.close();
      await loop;
      await Promise.all(sessions);
    },
  };
}

/** Answers every `account.check` with yes until the client goes. */
export async function answerChecks(connection: Connection): Promise<void> {
  for (;;) {
    const arrived = await connection.receive();
    if (arrived === undefined) return;
    for (const { message } of arrived) {
      if (message.type === "account.check") {
        connection.send({ type: "account.check.ok", id: message.id, exists: true });
      }
    }
  }
}
