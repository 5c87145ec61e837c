/** Keeps one session with the server: connects, logs the device in, and comes back after every end that allows it. */
import { askedPauseMs, backoffMs } from "../../lib/base/backoff.ts";
import { type Clock, pause } from "../../lib/base/clock.ts";
import { AppError, asAppError, type ErrorCode } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import {
  type ArrivedEvent,
  type BodyBytes,
  type NewRequest,
  Requests,
} from "../../lib/wire/client_requests.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type {
  Arrived,
  Message,
  NoticeType,
  ReplyType,
  RequestType,
} from "../../lib/wire/messages.ts";
import type { ConnectionState } from "./api.ts";

/** Whoever takes requests to the server: one connection, or the keeper over all of them. */
export interface Requester {
  request<T extends RequestType>(
    message: NewRequest<T>,
    body?: BodyBytes,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Arrived<ReplyType<T>>>;
  notify(message: Message<NoticeType>): void;
}

/** What the server says to a session that becomes ready. */
export type Welcome = Message<"account.login.device.ok">;

/** What a keeper needs. */
export interface KeeperOptions {
  /** A new connection to the pinned server, greeted. */
  open(signal: AbortSignal): Promise<Connection>;
  /** The instance token, the same for all processes of a profile. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Says what a refused login means, and what to do. */
  readonly explain?: (error: AppError) => AppError;
  /** A session has become ready; it ends when `signal` aborts. */
  onReady(welcome: Welcome, signal: AbortSignal): void;
  /** In order of arrival; nothing more is read until it settles. */
  onEvent(event: ArrivedEvent): void | Promise<void>;
  onState(state: ConnectionState): void;
  /** A request is about to wait for its reply: reading must not pause. */
  onRequest(): void;
}

/** Codes after which only a person can help. */
const final: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "already_logged_in",
  "unknown_device",
  "device_revoked",
  "account_disabled",
  "account_deleted",
  "unsupported_version",
  "invalid_certificate",
  "tampered",
]);

/** How one session ended. */
type Ending =
  | { readonly kind: "again"; readonly error: AppError; readonly retryAfterMs?: number }
  | { readonly kind: "final"; readonly error: AppError };

