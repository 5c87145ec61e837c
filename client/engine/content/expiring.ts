/** Messages that do not stay go when their time has come, whether this program ran meanwhile or not. */
import type { CancelTimer } from "../../../lib/base/clock.ts";
import { asAppError } from "../../../lib/base/errors.ts";
import { Lifetimes } from "../../store/lifetimes.ts";
import type { Core } from "../core.ts";
import { dropMessage } from "./change.ts";
import { follow } from "./facts.ts";

/** Messages of one transaction. */
const batch = 200;

/** Timers of runtimes end at 2^31 ms; and a clock that is put right meanwhile is noticed. */
const longestMs = 60 * 60 * 1000;

/** After a failure, in milliseconds. */
const againMs = 10_000;

/** Removes messages of an engine's profile. */
export class Expiring {
  readonly #core: Core;
  readonly #lifetimes: Lifetimes;
  #cancel: CancelTimer | undefined;
  #planned = Infinity;
  #stopped = false;

  constructor(core: Core) {
    this.#core = core;
    this.#lifetimes = new Lifetimes(core.sealed);
  }

  /** Removes everything whose time has come, and sets the timer for what comes next. To be called after every change. */
  look(): void {
    if (this.#stopped) return;
    const now = this.#core.clock.now();
    try {
      const next = this.#lifetimes.next();
      if (next !== undefined && next <= now) this.#purge(now);
      this.#plan(this.#lifetimes.next());
    } catch (thrown) {
      // A disk that is full, for example: nothing of it is lost, it is tried again.
      this.#core.logger.log("warning", "not_expired", { code: asAppError(thrown).code });
      this.#plan(now + againMs);
    }
  }

  /** No more. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #purge(now: number): void {
    const { sealed } = this.#core;
    for (let more = true; more;) {
      const due = this.#lifetimes.due(now, batch);
      sealed.database.transaction(() => {
        for (const message of due) dropMessage(this.#core, message);
      });
      more = due.length === batch;
    }
    follow(this.#core, [{ kind: "wipe" }]);
    this.#core.changed();
  }

  #plan(next: number | undefined): void {
    if (next === this.#planned && this.#cancel !== undefined) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#planned = next ?? Infinity;
    if (next === undefined) return;
    const wait = Math.min(longestMs, Math.max(0, next - this.#core.clock.now()));
    this.#cancel = this.#core.clock.after(wait, () => {
      this.#cancel = undefined;
      this.look();
    });
  }
}
