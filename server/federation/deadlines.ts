/** Deadlines that are all equally long, with one timer for all of them. */
import type { Clock } from "../../lib/base/clock.ts";

/** Calls `late` for each key that is not taken back within `ms`, in the order in which they came. */
export class Deadlines<K> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #late: (key: K) => void;
  /** When each is due, the earliest first. */
  readonly #due = new Map<K, number>();
  #cancel: (() => void) | undefined;

  constructor(
    clock: Clock,
    { ms, late }: { readonly ms: number; readonly late: (key: K) => void },
  ) {
    this.#clock = clock;
    this.#ms = ms;
    this.#late = late;
  }

  add(key: K): void {
    this.#due.set(key, this.#clock.monotonic() + this.#ms);
    if (this.#cancel === undefined) this.#arm(this.#ms);
  }

  /** In time. */
  delete(key: K): void {
    this.#due.delete(key);
    if (this.#due.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    const now = this.#clock.monotonic();
    for (const [key, due] of this.#due) {
      if (due > now) return this.#arm(due - now);
      this.#due.delete(key);
      this.#late(key);
    }
  }
}
