/** How long the server is asked to keep a message with a lifetime. */
import { contentLimits } from "../../../lib/base/limits.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** The shortest of the few times that is no shorter than the lifetime (milliseconds); absent for longer ones. */
export function keepDays(expireAfter: number | undefined): { readonly keepDays?: number } {
  if (expireAfter === undefined) return {};
  const days = contentLimits.keepDays.find((days) => days * dayMs >= expireAfter);
  return days === undefined ? {} : { keepDays: days };
}
