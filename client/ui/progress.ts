/** How far a transfer is, as a bar for a terminal and as percentages for everything else. Pure. */
import { sizeText } from "./file_format.ts";
import { fitted } from "./layout.ts";

/** How far it is, in bytes. */
export interface Amount {
  readonly done: number;
  readonly total: number;
}

/** Whole percent; 100 only when all is done. */
export function percentOf({ done, total }: Amount): number {
  return total === 0 || done >= total ? 100 : Math.min(99, Math.floor(done / total * 100));
}

/** Columns of the bar itself. */
const barColumns = 24;

/** One line: name, bar, percent, rate, time left; never wider than `columns`. `name` must have been sanitised. */
export function progressLine(
  amount: Amount,
  { name, bytesPerSecond, columns }: {
    readonly name: string;
    readonly bytesPerSecond: number;
    readonly columns: number;
  },
): string {
  const percent = percentOf(amount);
  const filled = Math.round(barColumns * percent / 100);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barColumns - filled)}]`;
  const rate = bytesPerSecond > 0 ? `  ${sizeText(bytesPerSecond)}/s` : "";
  const left = timeLeft(amount, bytesPerSecond);
  const tail = ` ${bar} ${String(percent).padStart(3)} %${rate}${left}`;
  const room = columns - 1 - tail.length;
  return room < 4 ? `${percent} %` : `${fitted(name, room)}${tail}`;
}

function timeLeft({ done, total }: Amount, bytesPerSecond: number): string {
  if (bytesPerSecond <= 0 || done >= total) return "";
  const seconds = Math.ceil((total - done) / bytesPerSecond);
  const minutes = Math.floor(seconds / 60);
  const text = seconds < 100 ? `${seconds} s` : minutes < 100 ? `${minutes} min` : "long";
  return `  ${text} left`;
}

/** Bytes in a second over the last few seconds. */
export class Rate {
  readonly #samples: { readonly at: number; readonly done: number }[] = [];

  /** `at` in milliseconds. Returns bytes in a second; 0 as long as nothing can be said. */
  add(at: number, done: number): number {
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > 5000) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    if (first === undefined || at - first.at < 200) return 0;
    return Math.max(0, (done - first.done) * 1000 / (at - first.at));
  }
}

/** Tells each tenth once, beginning with the first that is reached. */
export class Tenths {
  #told = -1;

  /** The percentage to tell now, or undefined. */
  next(amount: Amount): number | undefined {
    const tenth = Math.floor(percentOf(amount) / 10);
    if (tenth <= this.#told) return undefined;
    this.#told = tenth;
    return tenth * 10;
  }
}
