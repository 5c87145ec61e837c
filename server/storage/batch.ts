/** Many operations in one transaction: all of it is on disk before any is answered. */
import { reach } from "../../lib/base/crashpoint.ts";
import { type AppError, asAppError } from "../../lib/base/errors.ts";
import { perform } from "../operations/all.ts";
import type { Context, Settings, Sweep } from "../operations/context.ts";
import type { Nudge, OperationName } from "../operations/contract.ts";
import type { Backend } from "../tables/tables.ts";
import { NudgeGatherer } from "./nudges.ts";

/** One operation to run. */
export interface Work {
  readonly name: OperationName;
  readonly input: object;
}

/** How one operation ended. */
export type Ending =
  | { readonly ok: true; readonly result: object }
  | { readonly ok: false; readonly error: AppError };

/** How a batch ended: an ending for each operation, and what to tell gateways. */
export interface BatchOutcome {
  readonly endings: readonly Ending[];
  readonly nudges: readonly Nudge[];
}

/** Runs batches over a backend. */
export class BatchRunner {
  readonly #backend: Backend;
  #settings: Settings;
  readonly #clock: () => number;
  readonly #uptime: () => number;
  readonly #sweep: Sweep = { after: 0, ranAt: undefined };
  #lastNow = 0;

  constructor(
    backend: Backend,
    options: {
      readonly settings: Settings;
      /** Milliseconds since 1970. */
      readonly now: () => number;
      /** Milliseconds from an arbitrary start, never going back. */
      readonly uptime: () => number;
    },
  ) {
    this.#backend = backend;
    this.#settings = options.settings;
    this.#clock = options.now;
    this.#uptime = options.uptime;
  }

  /** Other settings hold for the next batch. */
  configure(settings: Settings): void {
    this.#settings = settings;
  }

  /**
   * Runs `works` in order in one transaction. A refusal is a result like any other. When one throws, everything is
   * undone and run again with a savepoint around each, so that only that one fails; as nothing was answered yet,
   * nobody can tell. When the disk is full all of them fail.
   */
  run(works: readonly Work[]): BatchOutcome {
    const first = this.#attempt(works, (context, work) => this.#plain(context, work));
    if (first.kind === "done") return first.outcome;
    if (first.error.code === "storage_full") return allFailed(works, first.error);
    const second = this.#attempt(works, (context, work) => this.#guarded(context, work));
    return second.kind === "done" ? second.outcome : allFailed(works, second.error);
  }

  #attempt(
    works: readonly Work[],
    run: (context: Context, work: Work) => Ending,
  ):
    | { readonly kind: "done"; readonly outcome: BatchOutcome }
    | { readonly kind: "failed"; readonly error: AppError } {
    const gatherer = new NudgeGatherer();
    const context = this.#context((nudge) => gatherer.add(nudge));
    try {
      this.#backend.begin();
      const endings = works.map((work) => run(context, work));
      this.#backend.commit();
      reachAll(works);
      return { kind: "done", outcome: { endings, nudges: gatherer.all() } };
    } catch (thrown) {
      this.#backend.rollback();
      return { kind: "failed", error: asAppError(thrown) };
    }
  }

  #context(nudge: (nudge: Nudge) => void): Context {
    this.#lastNow = steady(this.#lastNow, this.#clock());
    const { tables } = this.#backend;
    return {
      tables,
      now: this.#lastNow,
      uptime: this.#uptime(),
      settings: this.#settings,
      sweep: this.#sweep,
      nudge,
    };
  }

  #plain(context: Context, { name, input }: Work): Ending {
    const result = perform(context, name, input as never);
    if (name === "message.send") reach("server:appended");
    return { ok: true, result };
  }

  /** The operation's nudges count only when it does. */
  #guarded(context: Context, work: Work): Ending {
    const nudges: Nudge[] = [];
    try {
      const own = { ...context, nudge: (nudge: Nudge) => void nudges.push(nudge) };
      const ending = this.#backend.savepoint(() => this.#plain(own, work));
      nudges.forEach(context.nudge);
      return ending;
    } catch (thrown) {
      const error = asAppError(thrown);
      if (error.code === "storage_full") throw error;
      return { ok: false, error };
    }
  }
}

/** A clock that is put back by more than this was wrong before, in milliseconds; by less it is being adjusted. */
const adjustedMs = 60 * 1000;

/** The time that counts: it does not go back, unless it had run far ahead and would otherwise stand still. */
function steady(last: number, now: number): number {
  return now < last - adjustedMs ? now : Math.max(last, now);
}

/** The points after a commit. */
function reachAll(works: readonly Work[]): void {
  for (const { name } of works) {
    if (name === "message.send") reach("server:committed");
    if (name === "message.ack") reach("server:acked");
  }
}

function allFailed(works: readonly Work[], error: AppError): BatchOutcome {
  return { endings: works.map(() => ({ ok: false, error })), nudges: [] };
}
