/** One connection, the same class on both sides: hellos, signed and counted frames, one writer, liveness, orderly end. */
import { type Bytes, toHex } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { AppError, asAppError } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import type { SigningKey, VerifyingKey } from "../crypto/sign.ts";
import {
  type AcceptOptions,
  type BodyBytes,
  type ConnectionOptions,
  type ConnectionState,
  defaultLimits,
  type OpenOptions,
  type Peer,
  type Traffic,
  type WireLimits,
} from "./connection_options.ts";
import { Drip } from "./drip.ts";
import { errorMessage } from "./errors.ts";
import { type FrameDirection, FrameReader, type RawFrame, verifyFrame } from "./frame.ts";
import { FrameWriter } from "./frame_writer.ts";
import {
  clientHello,
  freshNonce,
  noSession,
  readClientHello,
  readServerHello,
  serverHello,
  sessionId,
} from "./handshake.ts";
import { Liveness } from "./liveness.ts";
import type { Arrived, Message } from "./messages.ts";
import { Nudge } from "./nudge.ts";
import { Probes } from "./probes.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { readMessages, type Sender } from "./read_messages.ts";
import { isHello, isOrdinary } from "./signs.ts";
import type { Transport } from "./transport.ts";

export type { AcceptOptions, ConnectionOptions, OpenOptions, Peer, Traffic, WireLimits };

/** A session over a transport. Made by `Connection.accept` and `Connection.open`. */
export class Connection {
  /** Random, 12 hexadecimal digits; stands in the log and in every `error` sent. */
  readonly id: string = toHex(crypto.getRandomValues(new Uint8Array(6)));
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: WireLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #direction: FrameDirection;
  readonly #peerSender: Sender;
  readonly #reader: FrameReader;
  readonly #readBuffer = new ReadBuffer();
  readonly #writer: FrameWriter;
  readonly #liveness: Liveness;
  readonly #nudge: Nudge;
  readonly #received = { frames: 0, bytes: 0 };
  readonly #probes: Probes;
  #peer: Peer | undefined;
  #state: ConnectionState = { kind: "greeting" };
  #sessionId: Bytes = noSession;
  /** Counter of the next frame; 0 was the hello. */
  #nextIn = 0;
  #ended: Promise<void> | undefined;

