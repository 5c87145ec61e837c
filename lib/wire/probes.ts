/** Waiting for a sign of life that was asked for. */
import type { Clock } from "../base/clock.ts";

/** The probes of one connection. */
export class Probes {
  readonly #clock: Clock;
  readonly #waiting = new Set<(alive: boolean) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the next `settle` says; false after `ms` milliseconds. */
  wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (alive: boolean) => {
        cancel();
        this.#waiting.delete(settle);
        resolve(alive);
      };
      const cancel = this.#clock.after(ms, () => settle(false));
      this.#waiting.add(settle);
    });
  }

  /** Answers all that wait. */
  settle(alive: boolean): void {
    for (const settle of this.#waiting) settle(alive);
  }
}
