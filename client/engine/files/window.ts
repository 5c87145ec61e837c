/** How much of a transfer may be under way: as much as the line takes in a short time, so that messages need not wait. */
import type { Clock } from "../../../lib/base/clock.ts";
import { fileLimits } from "../../../lib/base/limits.ts";

/** A piece under way. */
export interface UnderWay<T> {
  readonly bytes: number;
  readonly answer: Promise<T>;
}

/** Pieces under way, answered in order; learns from how long answers take. */
export class Window<T> {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #queue: UnderWay<T>[] = [];
  #outstanding = 0;
  #limit: number = fileLimits.chunkBytes;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Bytes that may be under way at once, as it is now. */
  get limit(): number {
    return this.#limit;
  }

  /** How many pieces are under way. */
  get size(): number {
    return this.#queue.length;
  }

  /** Whether one more piece may go. */
  fits(bytes: number): boolean {
    return this.#queue.length === 0 || this.#outstanding + bytes <= this.#limit;
  }

  /** Notes a piece that has just been sent. */
  add(bytes: number, answer: Promise<T>): void {
    const sentAt = this.#clock.monotonic();
    this.#outstanding += bytes;
    const ahead = this.#outstanding;
    const learned = answer.then((value) => {
      this.#learn(ahead, this.#clock.monotonic() - sentAt);
      return value;
    });
    // Looked at by `next`; here only so that nothing is reported as unhandled before.
    learned.catch(() => undefined);
    this.#queue.push({ bytes, answer: learned });
  }

  /** The answer to the piece that was sent first; undefined when nothing is under way. */
  async next(): Promise<T | undefined> {
    const first = this.#queue.shift();
    if (first === undefined) return undefined;
    try {
      return await first.answer;
    } finally {
      this.#outstanding -= first.bytes;
    }
  }

  /** The answer shows how fast the bytes that were ahead of it went. */
  #learn(bytes: number, ms: number): void {
    const wanted = bytes / Math.max(1, ms) * fileLimits.windowMs;
    const { chunkBytes, windowBytes } = fileLimits;
    this.#limit = Math.min(windowBytes, Math.max(chunkBytes, wanted));
  }
}
