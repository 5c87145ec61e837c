/** Session: hello, liveness, errors, end. */
import Type from "typebox";
import { frameLimits } from "../../base/limits.ts";
import { anyState, type Entry, event, notice, reply, request } from "./define.ts";
import { count, exactBinary, listOf, publicKey, requestId } from "./fields.ts";

const strict = { additionalProperties: false } as const;

const helloServer = {
  direction: "server",
  role: "hello",
  states: [],
  schema: Type.Object({
    type: Type.Literal("hello.server"),
    versions: listOf(Type.Integer({ minimum: 1 }), 16),
    minor: count,
    software: Type.String({ maxLength: 64 }),
    name: Type.String({ maxLength: 64 }),
    identity: publicKey,
    nonce: exactBinary(32),
    limits: Type.Object({ headerBytes: count, bodyBytes: count, messages: count, pingMs: count }),
    capabilities: listOf(Type.String({ maxLength: 64 }), 64),
    /** The server's own certificate authority, PEM; empty where a public one certifies it. */
    authority: Type.String({ maxLength: frameLimits.headerBytes / 2 }),
  }, strict),
} as const satisfies Entry;

const helloClient = {
  direction: "client",
  role: "hello",
  states: ["greeting"],
  schema: Type.Object({
    type: Type.Literal("hello.client"),
    version: Type.Integer({ minimum: 1 }),
    software: Type.String({ maxLength: 64 }),
    role: Type.Union([Type.Literal("client"), Type.Literal("peer")]),
    /** The Ed25519 device key that signs every frame of this side. */
    device: publicKey,
    nonce: exactBinary(32),
  }, strict),
} as const satisfies Entry;

const error = event("error", {
  /** Absent when the error concerns the connection and not one request. */
  id: Type.Optional(requestId),
  code: Type.String({ maxLength: 64 }),
  message: Type.String({ maxLength: 1024 }),
  retry: Type.Union([Type.Literal("never"), Type.Literal("later"), Type.Literal("after_sync")]),
  retryAfterMs: Type.Optional(count),
  /** The conversation's current epoch, with `epoch_conflict` and `epoch_too_old`. */
  epoch: Type.Optional(count),
  connection: Type.String({ maxLength: 64 }),
});

/** Keeps the connection alive and asks for a sign of life; either side may send it, the other answers `pong`. */
const signStates = [...anyState, "peer"] as const;
const ping = { ...event("ping", {}), direction: "both", states: signStates } as const;
const pong = { ...event("pong", {}), direction: "both", states: signStates } as const;

/** Messages of the session itself. */
export const sessionMessages = {
  "hello.server": helloServer,
  "hello.client": helloClient,
  error,
  ping,
  pong,
  "session.close": request("session.close", {}, anyState),
  "session.close.ok": reply("session.close", {}),
  /** Another instance of this device has taken over; the connection closes. */
  "session.replaced": event("session.replaced", {}),
  /** The server stops; come back after `retryAfterMs`. */
  "server.closing": event("server.closing", { retryAfterMs: count }),
  /** A link with another server has come, or has ended. */
  "server.link": event("server.link", {
    server: Type.String({ minLength: 1, maxLength: 64 }),
    linked: Type.Boolean(),
  }),
  /** Turns live events on or off for this session. */
  "session.receive": notice("session.receive", { receive: Type.Boolean() }, ["ready"]),
};
