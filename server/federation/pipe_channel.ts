/** The federation worker's end of the way to one gateway: its lines to peers that dialled, and its clients' questions. */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { PeerChannel } from "./channel.ts";
import {
  type Failure,
  type FromGateway,
  GatheringPort,
  type PeerDirectory,
  type Refusal,
  type ToGateway,
} from "./pipe_messages.ts";
import { RefusedByPeer } from "./refused.ts";

type Port = GatheringPort<ToGateway, FromGateway>;

/** One line. */
class PipeChannel implements PeerChannel {
  readonly id: string;
  readonly dialled = "by_them";
  readonly identity: Uint8Array;
  readonly remote: string;
  readonly #pipe: number;
  readonly #port: Port;
  readonly #frames: (readonly Arrived[])[] = [];
  readonly #closed = Promise.withResolvers<void>();
  readonly #drained: (() => void)[] = [];
  readonly #probed: ((alive: boolean) => void)[] = [];
  #end: { readonly failure: AppError | undefined } | undefined;
  /** Whether the frame given out last is still being dealt with. */
  #given = false;
  #wake = () => {};

  constructor(port: Port, opened: FromGateway & { kind: "open" }) {
    this.#port = port;
    this.#pipe = opened.pipe;
    this.id = opened.id;
    this.identity = fromBase64url(opened.identity);
    this.remote = opened.remote;
  }

  send(json: string, body?: Uint8Array): void {
    if (this.#end !== undefined) return;
    const message = { kind: "send", pipe: this.#pipe, json } as const;
    if (body === undefined) this.#port.tell(message);
    else this.#port.tell(message, body);
  }

  async receive(): Promise<readonly Arrived[] | undefined> {
    if (this.#given) this.#port.tell({ kind: "more", pipe: this.#pipe });
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
    this.#port.tell({ kind: "drain", pipe: this.#pipe, bytes });
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  probe(ms: number): Promise<boolean> {
    if (this.#end !== undefined) return Promise.resolve(false);
    this.#port.tell({ kind: "probe", pipe: this.#pipe, ms });
    return new Promise((resolve) => this.#probed.push(resolve));
  }

  close(): Promise<void> {
    this.#port.tell({ kind: "close", pipe: this.#pipe });
    return this.#closed.promise;
  }

  /** What the gateway says of this line. */
  take(
    message: Exclude<FromGateway, { kind: "open" | "ask" | "servers" }>,
    body: Uint8Array,
  ): void {
    switch (message.kind) {
      case "frame":
        this.#frames.push(arrivedOf(message, body));
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
}

/** The messages of a frame with their parts of its body. */
function arrivedOf(
  { messages, lengths }: FromGateway & { readonly kind: "frame" },
  body: Uint8Array,
): Arrived[] {
  let at = 0;
  return messages.map((message, index) => ({
    message,
    body: body.subarray(at, at += lengths[index] ?? 0),
  }));
}

/** What the federation worker does for gateways. */
export interface PipeServices extends PeerDirectory {
  /** Takes a line. */
  take(channel: PeerChannel): void;
}

/** The way to one gateway, from this side. */
export interface AcceptedPipes {
  /** A link has come or has ended. */
  linkChanged(server: string, linked: boolean): void;
}

/** Takes the lines that one gateway hands over, and answers what its clients ask. */
export function acceptPipes(messagePort: MessagePort, services: PipeServices): AcceptedPipes {
  const channels = new Map<number, PipeChannel>();
  const port: Port = new GatheringPort(messagePort, (message, body) => {
    switch (message.kind) {
      case "ask":
      case "servers":
        return void answer(port, { message, body }, services);
      case "open": {
        const channel = new PipeChannel(port, message);
        channels.set(message.pipe, channel);
        return services.take(channel);
      }
      default:
        channels.get(message.pipe)?.take(message, body);
        if (message.kind === "ended") channels.delete(message.pipe);
    }
  });
  return { linkChanged: (server, linked) => port.tell({ kind: "link", server, linked }) };
}

async function answer(
  port: Port,
  { message: asked, body }: {
    readonly message: FromGateway & { kind: "ask" | "servers" };
    readonly body: Uint8Array;
  },
  services: PeerDirectory,
): Promise<void> {
  const { id } = asked;
  try {
    if (asked.kind === "servers") {
      return port.tell({ kind: "servers", id, servers: await services.servers() });
    }
    const { server, question } = asked;
    const { body: bytes, ...answered } = await services.ask(
      server,
      question,
      body.length === 0 ? undefined : body,
    );
    port.tell({ kind: "answered", id, answered }, bytes);
  } catch (thrown) {
    port.tell({ kind: "refused", id, refusal: refusalOf(thrown) });
  }
}

function refusalOf(thrown: unknown): Refusal {
  const error = asAppError(thrown);
  const { code, retryAfterMs } = error;
  const epoch = error instanceof RefusedByPeer ? error.epoch : undefined;
  return {
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(epoch === undefined ? {} : { epoch }),
  };
}
