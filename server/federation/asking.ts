/** Questions over a link, both ways: what is not kept, and has no answer when the link ends. */
import { alone, concat } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Message } from "../../lib/wire/messages.ts";
import { AskWindow } from "./ask_window.ts";
import type { HandedType } from "../requests/asker.ts";
import type { PeerChannel } from "./channel.ts";
import { Deadlines } from "./deadlines.ts";
import { RefusedByPeer } from "./refused.ts";

/** What one server asks another about its accounts, or to carry out for one of its own. */
export type Question = Message<"peer.ask">["ask"];
/** What it answers. */
export type Answer = Message<"peer.answer">["answer"];

/** An answer as it arrived. */
export interface ArrivedAnswer {
  readonly answer: Answer;
  /** Empty where there is none. */
  readonly body: Uint8Array;
}

/** What the asked server makes of a question. Text and causes stay with it. */
export type Answered = {
  readonly ok: true;
  readonly answer: Answer;
  readonly body?: readonly Uint8Array[];
} | {
  readonly ok: false;
  readonly code: string;
  readonly retryAfterMs?: number;
  readonly epoch?: number;
};

/** What asking works with. */
export interface AskingOptions {
  readonly channel: PeerChannel;
  readonly clock: Clock;
  /** The peer asks more than it may. */
  readonly exceeded: () => void;
  /** Answers what the peer asks. Begins at once, so that what one account asks keeps its order. */
  readonly answer: (question: Question, body: Uint8Array) => Promise<Answered>;
}

interface Waiting {
  readonly kind: Question["kind"];
  readonly resolve: (answer: ArrivedAnswer) => void;
  readonly reject: (error: AppError) => void;
  /** Somebody else may be asked something in its place. */
  readonly over: () => void;
}

type Taken = Message<"peer.ask"> | Message<"peer.answer"> | Message<"peer.refusal">;

const nothing = new Uint8Array(0);

/** Bytes that a request may keep beside its own: most are done in a moment, and a copy of each costs more than that. */
const mostKept = 256 * 1024;

