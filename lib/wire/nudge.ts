/**
 * Why a client answers frames that need no answer. A server's TLS sockets here cannot turn Nagle's delay off: a small
 * frame that follows another waits until the first is acknowledged, and a system that has nothing to send delays its
 * acknowledgement, by 40 ms and more. Whatever the client sends carries the acknowledgement, so when it has nothing
 * else to say for a moment, it says `pong`. The same holds for the end of a frame of more than one TLS record (16 KiB).
 */
import type { CancelTimer, Clock } from "../base/clock.ts";

/** How long the client may take for an answer of its own, in milliseconds. */
const patienceMs = 1;

/** Sends a sign of life after each frame, and each beginning of one, that nothing else has answered. */
export class Nudge {
  readonly #clock: Clock;
  readonly #options: { readonly framesSent: () => number; readonly nudge: () => void };
  #cancel: CancelTimer | undefined;
  /** How many frames had been sent when the last one arrived. */
  #sentBefore = 0;

  /** `framesSent` counts frames handed to the transport. */
  constructor(
    clock: Clock,
    options: { readonly framesSent: () => number; readonly nudge: () => void },
  ) {
    this.#clock = clock;
    this.#options = options;
  }

  /** A frame has arrived, or the beginning of one. */
  heard(): void {
    this.#sentBefore = this.#options.framesSent();
    this.#cancel ??= this.#clock.after(patienceMs, () => this.#look());
  }

  /** No more of them. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    this.#cancel = undefined;
    if (this.#options.framesSent() === this.#sentBefore) this.#options.nudge();
  }
}
