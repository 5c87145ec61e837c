/** How long to wait before trying again: doubling, with jitter, up to a ceiling. */

/** Bounds of a backoff, in milliseconds. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A number in [0, 1); handed in so that tests are repeatable. */
  readonly random?: () => number;
}

/**
 * The pause in whole milliseconds before attempt `attempt` (0 is the first retry): between half and all of
 * `firstMs * 2^attempt`, capped at `maxMs`, so that many clients do not come back at once.
 */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(full / 2 + (options.random ?? Math.random)() * full / 2);
}

/**
 * The pause in milliseconds that the other side asks for, within reason: it can neither make this side try without a
 * pause nor keep it away for more than an hour.
 */
export function askedPauseMs(ms: number): number {
  return Math.min(60 * 60 * 1000, Math.max(250, ms));
}
