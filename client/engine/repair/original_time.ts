/** When something was said that the server had taken, lost, and was given once more. */
import { resendLimits } from "../../../lib/base/limits.ts";

/**
 * The time of a message (ms since 1970): that of its row, or, when the conversation was set back (`setBackAt`; 0: never) after
 * it was written, the one that its author has signed. Both within a month of the setting back: later nobody says again
 * what was forgotten, and an old date is only a claim.
 */
export function originalTime(
  { ts, sentAt = ts }: { readonly ts: number; readonly sentAt?: number | undefined },
  setBackAt: number,
): number {
  if (setBackAt === 0 || sentAt >= setBackAt || ts < setBackAt) return ts;
  const soon = ts - setBackAt <= resendLimits.keepMs && setBackAt - sentAt <= resendLimits.keepMs;
  return soon ? sentAt : ts;
}
