/**
 * Which time of day deletes. A machine may start with a clock that is far ahead; what is deleted because of it is gone
 * when somebody puts it right. So a jump ahead is believed only after the server ran with it for long enough.
 */
import { serverLimits } from "../../lib/base/limits.ts";

/** What is known of the clock; it outlives the process. */
export interface ClockTrust {
  /** The time by which rows are deleted, milliseconds since 1970: never after the clock's own. */
  readonly at: number;
  /** For how many milliseconds the server ran while the clock was implausibly far ahead; 0 when it is not. */
  readonly doubtedMs: number;
}

/** What the clock says, and how long this process has run since the last time it was asked (0 the first time). */
export interface Reading {
  readonly now: number;
  readonly ranMs: number;
}

/**
 * What is to be believed at `reading`. The clock, as long as it is at most `clockJumpMs` further than what has passed
 * since; a clock that went back, at once. Beyond that the trusted time goes on by what has passed, until the doubt has
 * lasted `clockDoubtMs` of running time. A server that was down for weeks so deletes a week late, which harms nobody.
 */
export function trustClock(known: ClockTrust | undefined, { now, ranMs }: Reading): ClockTrust {
  const ran = Math.max(0, Math.round(ranMs));
  if (known === undefined || now - known.at <= ran + serverLimits.clockJumpMs) {
    return { at: now, doubtedMs: 0 };
  }
  const doubtedMs = known.doubtedMs + ran;
  return doubtedMs >= serverLimits.clockDoubtMs
    ? { at: now, doubtedMs: 0 }
    : { at: known.at + ran, doubtedMs };
}
