/** Questions over a link, both ways: what is not kept, and has no answer when the link ends. */
import type { Clock } from "../../lib/base/clock.ts";
import { AppError, asAppError, isErrorCode } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { PeerChannel } from "./channel.ts";

/** What one server asks another about its accounts. */
export type Question = Message<"peer.ask">["ask"];
/** What it answers. */
export type Answer = Message<"peer.answer">["answer"];
/** What the asked server makes of a question. Text and causes stay with it. */
export type Answered = { readonly ok: true; readonly answer: Answer } | {
  readonly ok: false;
  readonly code: string;
  readonly retryAfterMs?: number;
};

/** What asking works with. */
export interface AskingOptions {
  readonly channel: PeerChannel;
  readonly clock: Clock;
  readonly answer: (question: Question) => Promise<Answered>;
}

interface Waiting {
  readonly kind: Question["kind"];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: AppError) => void;
}

/** The questions of one link. */
export class Asking {
  readonly #options: AskingOptions;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended = false;
  /** Of the peer: being answered, and how many more it may ask in this second. */
  #answering = 0;
  #tokens: number = peerLimits.asksPerSecond;
  #filledAt: number;

  constructor(options: AskingOptions) {
    this.#options = options;
    this.#filledAt = options.clock.monotonic();
  }

  /** Asks. Rejects with `server_away` when no answer comes, or with the code of the refusal. */
  ask(ask: Question): Promise<Answer> {
    if (this.#ended) return Promise.reject(new AppError("server_away"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const late = () => this.#settle(id)?.reject(new AppError("server_away"));
      const cancel = this.#options.clock.after(peerLimits.askMs, late);
      const done = <T>(settle: (value: T) => void) => (value: T) => {
        cancel();
        settle(value);
      };
      this.#waiting.set(id, { kind: ask.kind, resolve: done(resolve), reject: done(reject) });
      this.#send({ type: "peer.ask", id, ask });
    });
  }

  /** Takes what the peer asks, answers or refuses. Throws `AppError("malformed")` for an answer of another kind. */
  take(message: Message<"peer.ask"> | Message<"peer.answer"> | Message<"peer.refusal">): void {
    if (message.type === "peer.ask") return void this.#answer(message);
    const waiting = this.#settle(message.id);
    // One that was given up on.
    if (waiting === undefined) return;
    if (message.type === "peer.refusal") return waiting.reject(refusalOf(message));
    const fits = message.answer.kind === waiting.kind;
    if (fits) return waiting.resolve(message.answer);
    waiting.reject(new AppError("server_away"));
    throw new AppError("malformed");
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
    return waiting;
  }

  /** A peer that asks too much is refused at once; its users get their answers a moment later. */
  async #answer({ id, ask }: Message<"peer.ask">): Promise<void> {
    if (!this.#allowed()) return this.#refuse(id, { code: "rate_limited", retryAfterMs: 1000 });
    this.#answering++;
    try {
      const answered = await this.#options.answer(ask);
      if (answered.ok) this.#send({ type: "peer.answer", id, answer: answered.answer });
      else this.#refuse(id, answered);
    } catch (thrown) {
      this.#refuse(id, { code: asAppError(thrown).code });
    } finally {
      this.#answering--;
    }
  }

  #allowed(): boolean {
    const now = this.#options.clock.monotonic();
    const { asksPerSecond: most, asksInFlight } = peerLimits;
    this.#tokens = Math.min(most, this.#tokens + (now - this.#filledAt) * most / 1000);
    this.#filledAt = now;
    if (this.#tokens < 1 || this.#answering >= asksInFlight) return false;
    this.#tokens--;
    return true;
  }

  #refuse(id: number, { code, retryAfterMs }: { code: string; retryAfterMs?: number }): void {
    this.#send({
      type: "peer.refusal",
      id,
      code,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  #send(message: Message<"peer.ask" | "peer.answer" | "peer.refusal">): void {
    this.#options.channel.send(JSON.stringify(message));
  }
}

function refusalOf({ code, retryAfterMs }: Message<"peer.refusal">): AppError {
  const known = isErrorCode(code) ? code : "server_away";
  return new AppError(known, retryAfterMs === undefined ? {} : { retryAfterMs });
}
