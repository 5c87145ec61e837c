/** What a peer does more of than it may: it is held back or refused, and the operator sees that it happens. */
import type { Clock } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";

/** What a link tells its operator of. */
export interface Trouble {
  readonly code: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** One line of the log for each kind in this time, in milliseconds. */
const tellMs = 60_000;

/** After this long nobody is told any more, in milliseconds. */
const rememberMs = 60 * 60 * 1000;

/** The excesses of one link. */
export class Excess {
  readonly #options: { readonly clock: Clock; readonly logger: Logger; readonly peer: string };
  /** By what it was: how often since the log told of it, and when that was. */
  readonly #kinds = new Map<string, { count: number; toldAt: number }>();
  #latest: Trouble | undefined;

  constructor(
    options: { readonly clock: Clock; readonly logger: Logger; readonly peer: string },
  ) {
    this.#options = options;
  }

  /** The peer does more of `what` (a few words of this server's own) than it may. */
  note(what: string): void {
    const { clock, logger, peer } = this.#options;
    const text = `held back: it sends more than it may (${what})`;
    this.#latest = { code: "rate_limited", text, at: clock.now() };
    const now = clock.monotonic();
    const known = this.#kinds.get(what) ?? { count: 0, toldAt: -Infinity };
    this.#kinds.set(what, known);
    known.count += 1;
    if (now - known.toldAt < tellMs) return;
    logger.log("warning", "peer_held_back", { peer, what, times: known.count });
    Object.assign(known, { count: 0, toldAt: now });
  }

  /** The latest one, when it was not long ago. */
  latest(): Trouble | undefined {
    const latest = this.#latest;
    return latest !== undefined && this.#options.clock.now() - latest.at < rememberMs
      ? latest
      : undefined;
  }
}
