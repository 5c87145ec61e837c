/** Waiting for a line that was lost, as long as that makes sense. */
import { backoffMs } from "../../../lib/base/backoff.ts";
import { pause } from "../../../lib/base/clock.ts";
import { AppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { clientLimits, fileLimits } from "../../../lib/base/limits.ts";
import type { Core } from "../core.ts";
import type { Missing, Moment } from "../returns.ts";

/** After these a transfer goes on by itself: what was missing then, whose return ends the pause. */
const passing: ReadonlyMap<ErrorCode, Missing | "nothing"> = new Map([
  ["timeout", "connection"],
  ["server_closing", "connection"],
  ["slow_reader", "connection"],
  ["too_many_connections", "connection"],
  ["server_away", "link"],
  // The server wants a pause, or has trouble of its own: neither is over because the connection is a new one.
  ["rate_limited", "nothing"],
  ["internal", "nothing"],
]);

/** What a transfer waits with. */
type Waiting = Pick<Core, "clock" | "random" | "returns">;

/** Whether the same again may work in a moment. */
export function isPassing(thrown: unknown): thrown is AppError {
  return thrown instanceof AppError && passing.has(thrown.code);
}

/**
 * Runs `attempt` until it succeeds, fails for good, or nothing has moved for `fileLimits.patienceMs`. `moved` tells how
 * far the transfer has got, in whatever unit.
 */
export async function untilDone<T>(
  { clock, random, returns }: Waiting,
  work: {
    readonly attempt: () => Promise<T>;
    readonly moved: () => number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<T> {
  let [failures, best, movedAt] = [0, -1, clock.monotonic()];
  for (;;) {
    const since = returns.moment;
    try {
      return await work.attempt();
    } catch (thrown) {
      work.signal?.throwIfAborted();
      if (!isPassing(thrown)) throw thrown;
      const now = work.moved();
      if (now > best) [failures, best, movedAt] = [0, now, clock.monotonic()];
      if (clock.monotonic() - movedAt > fileLimits.patienceMs) throw thrown;
      const { reconnectFirstMs: firstMs, reconnectMaxMs: maxMs } = clientLimits;
      const ms = thrown.retryAfterMs ?? backoffMs(failures++, { firstMs, maxMs, random });
      const missing = passing.get(thrown.code) ?? "nothing";
      await pauseUnlessBack({ clock, returns }, { ms, missing, since, signal: work.signal });
    }
  }
}

/** Waits `ms`, or until what was missing has come back since that moment. Rejects with the signal's reason. */
async function pauseUnlessBack(
  { clock, returns }: Pick<Waiting, "clock" | "returns">,
  { ms, missing, since, signal }: {
    readonly ms: number;
    readonly missing: Missing | "nothing";
    readonly since: Moment;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  if (missing === "nothing") return await pause(clock, ms, signal);
  const back = new AbortController();
  const forget = returns.watch({ missing, since, go: () => back.abort() });
  const either = signal === undefined ? back.signal : AbortSignal.any([back.signal, signal]);
  try {
    await pause(clock, ms, either);
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!back.signal.aborted) throw thrown;
  } finally {
    forget();
  }
}

/** A question to the server, asked again while the line is away. */
export function patiently<T>(
  core: Waiting,
  ask: () => Promise<T>,
  { signal }: { readonly signal?: AbortSignal },
): Promise<T> {
  return untilDone(core, { attempt: ask, moved: () => 0, signal });
}
