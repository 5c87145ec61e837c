/** How long to wait after failed logins. */
import { serverLimits } from "../../lib/base/limits.ts";

/** Failures that are this old, in milliseconds, no longer count. */
export const failureMemoryMs = 24 * 60 * 60 * 1000;

/** Failures since the last success from which on the account's owner is told. */
export const failuresWorthTelling = 5;

/** Attempts that did not succeed, under one name or from one address. */
export interface Failures {
  readonly count: number;
  /** When the latest was. */
  readonly at: number;
}

/** What still counts of `failures` at `now`. */
export function remembered(failures: Failures | undefined, now: number): Failures {
  return failures === undefined || now - failures.at > failureMemoryMs
    ? { count: 0, at: now }
    : failures;
}

/** The pause in milliseconds that `count` failures bring: none for the first `free`, then doubling up to a ceiling. */
export function delayAfter(count: number, free: number = serverLimits.freeLoginFailures): number {
  const beyond = count - free;
  if (beyond <= 0) return 0;
  return Math.min(
    serverLimits.loginDelayMaxMs,
    serverLimits.loginDelayFirstMs * 2 ** Math.min(beyond - 1, 30),
  );
}

/**
 * Milliseconds until the next attempt is allowed; 0 for at once, also where the latest attempt lies ahead because the
 * clock was put back: nobody waits for a wrong future. `free`: as in `delayAfter`.
 */
export function waitMs(failures: Failures, now: number, free?: number): number {
  const due = failures.at + delayAfter(failures.count, free);
  return failures.at > now ? 0 : Math.max(0, due - now);
}
