/** From a frame whose signature holds to its messages: JSON, shape, direction, bodies. */
import type Type from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../base/errors.ts";
import { frameLimits } from "../base/limits.ts";
import { parseStrictJson } from "./json_scan.ts";
import { type Arrived, catalogue, type Entry, type Message, type MessageType } from "./messages.ts";

/** Which side sent a message. */
export type Sender = "client" | "server";

type Check = (value: unknown) => boolean;

const checks: Record<Sender, Map<string, Check>> = { client: new Map(), server: new Map() };

/**
 * The messages of a frame that `sender` sent, each with its slice of the body (views, no copies).
 *
 * Throws `AppError`: `malformed` when the header is not strict JSON, not an array of 1 to 256 objects, a message does
 * not have the shape of its type, or the `body` lengths do not add up to the frame's body; `unknown_type` when a type is
 * not in the catalogue or is not `sender`'s to send. Types and fields that the catalogue does not know are refused from
 * clients and left out and ignored from servers, which may be of a newer minor version.
 */
export function readMessages(
  raw: { readonly header: Uint8Array; readonly body: Uint8Array },
  sender: Sender,
): Arrived[] {
  const values = parseStrictJson(raw.header, frameLimits.jsonDepth);
  if (!Array.isArray(values) || values.length < 1 || values.length > frameLimits.messages) {
    throw new AppError("malformed");
  }
  const arrived: Arrived[] = [];
  let offset = 0;
  for (const value of values) {
    const typed = withType(value);
    const length = "body" in typed ? bodyLength(typed.body) : 0;
    const body = slice(raw.body, offset, length);
    offset += length;
    if (sender === "server" && !isMessageType(typed.type)) continue;
    arrived.push({ message: checked(typed, sender), body });
  }
  if (offset !== raw.body.length) throw new AppError("malformed");
  return arrived;
}

/** `body` means the same in every message, also in one of a newer server whose schema here does not have it yet. */
function bodyLength(value: unknown): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new AppError("malformed");
  return Number(value);
}

const nothing = new Uint8Array(0);

function slice(body: Uint8Array, offset: number, length: number): Uint8Array {
  if (length === 0) return nothing;
  if (offset + length > body.length) throw new AppError("malformed");
  return body.subarray(offset, offset + length);
}

function withType(value: unknown): { readonly type: string } {
  if (typeof value !== "object" || value === null || !("type" in value)) {
    throw new AppError("malformed");
  }
  const { type } = value;
  if (typeof type !== "string") throw new AppError("malformed");
  return value as { readonly type: string };
}

function checked(value: { readonly type: string }, sender: Sender): Message {
  const check = checks[sender].get(value.type) ?? compile(value.type, sender);
  if (!check(value)) throw new AppError("malformed");
  return asMessage(value);
}

/** The one place where a value becomes a message: only `checked` calls it, after the schema of its type held. */
function asMessage(value: object): Message {
  return value as Message;
}

function compile(type: string, sender: Sender): Check {
  const entry = isMessageType(type) ? catalogue[type] as Entry : undefined;
  if (entry === undefined || !sentBy(entry, sender)) throw new AppError("unknown_type");
  // Whichever server dialled, the other may be of a newer minor version.
  const strict = sender === "client" && entry.role !== "peer";
  const validator = Compile(strict ? entry.schema : tolerant(entry.schema));
  const check: Check = (value) => validator.Check(value);
  checks[sender].set(type, check);
  return check;
}

/** Whether `type` is in the catalogue. */
export function isMessageType(type: string): type is MessageType {
  return Object.hasOwn(catalogue, type);
}

function sentBy(entry: Entry, sender: Sender): boolean {
  return entry.direction === "both" || entry.direction === sender;
}

/** The schema without its bans on unknown fields, at any depth. */
function tolerant(schema: Type.TSchema): Type.TSchema {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => key === "additionalProperties" ? undefined : value),
  );
}
