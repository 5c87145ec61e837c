/** Keeps others from filling the log: so many lines in a second, the rest are counted. */
import type { LogFields, Logger, LogLevel } from "../../lib/base/log.ts";

/** Lines that one worker may log in a second. */
const linesPerSecond = 200;

/** A logger in front of another. */
export class LogValve implements Logger {
  readonly #behind: Logger;
  readonly #now: () => number;
  #second = 0;
  #lines = 0;
  #dropped = 0;

  constructor(behind: Logger, now: () => number = Date.now) {
    this.#behind = behind;
    this.#now = now;
  }

  log(level: LogLevel, event: string, fields?: LogFields): void {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) this.#turn(second);
    // What is our own fault comes through for longer.
    const most = level === "error" ? 2 * linesPerSecond : linesPerSecond;
    if (this.#lines >= most) this.#dropped++;
    else this.#behind.log(level, event, fields);
    if (this.#lines < most) this.#lines++;
  }

  #turn(second: number): void {
    if (this.#dropped > 0) {
      this.#behind.log("warning", "log_lines_dropped", { lines: this.#dropped });
    }
    this.#second = second;
    this.#lines = 0;
    this.#dropped = 0;
  }
}
