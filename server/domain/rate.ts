/** Counting per fixed window of time. */

/** What happened since the window began. */
export interface Window {
  readonly count: number;
  /** When it began, milliseconds since 1970. */
  readonly at: number;
}

/** How much is allowed in how long. */
export interface Allowance {
  readonly most: number;
  readonly windowMs: number;
}

/** The window that is open at `now`: the given one, or a new one. */
export function windowAt(window: Window | undefined, now: number, allowance: Allowance): Window {
  return window === undefined || now - window.at >= allowance.windowMs || window.at > now
    ? { count: 0, at: now }
    : window;
}

/** Milliseconds until one more is allowed; 0 for at once. */
export function waitForWindow(window: Window, now: number, allowance: Allowance): number {
  return window.count < allowance.most ? 0 : Math.max(1, window.at + allowance.windowMs - now);
}
