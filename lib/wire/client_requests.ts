/** Requests and replies over a connection, for the client: ids, pairing, timeouts, events. */
import { type Clock, systemClock } from "../base/clock.ts";
import { AppError, asAppError } from "../base/errors.ts";
import { clientLimits } from "../base/limits.ts";
import type { Connection } from "./connection.ts";
import type { BodyBytes } from "./connection_options.ts";
import { RefusedError } from "./errors.ts";
import type {
  Arrived,
  EventType,
  Message,
  NoticeType,
  ReplyType,
  RequestType,
} from "./messages.ts";

/** A request without its id, which `Requests` chooses. */
export type NewRequest<T extends RequestType> =
  & { readonly type: T }
  & Omit<Message<T>, "id" | "type">;

/** Something the server sent unasked. */
export type ArrivedEvent = { [T in EventType]: Arrived<T> }[EventType];

export type { BodyBytes } from "./connection_options.ts";

/** What `Requests` needs beside its connection. */
export interface RequestsOptions {
  /**
   * Takes each event in the order of arrival, before the replies behind it settle. Nothing more is read until its
   * promise settles, which is the back-pressure: so it must not wait for a reply. If it throws, the connection closes.
   */
  readonly onEvent: (event: ArrivedEvent) => void | Promise<void>;
  /** Called once, when the connection is over; without a reason at a clean end. */
  readonly onClosed: (reason: AppError | undefined) => void;
  readonly clock?: Clock;
  /** How long a reply may take, in milliseconds. */
  readonly requestMs?: number;
}

interface Pending {
  readonly replyType: string;
  settle(outcome: { reply: Arrived } | { error: AppError }): void;
}

/** One client's requests over one connection. Begins to read at once; the connection's `receive` belongs to it. */
export class Requests {
  readonly #connection: Connection;
  readonly #options: RequestsOptions;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closed: AppError | undefined;
  /** Settles when the connection is over. Never rejects. */
  readonly finished: Promise<void>;

  constructor(connection: Connection, options: RequestsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.finished = this.#run();
  }

  /** The connection underneath. */
  get connection(): Connection {
    return this.#connection;
  }

  /**
   * Sends a request and waits for its reply. Rejects with `RefusedError` when the server refuses, with
   * `AppError("timeout")` when it takes longer than `timeoutMs` or the connection ends first, and with the signal's
   * reason; in the latter cases the server may have done it nevertheless.
   */
  request<T extends RequestType>(
    message: NewRequest<T>,
    body?: BodyBytes,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Arrived<ReplyType<T>>> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed);
      if (options.signal?.aborted) return reject(options.signal.reason);
      const id = this.#nextId++;
      const finish = () => {
        this.#pending.delete(id);
        cancel();
        options.signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        finish();
        reject(options.signal?.reason);
      };
      const settle: Pending["settle"] = (outcome) => {
        finish();
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.reply as Arrived<ReplyType<T>>);
      };
      const ms = options.timeoutMs ?? this.#options.requestMs ?? clientLimits.requestMs;
      const late = () => settle({ error: new AppError("timeout", { fault: "environment" }) });
      const cancel = this.#clock.after(ms, late);
      options.signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, { replyType: `${message.type}.ok`, settle });
      this.#send(id, message, body);
    });
  }

  #send(id: number, message: object, body: BodyBytes | undefined): void {
    try {
      this.#connection.sendEncoded(JSON.stringify({ ...message, id }), body);
    } catch (thrown) {
      this.#pending.get(id)?.settle({ error: asAppError(thrown) });
    }
  }

  /** Sends a message that gets no reply; does nothing when the connection is over. */
  notify(message: Message<NoticeType>): void {
    this.#connection.send(message);
  }

  /** Closes the connection after writing what is queued. Requests still waiting are rejected. */
  async close(): Promise<void> {
    await this.#connection.close();
    await this.finished;
  }

  async #run(): Promise<void> {
    let reason: AppError | undefined;
    try {
      for (;;) {
        const arrived = await this.#connection.receive();
        if (arrived === undefined) break;
        for (const one of arrived) await this.#take(one);
      }
    } catch (thrown) {
      reason = asAppError(thrown);
      await this.#connection.close(reason);
    }
    this.#finish(reason);
  }

  #take(arrived: Arrived): void | Promise<void> {
    const { message } = arrived;
    if (message.type === "error") return this.#refused(message);
    if ("id" in message) return this.#replied(message.id, arrived);
    return this.#options.onEvent(arrived as ArrivedEvent);
  }

  #refused(message: Message<"error">): void {
    const error = new RefusedError(message);
    if (message.id === undefined) throw error;
    this.#pending.get(message.id)?.settle({ error });
  }

  /** A reply to a request that was given up on is dropped. */
  #replied(id: number, reply: Arrived): void {
    const pending = this.#pending.get(id);
    if (pending === undefined && id < this.#nextId) return;
    if (pending?.replyType !== reply.message.type) throw new AppError("malformed");
    pending.settle({ reply });
  }

  #finish(reason: AppError | undefined): void {
    const text = "the connection ended before the answer came";
    this.#closed = reason ?? new AppError("timeout", { text, fault: "environment" });
    for (const pending of [...this.#pending.values()]) pending.settle({ error: this.#closed });
    this.#options.onClosed(reason);
  }
}
