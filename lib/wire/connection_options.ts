/** What a connection is made with, and what it says of itself. */
import type { Clock } from "../base/clock.ts";
import type { AppError } from "../base/errors.ts";
import { connectionLimits, frameLimits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { SigningKey, VerifyingKey } from "../crypto/sign.ts";
import type { ClientFacts, ServerFacts } from "./handshake.ts";
import type { Message } from "./messages.ts";

/** The limits of a connection unless others are given; see `connectionLimits` and `frameLimits`. */
export const defaultLimits = {
  headerBytes: frameLimits.headerBytes,
  bodyBytes: frameLimits.bodyBytes,
  messages: frameLimits.messages,
  helloMs: connectionLimits.helloMs,
  pingMs: connectionLimits.pingMs,
  deadMs: connectionLimits.deadMs,
  frameMs: connectionLimits.frameMs,
  drainMs: connectionLimits.drainMs,
  writeQueueBytes: connectionLimits.writeQueueBytes,
};

/** Bytes that go with a message, in one piece or several. */
export type BodyBytes = Uint8Array | readonly Uint8Array[];

/** The limits of one connection. */
export type WireLimits = { readonly [K in keyof typeof defaultLimits]: number };

/** What both sides may hand in. */
export interface ConnectionOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly limits?: Partial<WireLimits>;
  /** Aborting closes the connection after draining what is queued. */
  readonly signal?: AbortSignal;
}

/** What a server needs to accept a connection. */
export interface AcceptOptions extends ConnectionOptions {
  readonly identity: SigningKey;
  readonly facts: ServerFacts;
}

/** What a client needs to open a connection. */
export interface OpenOptions extends ConnectionOptions {
  /** Signs every frame of this side. */
  readonly device: SigningKey;
  readonly facts: ClientFacts;
  /** The pinned identity, 32 bytes; any other is refused. */
  readonly expectIdentity?: Uint8Array;
}

/** The other side's hello. */
export type Peer =
  | { readonly kind: "server"; readonly hello: Message<"hello.server"> }
  | { readonly kind: "client"; readonly hello: Message<"hello.client"> };

/** Where a connection stands. */
export type ConnectionState =
  | { readonly kind: "greeting" }
  | { readonly kind: "open"; readonly key: VerifyingKey }
  | { readonly kind: "ending"; readonly reason: AppError | undefined };

/** Totals of one connection. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly receivedFrames: number;
  readonly sentBytes: number;
  readonly sentFrames: number;
}
