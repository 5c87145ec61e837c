/**
 * The line to a peer that has dialled this server: a gateway worker holds its connection, the federation worker the link.
 * Between them goes what arrived and what is to be sent, over a message port. Frames are read only as fast as the link
 * deals with them. The same port carries what clients ask of linked servers. This is the gateway's end.
 */
import { alone } from "../../lib/base/bytes.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { Question } from "./asking.ts";
import {
  type Failure,
  type FromGateway,
  GatheringPort,
  type LinkedServer,
  type PeerAnswer,
  type PeerDirectory,
  type ToGateway,
} from "./pipe_messages.ts";
import { RefusedByPeer } from "./refused.ts";

export type { LinkedServer, PeerAnswer, PeerDirectory } from "./pipe_messages.ts";

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

interface Answered {
  readonly message: ToGateway & { readonly kind: "answered" | "servers" };
  readonly body: Uint8Array;
}

interface Asked {
  readonly resolve: (value: Answered) => void;
  readonly reject: (error: AppError) => void;
}

/** The gateway's end: one for all peers that dial it, and for what its clients ask of linked servers. */
export class PeerPort implements PeerDirectory {
  readonly #port: GatheringPort<FromGateway, ToGateway>;
  readonly #held = new Map<number, Held>();
  readonly #asked = new Map<number, Asked>();
  readonly #linkChanged: (server: string, linked: boolean) => void;
  #next = 1;

  /** `linkChanged` is told of every link that comes or ends. */
  constructor(port: MessagePort, linkChanged: (server: string, linked: boolean) => void) {
    this.#linkChanged = linkChanged;
    this.#port = new GatheringPort(port, (message, body) => this.#take(message, body));
  }

  async ask(server: string, question: Question, body?: Uint8Array): Promise<PeerAnswer> {
    const said = await this.#question((id) => ({ kind: "ask", id, server, question }), body);
    if (said.message.kind !== "answered") throw new AppError("internal", { fault: "us" });
    // A view would keep all that came together.
    return {
      ...said.message.answered,
      body: said.body.length === 0 ? said.body : alone(said.body),
    };
  }

  async servers(): Promise<LinkedServer[]> {
    const said = await this.#question((id) => ({ kind: "servers", id }));
    return said.message.kind === "servers" ? [...said.message.servers] : [];
  }

  /** Every question is answered or refused: the federation worker ends with the server only. */
  #question(make: (id: number) => FromGateway, body?: Uint8Array): Promise<Answered> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      if (body === undefined) this.#port.tell(make(id));
      else this.#port.tell(make(id), body);
    });
  }

  #answered(
    message: Answered["message"] | ToGateway & { readonly kind: "refused" },
    body: Uint8Array,
  ): void {
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.kind !== "refused") return asked?.resolve({ message, body });
    const { code, ...facts } = message.refusal;
    asked?.reject(
      facts.epoch === undefined ? new AppError(code, facts) : new RefusedByPeer({ code, ...facts }),
    );
  }

  /** Hands a greeted connection with the role `peer` over, until it ends. Never rejects. */
  async serve(connection: Connection, remote: string): Promise<void> {
    const { peer } = connection;
    if (peer.kind !== "client") return;
    const pipe = this.#next++;
    const held = new Held(connection);
    this.#held.set(pipe, held);
    const { device: identity } = peer.hello;
    this.#port.tell({ kind: "open", pipe, id: connection.id, identity, remote });
    const failure = await this.#readAll(pipe, held);
    this.#held.delete(pipe);
    this.#port.tell({ kind: "ended", pipe, failure });
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
        const bodies = arrived.map(({ body }) => body);
        const lengths = bodies.map(({ length }) => length);
        const messages = arrived.map(({ message }) => message);
        this.#port.tell({ kind: "frame", pipe, messages, lengths }, ...bodies);
        await held.room();
      }
    } catch (thrown) {
      const { code, message } = asAppError(thrown);
      return { code, text: message };
    }
  }

  #take(message: ToGateway, body: Uint8Array): void {
    if (message.kind === "link") return this.#linkChanged(message.server, message.linked);
    if ("id" in message) return this.#answered(message, body);
    const { kind, pipe } = message;
    const held = this.#held.get(pipe);
    if (held === undefined) return;
    const { connection } = held;
    switch (kind) {
      case "send":
        return body.length === 0
          ? connection.sendEncoded(message.json)
          : connection.sendEncoded(message.json, body);
      case "more":
        return held.more();
      case "drain":
        return void connection.queuedAtMost(message.bytes).then(() =>
          this.#port.tell({ kind: "drained", pipe })
        );
      case "probe":
        return void connection.probe(message.ms).then((alive) =>
          this.#port.tell({ kind: "probed", pipe, alive })
        );
      case "close":
        // Its reader may be waiting for room: it then finds the connection closed.
        return void connection.close().then(() => held.more());
    }
  }
}
