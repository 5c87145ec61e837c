/** Bytes: joining, comparing, and their text forms. */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";

/** Bytes on a plain ArrayBuffer, which is what WebCrypto and sockets take. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** The text of UTF-8 `bytes`. Throws `TypeError` when they are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes);
}

/** All `parts`, one after another, in a new buffer. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** A copy of `bytes` on an ArrayBuffer of its own, safe to transfer to a worker. */
export function copyBytes(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

/** How many bytes `text` takes as UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** Whether both are the same bytes, in a time that depends only on the lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

const base64urlPattern = /^[A-Za-z0-9_-]*$/;

/**
 * The bytes of base64url without padding. Throws `TypeError` on any other character, on a length that no bytes have,
 * and on unused bits that are not zero, so that one value has one text.
 */
export function fromBase64url(text: string): Bytes {
  if (!base64urlPattern.test(text)) throw new TypeError("not base64url");
  const bytes = new Uint8Array(Buffer.from(text, "base64url"));
  if (toBase64url(bytes) !== text) throw new TypeError("not canonical base64url");
  return bytes;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** The bytes of an even number of hexadecimal digits. Throws `TypeError` on anything else. */
export function fromHex(text: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new TypeError("not hexadecimal");
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** `value` as 4 bytes, big endian. */
export function u32be(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** `value` as 8 bytes, big endian. */
export function u64be(value: number | bigint): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Smaller buffers are left to the garbage collector: they cost less than asking. */
const largeBytes = 32 * 1024;

/**
 * Gives the memory of a large buffer back now, and not when the garbage collector comes by: what passes through in bulk
 * would otherwise pile up. Nothing may use any part of the buffer any more.
 */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= largeBytes) buffer.transfer(0);
}

/** Bytes that are a view of something larger, alone: a view keeps all of that, and takes it along where it crosses a port. */
export function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
