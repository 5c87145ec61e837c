/** What the parts of the contract share. */
import type { ErrorCode } from "../../lib/base/errors.ts";

/** A refusal: the code for the peer, and what belongs to it. */
export interface Refused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
  readonly epoch?: number;
}

/** What an operation answers. */
export type Outcome<T> = ({ readonly ok: true } & T) | Refused;

/** The authenticated party on whose behalf an operation runs. */
export interface Actor {
  /** Account id (UUID). */
  readonly account: string;
  /** Device key, base64url. */
  readonly device: string;
}