/** The connection of one engine. */
export class Keeper implements Requester {
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  #state: ConnectionState = { kind: "offline", reason: "not connected yet" };
  #requests: Requests | undefined;
  #wake = () => {};
  /** Those who wait for what comes of the attempt to connect that is under way. */
  #waiting: (() => void)[] = [];
  #running: Promise<void> | undefined;
  /** Requests under way; see `busy`. */
  #pending = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get online(): boolean {
    return this.#state.kind === "online";
  }

  /** Whether some request waits for its reply: then reading must go on. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Begins. Resolves at the first ready session; rejects at the first failure unless `keepTrying`. */
  start(options: { keepTrying: boolean }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#running = this.#run(options, { resolve, reject });
      if (options.keepTrying) resolve();
    });
  }

  async request<T extends RequestType>(
    message: NewRequest<T>,
    body?: BodyBytes,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Arrived<ReplyType<T>>> {
    // What is asked a moment before the connection is there need not fail; an attempt has its own limit of time.
    while (this.#state.kind === "connecting") {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#requests === undefined || !this.online) throw notConnected(this.#state);
    this.#pending += 1;
    this.#options.onRequest();
    try {
      return await this.#requests.request(message, body, options);
    } finally {
      this.#pending -= 1;
    }
  }

  notify(message: Message<NoticeType>): void {
    if (this.online) this.#requests?.notify(message);
  }

  /** Tries again now instead of after the pause. */
  wake(): void {
    this.#wake();
  }

  /** Closes for good, after writing what is queued. */
  async stop(): Promise<void> {
    this.#stop.abort(new AppError("timeout", { text: "the client stops", fault: "us" }));
    this.#wake();
    await this.#requests?.close();
    await this.#running;
  }

  async #run(
    options: { keepTrying: boolean },
    first: { resolve: () => void; reject: (reason: AppError) => void },
  ): Promise<void> {
    let attempt = 0;
    let settled = options.keepTrying;
    while (!this.#stop.signal.aborted) {
      this.#enter({ kind: "connecting" });
      const ending = await this.#session(() => {
        attempt = 0;
        settled = true;
        first.resolve();
      });
      if (!settled) first.reject(ending.error);
      if (this.#stop.signal.aborted || !settled || ending.kind === "final") {
        return this.#ended(ending);
      }
      const ms = ending.retryAfterMs ?? this.#backoff(attempt++);
      await this.#sleep(ending.error.message, ms);
    }
  }

  #ended({ kind, error }: Ending): void {
    const { code, message: reason } = error;
    const stopped = kind === "final" && !this.#stop.signal.aborted;
    this.#enter(stopped ? { kind: "stopped", code, reason } : { kind: "offline", reason });
  }

  #backoff(attempt: number): number {
    const { random } = this.#options;
    return backoffMs(attempt, {
      firstMs: clientLimits.reconnectFirstMs,
      maxMs: clientLimits.reconnectMaxMs,
      ...(random === undefined ? {} : { random }),
    });
  }

  async #sleep(reason: string, ms: number): Promise<void> {
    const { clock } = this.#options;
    this.#enter({ kind: "offline", reason, retryAt: clock.now() + ms });
    const early = new AbortController();
    this.#wake = () => early.abort();
    await pause(clock, ms, early.signal).catch(() => undefined);
    this.#wake = () => {};
  }

  /** One session from dialling to its end. */
  async #session(ready: () => void): Promise<Ending> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop.signal]);
    let ending: Ending | undefined;
    try {
      const connection = await this.#options.open(this.#stop.signal);
      // Who stops while a connection opens does not know it yet, and cannot close it.
      if (this.#stop.signal.aborted) {
        await connection.close();
        throw this.#stop.signal.reason;
      }
      const requests = new Requests(connection, {
        clock: this.#options.clock,
        onClosed: (reason) => ending ??= endingOf(reason, "session"),
        onEvent: (event) => {
          const end = endingEvent(event);
          if (end === undefined) return this.#options.onEvent(event);
          ending = end;
          void connection.close();
        },
      });
      this.#requests = requests;
      const asked = this.#options.clock.now();
      const { message } = await this.#login(requests);
      // In the middle between question and answer, as near as one can tell.
      const aheadMs = Math.round(message.now - (asked + this.#options.clock.now()) / 2);
      this.#enter({ kind: "online", address: message.address, aheadMs });
      ready();
      this.#options.onReady(message, signal);
      await requests.finished;
    } catch (thrown) {
      ending ??= endingOf(asAppError(thrown), "opening");
      await this.#requests?.close();
    }
    this.#requests = undefined;
    over.abort(ending?.error);
    return ending ?? endingOf(undefined, "session");
  }

  /** Without live events: whoever wants them turns them on after catching up. */
  async #login(requests: Requests) {
    const { instance, explain } = this.#options;
    try {
      return await requests.request({
        type: "account.login.device",
        instance,
        receive: false,
      });
    } catch (thrown) {
      const error = asAppError(thrown);
      throw explain?.(error) ?? error;
    }
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    for (const go of this.#waiting.splice(0)) go();
    this.#options.onState(state);
  }
}

function endingEvent({ message }: ArrivedEvent): Ending | undefined {
  if (message.type === "session.replaced") {
    const text = "another copy of this profile has logged in";
    return { kind: "final", error: new AppError("already_logged_in", { text }) };
  }
  if (message.type === "server.closing") {
    const retryAfterMs = askedPauseMs(message.retryAfterMs);
    return { kind: "again", error: new AppError("server_closing"), retryAfterMs };
  }
  return undefined;
}

/** `opening`: a server that cannot prove who it is stays so; within a session a broken frame may be an accident. */
function endingOf(reason: AppError | undefined, when: "opening" | "session"): Ending {
  const text = "the connection was lost";
  const error = reason ?? new AppError("timeout", { text, fault: "environment" });
  const accident = when === "session" && error.code === "tampered";
  if (final.has(error.code) && !accident) return { kind: "final", error };
  const { retryAfterMs } = error;
  return { kind: "again", error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function notConnected(state: ConnectionState): AppError {
  const why = state.kind === "offline" || state.kind === "stopped" ? `: ${state.reason}` : "";
  return new AppError("timeout", { text: `not connected${why}`, fault: "environment" });
}
