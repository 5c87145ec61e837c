/** How the program ends: exit codes that scripts rely on, and the error that carries one. */

/** Every exit code, once; they never change their meaning. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  network: 3,
  notAllowed: 4,
  /** Trust: the other side is not who it should be; nothing was sent. */
  trust: 5,
  notFound: 6,
  /** Queued, but not delivered in the time given. */
  queued: 7,
  /** Local data: a profile or data folder that is damaged, locked or cannot be written. */
  localData: 8,
  version: 9,
  interrupted: 130,
  terminated: 143,
} as const;

/** The name of an exit code. */
export type ExitReason = keyof typeof exitCodes;

/** Ends a command: one line for the person in front of it, saying what happened and what to do, and the exit code. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly reason: ExitReason;

  constructor(reason: ExitReason, text: string, options: { readonly cause?: unknown } = {}) {
    super(text, options.cause === undefined ? {} : { cause: options.cause });
    this.reason = reason;
  }

  /** The number that the process ends with. */
  get exitCode(): number {
    return exitCodes[this.reason];
  }
}
