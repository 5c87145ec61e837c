/** Errors as messages, both ways. */
import { askedPauseMs } from "../base/backoff.ts";
import { AppError, errorCodes, isErrorCode } from "../base/errors.ts";
import type { Message } from "./messages.ts";

/** What an `error` message says beside its error. */
export interface ErrorContext {
  /** The connection's id, for the log. */
  readonly connection: string;
  /** The request that it answers; absent when it concerns the whole connection. */
  readonly id?: number;
  /** The conversation's current epoch. */
  readonly epoch?: number;
}

/** The message that tells the peer of `error`: its code and its safe text, never its cause. */
export function errorMessage(error: AppError, context: ErrorContext): Message<"error"> {
  const { id, epoch } = context;
  const retryAfterMs = error.retryAfterMs;
  return {
    type: "error",
    ...(id === undefined ? {} : { id }),
    code: error.code,
    message: error.message.slice(0, 1024),
    retry: error.retry,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) }),
    ...(epoch === undefined ? {} : { epoch }),
    connection: context.connection,
  };
}

/** An error that the other side sent. `message` is the other side's text: sanitise it before showing it. */
export class RefusedError extends AppError {
  /** The conversation's current epoch, with `epoch_conflict` and `epoch_too_old`. */
  readonly epoch: number | undefined;
  /** The code as sent; differs from `code` (then `internal`) when this side does not know it yet. */
  readonly sentCode: string;
  /** The other side's id of the connection, to be found in its log. */
  readonly connection: string;

  constructor(message: Message<"error">) {
    const { code, retryAfterMs } = message;
    super(isErrorCode(code) ? code : "internal", {
      text: message.message || errorCodes.internal.text,
      fault: "peer",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs: askedPauseMs(retryAfterMs) }),
    });
    this.epoch = message.epoch;
    this.sentCode = message.code;
    this.connection = message.connection;
  }
}
