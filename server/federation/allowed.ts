/** Counting what a peer brings about against what is allowed, for as long as its link stands. */
import type { Clock } from "../../lib/base/clock.ts";
import { type Allowance, waitForWindow, type Window, windowAt } from "../domain/rate.ts";

/** One thing that is counted. */
export class Allowed {
  readonly #clock: Clock;
  readonly #allowance: Allowance;
  #window: Window | undefined;

  constructor(clock: Clock, allowance: Allowance) {
    this.#clock = clock;
    this.#allowance = allowance;
  }

  /** Milliseconds until it is allowed again; 0 counts this one. */
  count(): number {
    const now = this.#clock.monotonic();
    const window = windowAt(this.#window, now, this.#allowance);
    const wait = waitForWindow(window, now, this.#allowance);
    if (wait === 0) this.#window = { ...window, count: window.count + 1 };
    return wait;
  }
}
