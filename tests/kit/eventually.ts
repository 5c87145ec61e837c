/** Waiting for what an engine comes to: by its events, never by the clock. */
import type { Engine } from "../../client/engine/api.ts";

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

/** What `look` finds, looked for now and after every event of any of the engines. */
export async function eventually<T>(
  engines: Pick<Engine, "subscribe"> | readonly Pick<Engine, "subscribe">[],
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
): Promise<T> {
  const end = AbortSignal.timeout(patienceMs);
  for (;;) {
    const news = somethingNew([engines].flat(), end);
    const found = await look();
    if (found !== undefined) return found;
    if (end.aborted) throw new Error(`${what} did not come to be`);
    await news;
  }
}

/** Resolves at the next event, or at the end. */
function somethingNew(
  engines: readonly Pick<Engine, "subscribe">[],
  end: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const stops = engines.map((engine) => engine.subscribe(() => done()));
    const done = () => {
      for (const stop of stops) stop();
      resolve();
    };
    end.addEventListener("abort", done, { once: true });
  });
}
