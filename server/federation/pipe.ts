/**
 * The line to a peer that has dialled this server: a gateway worker holds its connection, the federation worker the link.
 * Between them goes what arrived and what is to be sent, over a message port. Frames are read only as fast as the link
 * deals with them.
 */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { AppError, asAppError, type ErrorCode } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { Answer, Question } from "./asking.ts";
import type { PeerChannel } from "./channel.ts";

interface Failure {
  readonly code: ErrorCode;
  readonly text: string;
}

/** A linked server as clients see it. */
export interface LinkedServer {
  readonly name: string;
  /** Base64url. */
  readonly identity: string;
  readonly linked: boolean;
}

/** What a linked server answered, and its identity (base64url). */
export interface PeerAnswer {
  readonly identity: string;
  readonly answer: Answer;
}

/** What clients ask of linked servers, on this side of their gateway. */
export interface PeerDirectory {
  /** Rejects with `AppError`: `no_such_server`, `server_away`, or the code of the server's refusal. */
  ask(server: string, question: Question): Promise<PeerAnswer>;
  servers(): LinkedServer[] | Promise<LinkedServer[]>;
}

/** From a gateway to the federation worker. */
type FromGateway =
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly server: string;
    readonly question: Question;
  }
  | { readonly kind: "servers"; readonly id: number }
  | {
    readonly kind: "open";
    readonly pipe: number;
    readonly id: string;
    readonly identity: string;
    readonly remote: string;
  }
  | { readonly kind: "frame"; readonly pipe: number; readonly arrived: readonly Arrived[] }
  | { readonly kind: "ended"; readonly pipe: number; readonly failure: Failure | undefined }
  | { readonly kind: "drained"; readonly pipe: number }
  | { readonly kind: "probed"; readonly pipe: number; readonly alive: boolean };

/** From the federation worker to a gateway. */
type ToGateway =
  | { readonly kind: "answered"; readonly id: number; readonly answered: PeerAnswer }
  | {
    readonly kind: "refused";
    readonly id: number;
    readonly failure: Failure & { readonly retryAfterMs: number | undefined };
  }
  | { readonly kind: "servers"; readonly id: number; readonly servers: readonly LinkedServer[] }
  | {
    readonly kind: "send";
    readonly pipe: number;
    readonly json: string;
    readonly body: Uint8Array | undefined;
  }
  /** A frame was dealt with: one more may be read. */
  | { readonly kind: "more"; readonly pipe: number }
  | { readonly kind: "drain"; readonly pipe: number; readonly bytes: number }
  | { readonly kind: "probe"; readonly pipe: number; readonly ms: number }
  | { readonly kind: "close"; readonly pipe: number };

/** Bodies are views of a whole frame: only their own bytes cross the port. */
function ownBytes(arrived: readonly Arrived[]): Arrived[] {
  return arrived.map(({ message, body }) => ({ message, body: body.slice() }));
}

/** One connection that a gateway holds, and how many more of its frames may be read. */
class Held {
  readonly connection: Connection;
  #credit: number = peerLimits.framesInFlight;
  #wake = () => {};

  constructor(connection: Connection) {
    this.connection = connection;
  }

  more(): void {
    this.#credit++;
    this.#wake();
  }

  /** Takes one frame's room, waiting for it; at once when the connection is over. */
  async room(): Promise<void> {
    this.#credit--;
    while (this.#credit <= 0 && this.connection.isOpen) {
      await new Promise<void>((go) => this.#wake = go);
    }
  }
}

interface Asked {
  readonly resolve: (value: ToGateway & { kind: "answered" | "servers" }) => void;
  readonly reject: (error: AppError) => void;
}

/** The gateway's end: one for all peers that dial it, and for what its clients ask of linked servers. */
export class PeerPort implements PeerDirectory {
  readonly #port: MessagePort;
  readonly #held = new Map<number, Held>();
  readonly #asked = new Map<number, Asked>();
  #next = 1;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<ToGateway>) => this.#take(data);
  }

  async ask(server: string, question: Question): Promise<PeerAnswer> {
    const said = await this.#question((id) => ({ kind: "ask", id, server, question }));
    if (said.kind !== "answered") throw new AppError("internal", { fault: "us" });
    return said.answered;
  }

  async servers(): Promise<LinkedServer[]> {
    const said = await this.#question((id) => ({ kind: "servers", id }));
    return said.kind === "servers" ? [...said.servers] : [];
  }

