/** The part of the storage port that remembers the clock. */
import type { ClockTrust } from "../domain/clock_trust.ts";

/** What was known of the clock when rows were last looked through. */
export interface Clocks {
  get(): ClockTrust | undefined;
  set(trust: ClockTrust): void;
}
