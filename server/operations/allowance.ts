/** Counting what somebody does against what is allowed in a window of time. */
import { type Allowance, waitForWindow, windowAt } from "../domain/rate.ts";
import type { AttemptKind } from "../tables/tables.ts";
import type { Context } from "./context.ts";

/** Something that is counted: what, on whose account, how much it counts (1 when left out), what is allowed. */
export interface Spending {
  readonly kind: AttemptKind;
  readonly subject: string;
  readonly cost?: number;
  readonly allowance: Allowance;
}

/** Milliseconds until it is allowed again; 0 counts this one. */
export function spend(
  { tables, now }: Context,
  { kind, subject, cost = 1, allowance }: Spending,
): number {
  const window = windowAt(tables.attempts.get(kind, subject), now, allowance);
  const wait = waitForWindow(window, now, allowance);
  if (wait === 0) tables.attempts.set(kind, subject, { ...window, count: window.count + cost });
  return wait;
}
