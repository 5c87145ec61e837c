/** What the parts of an engine tell of messages that could not be read. */

/** A request that has arrived. */
export interface Asked {
  readonly thread: number;
  readonly messages: readonly string[];
  /** Account id of who asks. */
  readonly asker: string;
  /** The device that said them, base64url. */
  readonly device: string;
}

/** Asking and answering, in the background. */
export interface ResendService {
  /** There may be something to ask for, or to verify. */
  look(): void;
  /** Says again what may be said again, after a while in which others may do it. */
  answerSoon(asked: Asked): void;
  /** Verifies what has come in answer, and shows it. */
  verifySoon(): void;
}
