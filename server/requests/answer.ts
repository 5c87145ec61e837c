/** What is answered to a request, whoever asked. */
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Message, ReplyType, RequestType } from "../../lib/wire/messages.ts";
import type { Elsewhere, Refused } from "../operations/contract.ts";

/** The fields of the reply to `T` that its handler fills in. */
export type ReplyFields<T extends RequestType> = Omit<
  Message<ReplyType<T>>,
  "type" | "id" | "body"
>;

/** A positive answer to `T`. */
export interface Answered<T extends RequestType> {
  readonly ok: true;
  readonly fields: ReplyFields<T>;
  readonly body?: readonly Uint8Array[];
  /** Whether the body's buffers hold nothing else and nobody needs them afterwards. */
  readonly spent?: boolean;
  /** Of a claim: whether the account is asked before the acting one may write to it. Linked servers alone are told. */
  readonly asked?: boolean;
  /** Runs when the reply is queued. */
  readonly after?: () => void;
}

/** What a handler answers. */
export type Answer<T extends RequestType> = Answered<T> | Refused;

/** Another server has to be asked; with the whole body of the request where pieces of it came ahead. */
export type HandOn = Elsewhere & { readonly whole?: Uint8Array };

/** A refusal with `code`. */
export function refused(code: ErrorCode, more: Omit<Refused, "ok" | "code"> = {}): Refused {
  return { ok: false, code, ...more };
}
