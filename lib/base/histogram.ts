/** Counts values by how large they are: cheap enough for every transaction. */

/** What was counted. */
export interface HistogramFigures {
  /** Upper bounds, ascending; a last bucket takes what is larger than all. */
  readonly bounds: readonly number[];
  /** Values up to each bound that are beyond the one before; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A histogram with fixed bounds. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array(bounds.length + 1).fill(0);
  }

  /** Counts one value. */
  observe(value: number): void {
    const at = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = at < 0 ? this.#bounds.length : at;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  /** What was counted so far. */
  figures(): HistogramFigures {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
