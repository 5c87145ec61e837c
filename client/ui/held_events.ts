/** Events that wait while something else is put on the screen, so that they stand below it. */
import type { EngineEvent } from "../engine/api.ts";

/** Events that are held; when one more comes, all are shown as they come again: none is lost. */
const mostHeld = 1000;

/** Passes events on in their order. */
export class HeldEvents {
  readonly #show: (event: EngineEvent) => void;
  #held: EngineEvent[] | undefined;

  constructor(show: (event: EngineEvent) => void) {
    this.#show = show;
  }

  /** Shows an event, now or when `during` is over. */
  take(event: EngineEvent): void {
    if (this.#held === undefined) return this.#show(event);
    this.#held.push(event);
    if (this.#held.length > mostHeld) this.#release();
  }

  /** Holds events until `work` has settled; returns what it returns. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#held = [];
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#show(event);
  }
}
