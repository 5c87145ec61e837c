/** Silence and slowness: when to ping, and when to give up. One timer per connection, however many frames pass. */
import type { CancelTimer, Clock } from "../base/clock.ts";

/** Deadlines in milliseconds. */
export interface LivenessLimits {
  /** A ping goes out after this long without a frame from the peer. */
  readonly pingMs: number;
  /** Without any frame for this long the peer is dead. */
  readonly deadMs: number;
  /** A frame that has begun must be complete within this. */
  readonly frameMs: number;
}

/** No peer can make us ping more often than this. */
const leastPingMs = 1000;

/** What a connection does when a deadline passes. */
export interface LivenessActions {
  ping(): void;
  /** The peer said nothing for too long, or did not finish its hello or a frame. */
  expired(): void;
}

/**
 * Watches one connection. Time in which the owner does not read does not count against the peer, and so the owner says
 * when it begins to wait (`waiting`) and when it has what it waited for (`heard`).
 */
export class Liveness {
  readonly #clock: Clock;
  #limits: LivenessLimits;
  readonly #actions: LivenessActions;
  #cancel: CancelTimer | undefined;
  #timerAt = Infinity;
  /** When the present wait began; undefined while nobody reads. */
  #waitingSince: number | undefined;
  #partialSince: number | undefined;
  /** Whole hello due at; undefined once it is there. */
  #helloDue: number | undefined;
  /** The last frame received or ping sent. */
  #lastSign: number;

  constructor(
    clock: Clock,
    options: { limits: LivenessLimits; actions: LivenessActions; helloMs: number },
  ) {
    this.#clock = clock;
    this.#limits = options.limits;
    this.#actions = options.actions;
    this.#lastSign = clock.monotonic();
    this.#helloDue = this.#lastSign + options.helloMs;
    this.#arm();
  }

  /** The hello is complete; pings begin, as often as the peer wishes (`pingMs`) within reason. */
  greeted(pingMs = this.#limits.pingMs): void {
    const wish = Math.max(leastPingMs, pingMs);
    this.#limits = { ...this.#limits, pingMs: Math.min(this.#limits.pingMs, wish) };
    this.#helloDue = undefined;
    this.#lastSign = this.#clock.monotonic();
    this.#arm();
  }

  /** The owner begins to wait for the peer. */
  waiting(): void {
    this.#waitingSince = this.#clock.monotonic();
    this.#arm();
  }

  /** A whole frame arrived. */
  heard(): void {
    this.#partialSince = undefined;
    this.#waitingSince = undefined;
    this.#lastSign = this.#clock.monotonic();
  }

  /** Part of a frame has arrived; whether it is the first of that frame. */
  partial(): boolean {
    if (this.#partialSince !== undefined) return false;
    this.#partialSince = this.#clock.monotonic();
    this.#arm();
    return true;
  }

  /** No more deadlines. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#timerAt = -Infinity;
  }

  #due(): { expiry: number; ping: number } {
    if (this.#helloDue !== undefined) return { expiry: this.#helloDue, ping: Infinity };
    const ping = this.#lastSign + this.#limits.pingMs;
    const since = this.#waitingSince;
    if (since === undefined) return { expiry: Infinity, ping };
    const begun = this.#partialSince;
    const frame = begun === undefined ? Infinity : Math.max(begun, since) + this.#limits.frameMs;
    return { expiry: Math.min(frame, since + this.#limits.deadMs), ping };
  }

  /** Sets the timer to the next deadline, unless it already goes off earlier (and then looks again). */
  #arm(): void {
    const { expiry, ping } = this.#due();
    const at = Math.min(expiry, ping);
    if (this.#timerAt <= at) return;
    this.#cancel?.();
    this.#timerAt = at;
    const ms = Math.max(0, Math.ceil(at - this.#clock.monotonic()));
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.monotonic();
    const { expiry, ping } = this.#due();
    if (now >= expiry) return this.#actions.expired();
    if (now >= ping) {
      this.#lastSign = now;
      this.#actions.ping();
    }
    this.#arm();
  }
}
