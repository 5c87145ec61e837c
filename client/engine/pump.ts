/** How far sending one conversation's messages has got. */

/** The work of one conversation. */
export interface Pump {
  /** Sent over this connection and not answered yet. */
  readonly inFlight: Map<number, Promise<void>>;
  running: Promise<void> | undefined;
  /** Something was added since the last look. */
  again: boolean;
  /** Ends the wait for answers when something is added. */
  wake: () => void;
  /** Passes in a row that ended early. */
  failures: number;
}

/** Waits for all answers; rejects with the first failure. */
export async function settled(pump: Pump): Promise<void> {
  const results = await Promise.allSettled([...pump.inFlight.values()]);
  const failed = results.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The same, but ends early when something is added. */
export async function settledOrWoken(pump: Pump): Promise<void> {
  const woken = new Promise<void>((resolve) => pump.wake = resolve);
  if (!pump.again) await Promise.race([settled(pump), woken]);
  pump.wake = () => {};
}
