/** Devices that ask what their group is called, and who answers: whoever is first, after a pause that differs. */
import type { CancelTimer, Clock } from "../../lib/base/clock.ts";
import { groupLimits } from "../../lib/base/limits.ts";

/** What answering needs. */
export interface AskOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Tells the group of a thread what it is called. */
  readonly answer: (thread: number) => void;
}

/** Questions that wait for this device's answer. */
export class GroupAsks {
  readonly #options: AskOptions;
  readonly #waiting = new Map<number, CancelTimer>();

  constructor(options: AskOptions) {
    this.#options = options;
  }

  /** Somebody asked at `ts`, the server's time; a question of long ago has had its answer, or is asked again. */
  asked(thread: number, ts: number): void {
    const { clock, random, answer } = this.#options;
    if (clock.now() - ts > groupLimits.askMs || this.#waiting.has(thread)) return;
    const cancel = clock.after(random() * groupLimits.answerJitterMs, () => {
      this.#waiting.delete(thread);
      answer(thread);
    });
    this.#waiting.set(thread, cancel);
  }

  /** Somebody answered. */
  told(thread: number): void {
    this.#waiting.get(thread)?.();
    this.#waiting.delete(thread);
  }

  /** No more answers. */
  stop(): void {
    for (const thread of [...this.#waiting.keys()]) this.told(thread);
  }
}
