/** The event loop's turns. */
import { setImmediate } from "node:timers";

/** Runs `action` after everything that has arrived already was handled, without a timer's delay. */
export function afterThisTurn(action: () => void): void {
  setImmediate(action);
}
