/** JSON-RPC 2.0 (jsonrpc.org/specification), one object per line: from a line to a request, from an outcome to an answer. Pure. */
import { fromUtf8 } from "../../../lib/base/bytes.ts";
import type { Failure } from "../failure.ts";
import type { RequestId, RpcEvent } from "./events.ts";

/** Codes of the specification; `failure` and what lies below it are ours: it minus the exit code of the same failure. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  failure: -32000,
} as const;

/** Longer ids would only fill memory; characters. */
const maxIdLength = 128;

/** One request; without an id nobody is answered. */
export interface RpcRequest {
  readonly id: RequestId | undefined;
  readonly method: string;
  readonly params: unknown;
}

/** What a line is. */
export type RpcLine =
  | { readonly kind: "request"; readonly request: RpcRequest }
  | { readonly kind: "refused"; readonly answer: object };

/** Why a request was not even begun. */
function refused(id: RequestId | null, code: number, message: string): RpcLine {
  return { kind: "refused", answer: errorAnswer(id, { code, message, data: usage }) };
}

const usage = { exit: 2, code: "usage" } as const;

/** Reads one line of UTF-8. Never throws. */
export function readLine(bytes: Uint8Array): RpcLine {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return refused(null, rpcCodes.parse, "that line is not JSON in UTF-8");
  }
  return readRequest(value);
}

function readRequest(value: unknown): RpcLine {
  if (Array.isArray(value)) {
    return refused(null, rpcCodes.invalidRequest, "no batches: one object per line");
  }
  if (typeof value !== "object" || value === null) {
    return refused(null, rpcCodes.invalidRequest, "a request is an object");
  }
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (id !== undefined && !isId(id)) {
    return refused(
      null,
      rpcCodes.invalidRequest,
      `"id" is a number, or a text of at most ${maxIdLength} characters`,
    );
  }
  const invalid = (message: string) => refused(id ?? null, rpcCodes.invalidRequest, message);
  if (jsonrpc !== "2.0") return invalid('"jsonrpc" must be "2.0"');
  if (typeof method !== "string") return invalid('"method" must be a text');
  return { kind: "request", request: { id, method, params: params ?? {} } };
}

function isId(id: unknown): id is RequestId {
  return typeof id === "number" || (typeof id === "string" && id.length <= maxIdLength);
}

/** A line that was too long to be read. */
export function tooLong(bytes: number): object {
  const message = `that line is longer than ${bytes} bytes`;
  return errorAnswer(null, { code: rpcCodes.invalidRequest, message, data: usage });
}

/** The error of an answer. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data: {
    /** The exit code that a one-shot command would end with. */
    readonly exit: number;
    /** The code for programs. */
    readonly code: string;
    readonly retryAfterMs?: number;
  };
}

/** A method's failure. */
export function failureError({ exit, code, message, retryAfterMs }: Failure): RpcError {
  const again = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { code: rpcCodes.failure - exit, message, data: { exit, code, ...again } };
}

/** An answer that carries an error. */
export function errorAnswer(id: RequestId | null, error: RpcError): object {
  return { jsonrpc: "2.0", id, error };
}

/** An answer that carries a result. */
export function resultAnswer(id: RequestId, result: unknown): object {
  return { jsonrpc: "2.0", id, result };
}

/** An event, as a notification of the specification. */
export function eventNotification(event: RpcEvent): object {
  return { jsonrpc: "2.0", method: "event", params: event };
}
