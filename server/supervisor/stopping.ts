/** Why and when the server stops: signals, the operator's command, or a worker that died. */
import { exitCodes } from "../../lib/base/exit_codes.ts";
import type { Logger } from "../../lib/base/log.ts";

/** Why the server stops. */
export type StopReason =
  | { readonly kind: "signal"; readonly signal: Deno.Signal }
  /** By the operator's command. */
  | { readonly kind: "command" }
  | { readonly kind: "failed"; readonly worker: string };

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const satisfies readonly Deno.Signal[];

/** Whether any of the standard streams is a terminal that is still there. */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Signals that come this soon after the first, in milliseconds, are the same wish: a terminal and a wrapper script, or
 * `timeout`, often both send one.
 */
const sameWishMs = 300;

/**
 * Listens for reasons to stop. The first signal asks, a later one ends the process at once. SIGHUP is two things: a
 * terminal that was closed under the server, which ends it, or else the wish to read the configuration again.
 */
export class Stopping {
  readonly #log: Logger;
  readonly #hadTerminal = hasTerminal();
  #reload: (() => void) | undefined;
  readonly #asked = Promise.withResolvers<StopReason>();
  readonly #handlers: readonly { signal: Deno.Signal; handle: () => void }[];
  #firstAt: number | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.#handlers = signals.map((signal) => ({ signal, handle: () => this.#onSignal(signal) }));
    for (const { signal, handle } of this.#handlers) Deno.addSignalListener(signal, handle);
  }

  /** Resolves with the first reason to stop. */
  get asked(): Promise<StopReason> {
    return this.#asked.promise;
  }

  /** What SIGHUP is to begin; before this is said it does nothing. */
  onReload(reload: () => void): void {
    this.#reload = reload;
  }

  /** A worker died: nothing can go on without it. */
  failed(worker: string, cause: string): void {
    this.#log.log("error", "worker_failed", { worker, cause });
    this.#asked.resolve({ kind: "failed", worker });
  }

  /** The operator asks by a command. */
  command(): void {
    this.#asked.resolve({ kind: "command" });
  }

  /** No more signals are handled. */
  ignoreSignals(): void {
    for (const { signal, handle } of this.#handlers) Deno.removeSignalListener(signal, handle);
  }

  #onSignal(signal: Deno.Signal): void {
    if (signal === "SIGHUP" && !(this.#hadTerminal && !hasTerminal())) return this.#reload?.();
    const now = performance.now();
    this.#firstAt ??= now;
    if (now - this.#firstAt > sameWishMs) {
      Deno.exit(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated);
    }
    this.#asked.resolve({ kind: "signal", signal });
  }
}
