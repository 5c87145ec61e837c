/** Identifiers: UUIDs as text everywhere, as 16 bytes where they are signed or stored in bulk. */
import { type Bytes, fromHex, toHex } from "./bytes.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `text` is a UUID in its canonical lower-case form (RFC 9562 section 4). */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** A random identifier: UUID version 4 (RFC 9562 section 5.4). */
export function randomId(): string {
  return crypto.randomUUID();
}

/**
 * A time-ordered identifier: UUID version 7 (RFC 9562 section 5.7), so that rows made after one another lie beside
 * each other in an index. `now` in milliseconds since 1970.
 */
export function timeOrderedId(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(now / 2 ** 32));
  view.setUint32(2, now % 2 ** 32);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return uuidText(bytes);
}

/** The 16 bytes of a canonical UUID. Throws `TypeError` when it is not one. */
export function uuidBytes(text: string): Bytes {
  if (!isUuid(text)) throw new TypeError("not a UUID");
  return fromHex(text.replaceAll("-", ""));
}

/** The canonical text of a UUID's 16 bytes. Throws `TypeError` on another length. */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new TypeError("a UUID has 16 bytes");
  const hex = toHex(bytes);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
