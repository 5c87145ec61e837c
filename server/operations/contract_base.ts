/** What the parts of the contract share. */
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Standing } from "./contract_rows.ts";

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
  /** Storage key of the linked server that hands the request on for one of its accounts; absent for a session here. */
  readonly peer?: number;
}

/** The conversation is another server's, which has to be asked. */
export interface Elsewhere {
  readonly ok: false;
  readonly code: "elsewhere";
  /** Its name here. */
  readonly server: string;
  /** The acting device's certificate, by which that server knows on whose behalf it is asked; base64url. */
  readonly certificate: string;
  /** Of `conversation.info`: what this server knows better about its own account. */
  readonly own?: Standing & { readonly after?: number };
}

/** What an operation answers that only the conversation's own server can carry out. */
export type Ordered<T> = Outcome<T> | Elsewhere;