/** The questions of one link. */
export class Asking {
  readonly #options: AskingOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #deadlines: Deadlines<number>;
  readonly #window = new AskWindow({
    count: peerLimits.requestsInFlight,
    bytes: peerLimits.requestBytesInFlight,
  });
  #nextId = 1;
  #ended = false;
  /** Of the peer: questions being answered, and how many more it may ask in this second. */
  #answering = 0;
  #tokens: number = peerLimits.asksPerSecond;
  #filledAt: number;
  /** Of the peer: requests being carried out, and what they and their answers hold. */
  readonly #carrying = { requests: 0, bytes: 0 };
  #onCarried: (() => void)[] = [];

  constructor(options: AskingOptions) {
    this.#options = options;
    this.#filledAt = options.clock.monotonic();
    const late = (id: number) => this.#settle(id)?.reject(new AppError("server_away"));
    this.#deadlines = new Deadlines(options.clock, { ms: peerLimits.askMs, late });
  }

  /** Asks. Rejects with `server_away` when no answer comes, or as the peer refuses (`RefusedByPeer`). */
  ask(ask: Question, body?: Uint8Array): Promise<ArrivedAnswer> {
    if (this.#ended) return Promise.reject(new AppError("server_away"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#deadlines.add(id);
      const send = () => this.#send({ type: "peer.ask", id, ask }, body);
      // What the answer may hold counts, too: so the other side never has more of it to send than one link may keep waiting.
      const over = this.#window.take((body?.length ?? 0) + answerBytes(ask), send);
      this.#waiting.set(id, { kind: ask.kind, resolve, reject, over });
    });
  }

  /** Takes what the peer asks, answers or refuses. Throws `AppError("malformed")` for an answer of another kind. */
  take(message: Taken, body: Uint8Array): void {
    if (message.type === "peer.ask") {
      return void (message.ask.kind === "request"
        ? this.#carry(message, body)
        : this.#answer(message, body));
    }
    const waiting = this.#settle(message.id);
    // One that was given up on.
    if (waiting === undefined) return;
    if (message.type === "peer.refusal") return waiting.reject(new RefusedByPeer(message));
    const { answer } = message;
    // Views of a frame would keep all of it.
    if (answer.kind === waiting.kind) {
      return waiting.resolve({ answer, body: body.length === 0 ? nothing : alone(body) });
    }
    waiting.reject(new AppError("server_away"));
    throw new AppError("malformed");
  }

  /**
   * Waits, where needed, until the peer may have one more request carried out; until then nothing of it is read. That never
   * waits for the peer to read: both might wait for each other. One that reads no answers loses the link.
   */
  async room(): Promise<void> {
    const { requestsInFlight, requestBytesInFlight } = peerLimits;
    const carrying = this.#carrying;
    while (carrying.requests >= requestsInFlight || carrying.bytes >= requestBytesInFlight) {
      await new Promise<void>((go) => this.#onCarried.push(go));
    }
  }

  /** The link is over: nothing more is answered. */
  end(): void {
    this.#ended = true;
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id)?.reject(new AppError("server_away"));
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#deadlines.delete(id);
    waiting?.over();
    return waiting;
  }

  /** A peer that asks too much is refused at once; its users get their answers a moment later. */
  async #answer({ id, ask }: Message<"peer.ask">, body: Uint8Array): Promise<void> {
    if (!this.#allowed(ask)) {
      this.#options.exceeded();
      return this.#refuse(id, { code: "rate_limited", retryAfterMs: 1000 });
    }
    this.#answering++;
    await this.#reply(id, ask, body);
    this.#answering--;
  }

  /** A request is not refused because there are many: it waits like those of this server's own clients. */
  async #carry({ id, ask }: Message<"peer.ask">, body: Uint8Array): Promise<void> {
    const bytes = body.length + answerBytes(ask);
    this.#carrying.requests++;
    this.#carrying.bytes += bytes;
    // A view keeps all that came together for as long as this takes.
    await this.#reply(id, ask, body.buffer.byteLength > mostKept ? alone(body) : body);
    this.#carrying.requests--;
    this.#carrying.bytes -= bytes;
    for (const go of this.#onCarried.splice(0)) go();
  }

  /** Never rejects. */
  async #reply(id: number, ask: Question, body: Uint8Array): Promise<void> {
    try {
      const answered = await this.#options.answer(ask, body);
      if (!answered.ok) return this.#refuse(id, answered);
      const { answer, body: parts = [] } = answered;
      this.#send({ type: "peer.answer", id, answer }, concat(...parts));
    } catch (thrown) {
      this.#refuse(id, { code: asAppError(thrown).code });
    }
  }

  #allowed(ask: Question): boolean {
    const now = this.#options.clock.monotonic();
    const { asksPerSecond: most, asksInFlight, thirdAskCost } = peerLimits;
    const cost = "server" in ask && ask.server !== undefined ? thirdAskCost : 1;
    this.#tokens = Math.min(most, this.#tokens + (now - this.#filledAt) * most / 1000);
    this.#filledAt = now;
    if (this.#tokens < cost || this.#answering >= asksInFlight) return false;
    this.#tokens -= cost;
    return true;
  }

  #refuse(id: number, refusal: Omit<Message<"peer.refusal">, "type" | "id">): void {
    const { code, retryAfterMs, epoch } = refusal;
    this.#send({
      type: "peer.refusal",
      id,
      code,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) }),
      ...(epoch === undefined ? {} : { epoch }),
    });
  }

  #send(message: Taken, body: Uint8Array = nothing): void {
    if (this.#ended) return;
    const { channel } = this.#options;
    if (body.length === 0) channel.send(JSON.stringify(message));
    else channel.send(JSON.stringify({ ...message, body: body.length }), body);
  }
}

/** What answers are reckoned with that can be far larger than their questions, in bytes. */
const large: { readonly [T in HandedType]?: number } = {
  "conversation.info": peerLimits.requestBytesInFlight / 2,
  "keypackages.claim": peerLimits.requestBytesInFlight / 16,
};

function answerBytes(ask: Question): number {
  return ask.kind === "request" ? large[ask.message.type] ?? 0 : 0;
}
