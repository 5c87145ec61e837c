/** How an entry of the catalogue is written down. */
import Type from "typebox";
import { bodyLength, requestId } from "./fields.ts";

/** Who may send a message. */
export type Direction = "client" | "server" | "both";

/**
 * What a message is: a `request` carries an id and gets exactly one reply (`<type>.ok` or `error`); a `notice` gets
 * none; an `event` is sent by the server unasked; `hello` opens a session; `peer` is what two
 * servers say to each other, either of them.
 */
export type Role = "hello" | "request" | "reply" | "notice" | "event" | "peer";

/** The states in which a session may be (docs/PROTOCOL.md, "Session"). */
export type SessionState = "greeting" | "open" | "enrolling" | "ready" | "peer" | "draining";

/** One row of the catalogue. */
export interface Entry<T extends Type.TSchema = Type.TSchema> {
  readonly direction: Direction;
  readonly role: Role;
  /** Server side: the session states in which the message is permitted. */
  readonly states: readonly SessionState[];
  readonly schema: T;
}

type Fields = Record<string, Type.TSchema>;

const strict = { additionalProperties: false } as const;

/** Messages with binary parts carry `body`: the length of their slice of the frame's body. */
const withBody = { body: bodyLength };

/** Any state after the session's hello. */
export const anyState = ["open", "enrolling", "ready"] as const satisfies readonly SessionState[];

/** A request from the client, permitted in `states`. `body: true` where it carries binary parts. */
export function request<N extends string, F extends Fields>(
  type: N,
  fields: F,
  states: readonly SessionState[],
) {
  const schema = Type.Object({ type: Type.Literal(type), id: requestId, ...fields }, strict);
  return { direction: "client", role: "request", states, schema } as const;
}

/** The positive reply to request `type`: its own type is `<type>.ok`. */
export function reply<N extends string, F extends Fields>(type: N, fields: F) {
  const schema = Type.Object(
    { type: Type.Literal(`${type}.ok` as const), id: requestId, ...fields },
    strict,
  );
  return { direction: "server", role: "reply", states: [], schema } as const;
}

/** A message from the client that gets no reply. */
export function notice<N extends string, F extends Fields>(
  type: N,
  fields: F,
  states: readonly SessionState[],
) {
  const schema = Type.Object({ type: Type.Literal(type), ...fields }, strict);
  return { direction: "client", role: "notice", states, schema } as const;
}

/** A message that the server sends unasked. */
export function event<N extends string, F extends Fields>(type: N, fields: F) {
  const schema = Type.Object({ type: Type.Literal(type), ...fields }, strict);
  return { direction: "server", role: "event", states: [], schema } as const;
}

/** A message between two linked servers, sent by either. */
export function peer<N extends string, F extends Fields>(type: N, fields: F) {
  const schema = Type.Object({ type: Type.Literal(type), ...fields }, strict);
  return { direction: "both", role: "peer", states: ["peer"], schema } as const;
}

/** The fields of a message with a body, beside its own. */
export const body = withBody;