  /** Every question is answered or refused: the federation worker ends with the server only. */
  #question(
    make: (id: number) => FromGateway,
  ): Promise<ToGateway & { kind: "answered" | "servers" }> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#tell(make(id));
    });
  }

  #answered(said: ToGateway & { kind: "answered" | "servers" | "refused" }): void {
    const asked = this.#asked.get(said.id);
    this.#asked.delete(said.id);
    if (said.kind !== "refused") return asked?.resolve(said);
    const { code, retryAfterMs } = said.failure;
    asked?.reject(new AppError(code, retryAfterMs === undefined ? {} : { retryAfterMs }));
  }

  /** Hands a greeted connection with the role `peer` over, until it ends. Never rejects. */
  async serve(connection: Connection, remote: string): Promise<void> {
    const { peer } = connection;
    if (peer.kind !== "client") return;
    const pipe = this.#next++;
    const held = new Held(connection);
    this.#held.set(pipe, held);
    this.#tell({ kind: "open", pipe, id: connection.id, identity: peer.hello.device, remote });
    const failure = await this.#readAll(pipe, held);
    this.#held.delete(pipe);
    this.#tell({ kind: "ended", pipe, failure });
  }

  /** Closes all of them; each link has said why before. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ connection }) => connection.close()));
  }

  async #readAll(pipe: number, held: Held): Promise<Failure | undefined> {
    try {
      for (;;) {
        const arrived = await held.connection.receive();
        if (arrived === undefined) return undefined;
        this.#tell({ kind: "frame", pipe, arrived: ownBytes(arrived) });
        await held.room();
      }
    } catch (thrown) {
      const { code, message } = asAppError(thrown);
      return { code, text: message };
    }
  }

  #take(message: ToGateway): void {
    if ("id" in message) return this.#answered(message);
    const { kind, pipe } = message;
    const held = this.#held.get(pipe);
    if (held === undefined) return;
    const { connection } = held;
    switch (kind) {
      case "send":
        return connection.sendEncoded(message.json, message.body);
      case "more":
        return held.more();
      case "drain":
        return void connection.queuedAtMost(message.bytes).then(() =>
          this.#tell({ kind: "drained", pipe })
        );
      case "probe":
        return void connection.probe(message.ms).then((alive) =>
          this.#tell({ kind: "probed", pipe, alive })
        );
      case "close":
        // Its reader may be waiting for room: it then finds the connection closed.
        return void connection.close().then(() => held.more());
    }
  }

  #tell(message: FromGateway): void {
    this.#port.postMessage(message);
  }
}

/** The federation worker's end of one line. */
class PipeChannel implements PeerChannel {
  readonly id: string;
  readonly dialled = "by_them";
  readonly identity: Uint8Array;
  readonly remote: string;
  readonly #pipe: number;
  readonly #port: MessagePort;
  readonly #frames: (readonly Arrived[])[] = [];
  readonly #closed = Promise.withResolvers<void>();
  readonly #drained: (() => void)[] = [];
  readonly #probed: ((alive: boolean) => void)[] = [];
  #end: { readonly failure: AppError | undefined } | undefined;
  /** Whether the frame given out last is still being dealt with. */
  #given = false;
  #wake = () => {};

  constructor(port: MessagePort, opened: FromGateway & { kind: "open" }) {
    this.#port = port;
    this.#pipe = opened.pipe;
    this.id = opened.id;
    this.identity = fromBase64url(opened.identity);
    this.remote = opened.remote;
  }

  send(json: string, body?: Uint8Array): void {
    if (this.#end === undefined) this.#tell({ kind: "send", pipe: this.#pipe, json, body });
  }

  async receive(): Promise<readonly Arrived[] | undefined> {
    if (this.#given) this.#tell({ kind: "more", pipe: this.#pipe });
    this.#given = false;
    while (this.#frames.length === 0 && this.#end === undefined) {
      await new Promise<void>((go) => this.#wake = go);
    }
    const frame = this.#frames.shift();
    this.#given = frame !== undefined;
    if (frame === undefined && this.#end?.failure !== undefined) throw this.#end.failure;
    return frame;
  }

  queuedAtMost(bytes: number): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve();
    this.#tell({ kind: "drain", pipe: this.#pipe, bytes });
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  probe(ms: number): Promise<boolean> {
    if (this.#end !== undefined) return Promise.resolve(false);
    this.#tell({ kind: "probe", pipe: this.#pipe, ms });
    return new Promise((resolve) => this.#probed.push(resolve));
  }

  close(): Promise<void> {
    this.#tell({ kind: "close", pipe: this.#pipe });
    return this.#closed.promise;
  }

  /** What the gateway says of this line. */
  take(message: Exclude<FromGateway, { kind: "open" | "ask" | "servers" }>): void {
    switch (message.kind) {
      case "frame":
        this.#frames.push(message.arrived);
        return this.#wake();
      case "drained":
        return this.#drained.shift()?.();
      case "probed":
        return this.#probed.shift()?.(message.alive);
      case "ended":
        return this.#ended(message.failure);
    }
  }

  #ended(failure: Failure | undefined): void {
    this.#end = { failure: failure && new AppError(failure.code, { text: failure.text }) };
    for (const go of this.#drained.splice(0)) go();
    for (const settle of this.#probed.splice(0)) settle(false);
    this.#closed.resolve();
    this.#wake();
  }

  #tell(message: ToGateway): void {
    this.#port.postMessage(message);
  }
}

/** What the federation worker does for gateways. */
export interface PipeServices extends PeerDirectory {
  /** Takes a line. */
  take(channel: PeerChannel): void;
}

/** Takes the lines that one gateway hands over, and answers what its clients ask. */
export function acceptPipes(port: MessagePort, services: PipeServices): void {
  const channels = new Map<number, PipeChannel>();
  port.onmessage = ({ data }: MessageEvent<FromGateway>) => {
    switch (data.kind) {
      case "ask":
      case "servers":
        return void answer(port, data, services);
      case "open": {
        const channel = new PipeChannel(port, data);
        channels.set(data.pipe, channel);
        return services.take(channel);
      }
      default:
        channels.get(data.pipe)?.take(data);
        if (data.kind === "ended") channels.delete(data.pipe);
    }
  };
}

async function answer(
  port: MessagePort,
  asked: FromGateway & { kind: "ask" | "servers" },
  services: PeerDirectory,
): Promise<void> {
  const { id } = asked;
  const tell = (message: ToGateway) => port.postMessage(message);
  try {
    if (asked.kind === "servers") {
      return tell({ kind: "servers", id, servers: await services.servers() });
    }
    const answered = await services.ask(asked.server, asked.question);
    tell({ kind: "answered", id, answered });
  } catch (thrown) {
    const { code, message: text, retryAfterMs } = asAppError(thrown);
    tell({ kind: "refused", id, failure: { code, text, retryAfterMs } });
  }
}
