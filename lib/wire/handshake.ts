/** The two hellos and what follows from them. Pure. */
import { type Bytes, equalBytes, fromBase64url, toBase64url, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { connectionLimits, frameLimits } from "../base/limits.ts";
import { sha256 } from "../crypto/hash.ts";
import { type SigningKey, VerifyingKey } from "../crypto/sign.ts";
import { encodeFrame, type RawFrame, sessionIdBytes, verifyFrame } from "./frame.ts";
import type { Message } from "./messages.ts";
import { readMessages } from "./read_messages.ts";

/** The protocol's major version, which both sides must share. */
export const protocolVersion = 1;
/** The minor version: counts additions that older peers may ignore. */
export const protocolMinor = 0;
/** Bytes of a hello's nonce. */
export const nonceBytes = 32;

/** Random bytes for one hello. */
export function freshNonce(): Bytes {
  return crypto.getRandomValues(new Uint8Array(nonceBytes));
}

/** The session id of the hellos, and of an error sent before there is a session: 32 zero bytes. */
export const noSession: Bytes = new Uint8Array(sessionIdBytes);

const serverLead = { sessionId: noSession, direction: 1, counter: 0 } as const;
const clientLead = { sessionId: noSession, direction: 0, counter: 0 } as const;

/** What a server says of itself. */
export interface ServerFacts {
  /** At most 64 characters each. */
  readonly name: string;
  readonly software: string;
  /** The server's own certificate authority as PEM; empty where a public one certifies it. */
  readonly authority: string;
  readonly capabilities: readonly string[];
}

/** What a client says of itself. */
export interface ClientFacts {
  /** At most 64 characters. */
  readonly software: string;
  readonly role: "client" | "peer";
}

/** The server's hello frame, signed by its identity. `nonce`: 32 fresh random bytes. */
export function serverHello(
  facts: ServerFacts,
  options: { identity: SigningKey; nonce: Uint8Array },
): Bytes {
  const hello: Message<"hello.server"> = {
    type: "hello.server",
    versions: [protocolVersion],
    minor: protocolMinor,
    software: facts.software,
    name: facts.name,
    identity: toBase64url(options.identity.publicKey),
    nonce: toBase64url(options.nonce),
    limits: {
      headerBytes: frameLimits.headerBytes,
      bodyBytes: frameLimits.bodyBytes,
      messages: frameLimits.messages,
      pingMs: connectionLimits.pingMs,
    },
    capabilities: [...facts.capabilities],
    authority: facts.authority,
  };
  const header = JSON.stringify([hello]);
  return encodeFrame({ ...serverLead, header, bodies: [], key: options.identity });
}

/** The client's hello frame, signed by the device key. `nonce`: 32 fresh random bytes. */
export function clientHello(
  facts: ClientFacts,
  options: { device: SigningKey; nonce: Uint8Array },
): Bytes {
  const hello: Message<"hello.client"> = {
    type: "hello.client",
    version: protocolVersion,
    software: facts.software,
    role: facts.role,
    device: toBase64url(options.device.publicKey),
    nonce: toBase64url(options.nonce),
  };
  const header = JSON.stringify([hello]);
  return encodeFrame({ ...clientLead, header, bodies: [], key: options.device });
}

/** SHA-256 of `"sealpost/1 session\0"` and both hello frames exactly as they were sent: 32 bytes. */
export function sessionId(serverFrame: Uint8Array, clientFrame: Uint8Array): Bytes {
  return sha256(sessionPrefix, serverFrame, clientFrame);
}

const sessionPrefix = utf8("sealpost/1 session\0");

/** A server's hello whose signature holds, and the key that signs all its frames. */
export interface VerifiedServerHello {
  readonly hello: Message<"hello.server">;
  readonly key: VerifyingKey;
}

/** A client's hello whose signature holds, and the key that signs all its frames. */
export interface VerifiedClientHello {
  readonly hello: Message<"hello.client">;
  readonly key: VerifyingKey;
}

/**
 * Reads and verifies a server's hello. With `expectIdentity` (32 bytes) any other identity is `tampered`. Throws
 * `AppError`: `malformed`, `tampered`, `unsupported_version`.
 */
export function readServerHello(raw: RawFrame, expectIdentity?: Uint8Array): VerifiedServerHello {
  const hello = onlyMessage(raw, "hello.server");
  const key = helloKey(hello.identity);
  if (expectIdentity !== undefined && !equalBytes(key.bytes, expectIdentity)) {
    throw new AppError("tampered", { text: "the server has another identity than expected" });
  }
  if (!verifyFrame(raw, { ...serverLead, key })) throw new AppError("tampered");
  if (!hello.versions.includes(protocolVersion)) throw new AppError("unsupported_version");
  return { hello, key };
}

/** Reads and verifies a client's hello. Throws `AppError`: `malformed`, `tampered`, `unsupported_version`. */
export function readClientHello(raw: RawFrame): VerifiedClientHello {
  const hello = onlyMessage(raw, "hello.client");
  const key = helloKey(hello.device);
  if (!verifyFrame(raw, { ...clientLead, key })) throw new AppError("tampered");
  if (hello.version !== protocolVersion) throw new AppError("unsupported_version");
  return { hello, key };
}

function onlyMessage<T extends "hello.server" | "hello.client">(
  raw: RawFrame,
  type: T,
): Message<T> {
  const [first, ...others] = readMessages(raw, type === "hello.server" ? "server" : "client");
  if (first === undefined || others.length > 0) throw new AppError("malformed");
  const { message } = first;
  if (!isOfType(message, type)) throw new AppError("not_permitted_now");
  return message;
}

function isOfType<T extends Message["type"]>(message: Message, type: T): message is Message<T> {
  return message.type === type;
}

function helloKey(text: string): VerifyingKey {
  try {
    return new VerifyingKey(fromBase64url(text));
  } catch (cause) {
    throw new AppError("malformed", { cause });
  }
}
