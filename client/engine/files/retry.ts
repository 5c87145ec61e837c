/** Waiting for a line that was lost, as long as that makes sense. */
import { backoffMs } from "../../../lib/base/backoff.ts";
import { pause } from "../../../lib/base/clock.ts";
import { AppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { clientLimits, fileLimits } from "../../../lib/base/limits.ts";
import type { Core } from "../core.ts";

/** After these a transfer goes on by itself once the line is back. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "timeout",
  "server_closing",
  "slow_reader",
  "rate_limited",
  "too_many_connections",
  "internal",
  "server_away",
]);

/** Whether the same again may work in a moment. */
export function isPassing(thrown: unknown): thrown is AppError {
  return thrown instanceof AppError && passing.has(thrown.code);
}

/**
 * Runs `attempt` until it succeeds, fails for good, or nothing has moved for `fileLimits.patienceMs`. `moved` tells how
 * far the transfer has got, in whatever unit.
 */
export async function untilDone<T>(
  { clock, random }: Pick<Core, "clock" | "random">,
  work: {
    readonly attempt: () => Promise<T>;
    readonly moved: () => number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<T> {
  let [failures, best, since] = [0, -1, clock.monotonic()];
  for (;;) {
    try {
      return await work.attempt();
    } catch (thrown) {
      work.signal?.throwIfAborted();
      if (!isPassing(thrown)) throw thrown;
      const now = work.moved();
      if (now > best) [failures, best, since] = [0, now, clock.monotonic()];
      if (clock.monotonic() - since > fileLimits.patienceMs) throw thrown;
      const { reconnectFirstMs: firstMs, reconnectMaxMs: maxMs } = clientLimits;
      const ms = thrown.retryAfterMs ?? backoffMs(failures++, { firstMs, maxMs, random });
      await pause(clock, ms, work.signal);
    }
  }
}

/** A question to the server, asked again while the line is away. */
export function patiently<T>(
  core: Pick<Core, "clock" | "random">,
  ask: () => Promise<T>,
  { signal }: { readonly signal?: AbortSignal },
): Promise<T> {
  return untilDone(core, { attempt: ask, moved: () => 0, signal });
}
