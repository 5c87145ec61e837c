/**
 * Frames: `u32be headerLength | u32be bodyLength | header | body | signature (64)`. Pure: bytes in, bytes out.
 *
 * Every frame lies in a buffer of its own, behind room for what is signed in front of it (label, session id, direction,
 * counter). So the signed bytes are one piece of memory, and neither signing nor verifying copies anything.
 */
import type { Bytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { frameLimits } from "../base/limits.ts";
import {
  labelPrefix,
  signatureBytes,
  signBytes,
  type SigningKey,
  type VerifyingKey,
} from "../crypto/sign.ts";

/** Which way a frame goes: 0 from client to server, 1 from server to client. */
export type FrameDirection = 0 | 1;

/** Bytes of a session id. */
export const sessionIdBytes = 32;

const label = labelPrefix("frame");
const directionAt = label.length + sessionIdBytes;
const counterAt = directionAt + 1;
/** Bytes in front of a frame that are signed but not sent: label, session id, direction, u64be counter. */
const leadBytes = counterAt + 8;
/** Bytes of the two lengths. */
const lengthsBytes = 8;

/** What a frame's signature is bound to, beside its bytes. */
export interface FrameContext {
  /** 32 bytes; all zero in the two hellos. */
  readonly sessionId: Uint8Array;
  readonly direction: FrameDirection;
  /** 0 for the hello, then ascending by one in each direction. */
  readonly counter: number;
}

/** What `encodeFrame` takes. */
export interface FrameInput extends FrameContext {
  /** The messages as JSON text: an array. */
  readonly header: string | Uint8Array;
  /** Written one after another, as the messages' `body` fields say. */
  readonly bodies: readonly Uint8Array[];
  readonly key: SigningKey;
}

/** One frame as it arrived. All parts are views on one buffer that belongs to this frame alone. */
export interface RawFrame {
  /** The whole frame exactly as received. */
  readonly bytes: Uint8Array;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** Room for the signed lead, then lengths, header and body: what `verifyFrame` fills in and verifies. */
  readonly signed: Uint8Array;
}

const encoder = new TextEncoder();

/** A signed frame, ready to be written. The lengths are the caller's to check (`frameLimits`, the peer's limits). */
export function encodeFrame(input: FrameInput): Bytes {
  const header = typeof input.header === "string" ? encoder.encode(input.header) : input.header;
  const bodyLength = input.bodies.reduce((sum, part) => sum + part.length, 0);
  const signedLength = leadBytes + lengthsBytes + header.length + bodyLength;
  const buffer = new Uint8Array(signedLength + signatureBytes);
  writeLead(buffer, input);
  writeU32(buffer, leadBytes, header.length);
  writeU32(buffer, leadBytes + 4, bodyLength);
  buffer.set(header, leadBytes + lengthsBytes);
  let offset = leadBytes + lengthsBytes + header.length;
  for (const part of input.bodies) {
    buffer.set(part, offset);
    offset += part.length;
  }
  buffer.set(signBytes(input.key, buffer.subarray(0, signedLength)), signedLength);
  return buffer.subarray(leadBytes);
}

/** Whether the frame was signed by `key` for exactly this session, direction and counter. */
export function verifyFrame(
  raw: RawFrame,
  context: FrameContext & { readonly key: VerifyingKey },
): boolean {
  writeLead(raw.signed, context);
  return context.key.verifyBytes(raw.signature, raw.signed);
}

function writeLead(buffer: Uint8Array, context: FrameContext): void {
  if (context.sessionId.length !== sessionIdBytes) throw new TypeError("a session id has 32 bytes");
  buffer.set(label, 0);
  buffer.set(context.sessionId, label.length);
  buffer[directionAt] = context.direction;
  writeU32(buffer, counterAt, Math.floor(context.counter / 2 ** 32));
  writeU32(buffer, counterAt + 4, context.counter % 2 ** 32);
}

function writeU32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

function readU32(buffer: Uint8Array, at: number): number {
  return (buffer[at] ?? 0) * 2 ** 24 +
    (((buffer[at + 1] ?? 0) << 16) | ((buffer[at + 2] ?? 0) << 8) | (buffer[at + 3] ?? 0));
}

/** The most that a reader accepts, in bytes. */
export interface ReaderLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** A frame's buffer begins this small and grows with what has really arrived, so that a mere claim costs no memory. */
const firstBufferBytes = 16 * 1024;

/** Cuts a stream of bytes into frames. Checks lengths before it keeps anything; checks nothing else. */
export class FrameReader {
  readonly #limits: ReaderLimits;
  readonly #ready: RawFrame[] = [];
  #failure: AppError | undefined;
  /** The frame under way with its lead; `#filled` counts from the lead's start. */
  #buffer: Uint8Array = new Uint8Array(leadBytes + lengthsBytes);
  #filled = leadBytes;
  /** Whole length with lead and signature; undefined until both lengths have arrived. */
  #wanted: number | undefined;

  constructor(limits: ReaderLimits = frameLimits) {
    this.#limits = limits;
  }

  /** Bytes of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#filled - leadBytes;
  }

  /** Takes a copy of what arrived. After a failure everything further is dropped. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#failure === undefined) {
      const goal = this.#wanted ?? leadBytes + lengthsBytes;
      const end = Math.min(chunk.length, at + goal - this.#filled);
      this.#append(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), goal);
      at = end;
      if (this.#filled === goal) this.#advance();
    }
  }

  /**
   * The next whole frame, or undefined when more must be pushed first. Throws the `AppError` of lengths that are not
   * acceptable (`too_large`, `malformed`), after the frames before it, and then always.
   */
  next(): RawFrame | undefined {
    const frame = this.#ready.shift();
    if (frame === undefined && this.#failure !== undefined) throw this.#failure;
    return frame;
  }

  #append(bytes: Uint8Array, goal: number): void {
    const needed = this.#filled + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(goal, Math.max(needed, this.#buffer.length * 4)));
      grown.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled = needed;
  }

  #advance(): void {
    const buffer = this.#buffer;
    const headerLength = readU32(buffer, leadBytes);
    const bodyLength = readU32(buffer, leadBytes + 4);
    if (this.#wanted === undefined) return this.#begin(headerLength, bodyLength);
    this.#ready.push(cut(buffer, headerLength, this.#filled));
    this.#reset();
  }

  #begin(headerLength: number, bodyLength: number): void {
    if (headerLength > this.#limits.headerBytes || bodyLength > this.#limits.bodyBytes) {
      this.#failure = new AppError("too_large");
    } else if (headerLength < 2) {
      this.#failure = new AppError("malformed");
    } else {
      const wanted = leadBytes + lengthsBytes + headerLength + bodyLength + signatureBytes;
      this.#wanted = wanted;
      const buffer = new Uint8Array(Math.min(wanted, firstBufferBytes));
      buffer.set(this.#buffer.subarray(leadBytes, this.#filled), leadBytes);
      this.#buffer = buffer;
    }
  }

  #reset(): void {
    this.#buffer = new Uint8Array(leadBytes + lengthsBytes);
    this.#filled = leadBytes;
    this.#wanted = undefined;
  }
}

function cut(buffer: Uint8Array, headerLength: number, end: number): RawFrame {
  const headerAt = leadBytes + lengthsBytes;
  const signatureAt = end - signatureBytes;
  return {
    bytes: buffer.subarray(leadBytes, end),
    header: buffer.subarray(headerAt, headerAt + headerLength),
    body: buffer.subarray(headerAt + headerLength, signatureAt),
    signature: buffer.subarray(signatureAt, end),
    signed: buffer.subarray(0, signatureAt),
  };
}