  private constructor(
    transport: Transport,
    options: ConnectionOptions & { key: SigningKey; direction: FrameDirection },
  ) {
    this.#transport = transport;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#probes = new Probes(this.#clock);
    this.#signal = options.signal;
    this.#direction = options.direction;
    this.#peerSender = options.direction === 0 ? "server" : "client";
    this.#reader = new FrameReader(this.#limits);
    this.#writer = new FrameWriter({
      transport,
      key: options.key,
      direction: options.direction,
      bounds: this.#limits,
      onGone: (thrown) => this.#logGone(thrown),
    });
    this.#liveness = new Liveness(this.#clock, {
      limits: this.#limits,
      helloMs: this.#limits.helloMs,
      actions: {
        ping: () => this.send({ type: "ping" }),
        expired: () => void this.close(new AppError("timeout")),
      },
    });
    this.#nudge = new Nudge(this.#clock, {
      framesSent: () => this.#writer.begun,
      nudge: () => this.send({ type: "pong" }),
    });
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
  }

  static #server(transport: Transport, options: AcceptOptions): Connection {
    return new Connection(transport, { ...options, key: options.identity, direction: 1 });
  }

  /**
   * The server's side: sends its hello, waits for the client's. Throws `AppError` after having sent it and closed:
   * `malformed`, `too_large`, `tampered`, `unsupported_version`, `timeout`; also when the client is gone (`timeout`) or
   * the signal aborts (`server_closing`).
   */
  static async accept(transport: Transport, options: AcceptOptions): Promise<Connection> {
    const connection = Connection.#server(transport, options);
    const own = serverHello(options.facts, { identity: options.identity, nonce: freshNonce() });
    await connection.#greet(async () => {
      await connection.#writeHello(own);
      const raw = await connection.#firstFrame();
      const { hello, key } = readClientHello(raw);
      connection.#begin({ kind: "client", hello }, { key, id: sessionId(own, raw.bytes) });
    });
    return connection;
  }

  /**
   * The client's side: waits for the server's hello, sending no more than lengths, and answers it. Throws `AppError`
   * after having closed: `tampered` when the identity is not the expected one or its signature does not hold, `malformed`,
   * `too_large`, `unsupported_version`, `timeout` (also when the server closes before its hello or the signal aborts).
   */
  static async open(transport: Transport, options: OpenOptions): Promise<Connection> {
    const connection = new Connection(transport, { ...options, key: options.device, direction: 0 });
    const own = clientHello(options.facts, { device: options.device, nonce: freshNonce() });
    const drip = new Drip(own, { clock: connection.#clock, transport });
    await connection.#greet(async () => {
      const raw = await connection.#firstFrame();
      const { hello, key } = readServerHello(raw, options.expectIdentity);
      await connection.#writeHello(await drip.rest());
      connection.#begin({ kind: "server", hello }, { key, id: sessionId(raw.bytes, own) });
    }).finally(() => drip.stop());
    return connection;
  }

  /** Says hello only to refuse: the client's is answered with `error`. For a server that has no room. */
  static async refuse(
    transport: Transport,
    options: AcceptOptions & { readonly error: AppError },
  ): Promise<void> {
    const connection = Connection.#server(transport, options);
    const own = serverHello(options.facts, { identity: options.identity, nonce: freshNonce() });
    await connection.#greet(async () => {
      await connection.#writeHello(own);
      // Unread, it would make the system drop what has not left yet.
      await connection.#firstFrame();
      throw options.error;
    }).catch((thrown) => connection.#logGone(thrown));
  }

  /** 32 bytes; what frames of this session are bound to. */
  get sessionId(): Uint8Array {
    return this.#sessionId;
  }

  /** The other side's hello; also after the end. */
  get peer(): Peer {
    if (this.#peer === undefined) throw new AppError("not_permitted_now", { fault: "us" });
    return this.#peer;
  }

  /** Bytes that wait to be written, those under way included. */
  get queuedBytes(): number {
    return this.#writer.queuedBytes;
  }

  /** Whether messages can still be sent: false from the first sign of the end on. */
  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /** Totals so far. */
  get traffic(): Traffic {
    const { bytes: receivedBytes, frames: receivedFrames } = this.#received;
    const { bytes: sentBytes, frames: sentFrames } = this.#writer.written;
    return { receivedBytes, receivedFrames, sentBytes, sentFrames };
  }

  /**
   * Queues a message; everything queued in one turn of the event loop, and while a write is under way, leaves in one
   * signed frame. The message's `body` field is the caller's to set to the length of `body`. Bodies are not copied:
   * leave them unchanged. After the end of the connection this does nothing. Throws `AppError("too_large")` when the
   * message fits no frame. When too much waits the connection is closed with `slow_reader`.
   */
  send(message: Message, body?: BodyBytes): void {
    this.sendEncoded(JSON.stringify(message), body);
  }

  /** The same for JSON text, for many connections. `spent`: nobody uses the body's buffers once a frame holds a copy. */
  sendEncoded(text: string, body?: BodyBytes, options?: { readonly spent?: boolean }): void {
    if (this.#state.kind !== "open") return;
    this.#writer.send(text, body, options?.spent);
    if (this.queuedBytes > this.#limits.writeQueueBytes) this.dropSlow();
  }

  /** Gives up what waits to be written, and the connection with `slow_reader`. */
  dropSlow(): void {
    this.#logger.log("warning", "slow_reader", { connection: this.id, bytes: this.queuedBytes });
    this.#writer.clear();
    void this.close(new AppError("slow_reader"));
  }

  /** Resolves when at most `bytes` wait to be written, or the connection is over: for a sender of much. */
  queuedAtMost(bytes: number): Promise<void> {
    return this.#state.kind === "open" ? this.#writer.queuedAtMost(bytes) : Promise.resolve();
  }

  /**
   * The messages of the next frame, its signature and counter checked; pings are answered on the way and not shown. One
   * call at a time; the transport is read only during a call. Undefined when the other side has gone or this side has
   * closed. When the frame was bad, or the peer too slow or silent, a client is sent an `error`, the connection is closed
   * and the `AppError` is thrown. Bodies are views on the frame's own buffer: they stay valid, and keep it in memory.
   */
  async receive(): Promise<readonly Arrived[] | undefined> {
    try {
      while (this.#state.kind === "open") {
        const raw = await this.#nextFrame();
        if (raw === undefined) break;
        const shown = this.#accepted(raw);
        if (shown.length > 0) return shown;
      }
    } catch (thrown) {
      const error = asAppError(thrown);
      await this.close(error);
      throw error;
    }
    const reason = this.#state.kind === "ending" ? this.#state.reason : undefined;
    await this.close();
    if (reason !== undefined) throw reason;
    return undefined;
  }

  /**
   * Sends a ping and tells whether anything arrives within `ms` milliseconds; false at once when the connection is over.
   * Needs a `receive` under way.
   */
  probe(ms: number): Promise<boolean> {
    if (this.#state.kind !== "open") return Promise.resolve(false);
    this.send({ type: "ping" });
    return this.#probes.wait(ms);
  }

  /**
   * Writes what is queued, for at most `drainMs`, then closes; a server with an `error` tells its client of it last. Never
   * throws. Further calls return the same promise.
   */
  close(error?: AppError): Promise<void> {
    this.#ended ??= this.#end(error);
    return this.#ended;
  }

  readonly #onAbort = () => {
    void this.close(this.#direction === 1 ? new AppError("server_closing") : undefined);
  };

  // --- the greeting

  async #greet(steps: () => Promise<void>): Promise<void> {
    try {
      this.#liveness.waiting();
      await steps();
    } catch (thrown) {
      const error = asAppError(thrown);
      await this.close(error);
      throw error;
    }
  }

  async #writeHello(frame: Uint8Array): Promise<void> {
    try {
      await this.#writer.writeHello(frame);
    } catch (thrown) {
      throw this.#greetingFailure(thrown);
    }
  }

  async #firstFrame(): Promise<RawFrame> {
    const raw = await this.#nextFrame();
    if (raw === undefined) throw this.#greetingFailure(undefined);
    this.#nextIn = 1;
    return raw;
  }

  #greetingFailure(cause: unknown): AppError {
    const reason = this.#state.kind === "ending" ? this.#state.reason : undefined;
    return reason ?? new AppError("timeout", {
      text: "the connection ended before the greeting was complete",
      fault: "environment",
      cause: cause ?? this.#signal?.reason,
    });
  }

  #begin(peer: Peer, session: { key: VerifyingKey; id: Bytes }): void {
    if (this.#state.kind === "ending") throw this.#greetingFailure(undefined);
    this.#sessionId = session.id;
    this.#writer.enter(session.id, peer.kind === "server" ? peer.hello.limits : undefined);
    this.#peer = peer;
    this.#state = { kind: "open", key: session.key };
    this.#liveness.greeted(peer.kind === "server" ? peer.hello.limits.pingMs : undefined);
  }

  // --- receiving

  /** Reads until a whole frame is there; undefined at the end of the stream, however it came. */
  async #nextFrame(): Promise<RawFrame | undefined> {
    let raw = this.#reader.next();
    if (raw === undefined) this.#liveness.waiting();
    while (raw === undefined) {
      const chunk = await this.#read();
      if (chunk === undefined) return undefined;
      this.#received.bytes += chunk.length;
      this.#reader.push(chunk);
      raw = this.#reader.next();
      if (raw === undefined) this.#begun();
    }
    this.#received.frames++;
    this.#liveness.heard();
    return raw;
  }

  #begun(): void {
    const session = this.#direction === 0 && this.#state.kind === "open";
    if (this.#liveness.partial() && session) this.#nudge.heard();
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      return await this.#readBuffer.fill(this.#transport);
    } catch (thrown) {
      this.#logGone(thrown);
      return undefined;
    }
  }

  /** Verifies and reads a frame; what is left after pings and pongs. */
  #accepted(raw: RawFrame): readonly Arrived[] {
    if (this.#state.kind !== "open") return [];
    const context = { direction: this.#direction === 0 ? 1 : 0, counter: this.#nextIn++ } as const;
    const key = this.#state.key;
    if (!verifyFrame(raw, { ...context, sessionId: this.#sessionId, key })) {
      return this.#refusalBeforeSession(raw, { ...context, key });
    }
    const arrived = readMessages(raw, this.#peerSender);
    this.#probes.settle(true);
    const shown = arrived.every(isOrdinary) ? arrived : this.#withoutSigns(arrived);
    if (this.#direction === 0 && shown.length > 0) this.#nudge.heard();
    return shown;
  }

  /** A server that did not accept our hello has no session yet: its first frame is then an error outside of it. */
  #refusalBeforeSession(
    raw: RawFrame,
    context: { direction: FrameDirection; counter: number; key: VerifyingKey },
  ): readonly Arrived[] {
    const first = this.#direction === 0 && context.counter === 1;
    if (first && verifyFrame(raw, { ...context, sessionId: noSession })) {
      const arrived = readMessages(raw, this.#peerSender);
      if (arrived.every(({ message }) => message.type === "error")) return arrived;
    }
    throw new AppError("tampered");
  }

  #withoutSigns(arrived: readonly Arrived[]): readonly Arrived[] {
    if (arrived.some(({ message }) => message.type === "ping")) this.send({ type: "pong" });
    if (arrived.some(({ message }) => isHello(message))) throw new AppError("not_permitted_now");
    return arrived.filter(isOrdinary);
  }

  // --- the end

  async #end(reason: AppError | undefined): Promise<void> {
    this.#state = { kind: "ending", reason };
    this.#liveness.stop();
    this.#nudge.stop();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#probes.settle(false);
    if (reason !== undefined) this.#sayWhy(reason);
    this.#writer.release();
    await this.#writer.drain(this.#clock, this.#limits.drainMs);
    this.#transport.close();
  }

  /** Only servers do, and only after their hello: `error` is a message of theirs. */
  #sayWhy(reason: AppError): void {
    if (this.#direction === 0 || !this.#writer.greeted) return;
    this.#writer.send(JSON.stringify(errorMessage(reason, { connection: this.id })));
  }

  /** The transport failed: usual enough, since peers vanish. */
  #logGone(thrown: unknown): void {
    const kind = thrown instanceof Error ? thrown.name : typeof thrown;
    this.#logger.log("debug", "transport_ended", { connection: this.id, kind });
  }
}
