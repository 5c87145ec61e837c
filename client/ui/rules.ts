/** Lines between lines: where a day begins, and what is unread. */
import type { LineStyle } from "./format.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** `── 3 unread ──`; `text` must have been sanitised. */
export function rule(text: string, { styled }: Pick<LineStyle, "styled">): string {
  const line = `\u2500\u2500 ${text} \u2500\u2500`;
  return styled ? `\x1b[2m${line}\x1b[22m` : line;
}

/** Says when another day begins among lines. */
export class Days {
  readonly #style: Pick<LineStyle, "utc" | "styled">;
  #last: string | undefined;

  /** `from`: the time (ms since 1970) whose day needs no saying. */
  constructor(style: Pick<LineStyle, "utc" | "styled">, from?: number) {
    this.#style = style;
    if (from !== undefined) this.#last = dayKey(at(from, style.utc));
  }

  /** The line before a message of that time; undefined within a day, and for what comes late. */
  before(ts: number): string | undefined {
    const time = at(ts, this.#style.utc);
    const key = dayKey(time);
    if (this.#last !== undefined && key <= this.#last) return undefined;
    this.#last = key;
    const day = days[time.getUTCDay()];
    const month = months[time.getUTCMonth()];
    return rule(`${day}, ${time.getUTCDate()} ${month} ${time.getUTCFullYear()}`, this.#style);
  }
}

/** A date whose UTC fields are those of the zone in which times are shown. */
function at(ms: number, utc: boolean): Date {
  return new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
}

function dayKey(time: Date): string {
  return time.toISOString().slice(0, 10);
}
