/** Time as a dependency, so that tests can move it. All times are milliseconds since 1970 in UTC. */

/** Stops a pending timer; calling it again does nothing. */
export type CancelTimer = () => void;

/** What the rest of the code knows of time. */
export interface Clock {
  /** Milliseconds since 1970; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonic(): number;
  /** Runs `action` once after `ms` milliseconds, 24 days at most. The timer does not keep the process alive. */
  after(ms: number, action: () => void): CancelTimer;
}

/** The longest pause that a timer takes, in milliseconds: a longer one would go off at once. */
const longestMs = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, action) {
    let waits = true;
    const timer = setTimeout(() => {
      // A timer that is due in the same turn as what cancels it goes off all the same.
      if (waits) action();
    }, Math.min(ms, longestMs));
    Deno.unrefTimer(timer);
    return () => {
      waits = false;
      clearTimeout(timer);
    };
  },
};

/** Resolves after `ms` milliseconds on `clock`. Rejects with the signal's reason when it aborts first. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
