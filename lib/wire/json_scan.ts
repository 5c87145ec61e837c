/**
 * A strict reading of JSON text (RFC 8259) from hostile bytes: a bound on nesting that is checked before the parser
 * runs, and no object with the same key twice (two readers could disagree about which one counts).
 *
 * Duplicates are found by counting: outside of strings every key has exactly one colon, so when the text has more
 * colons than the parsed value has keys, some key stood there twice. That sees through every way of escaping a key.
 */
import { Buffer } from "node:buffer";
import { fromUtf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/** What one pass over the text found. */
interface Scan {
  /** Colons outside of strings. */
  readonly colons: number;
  /** Whether every byte is below 0x80. */
  readonly ascii: boolean;
}

/** One linear pass; throws `AppError("malformed")` when brackets nest deeper than `maxDepth`. */
function scan(bytes: Uint8Array, maxDepth: number): Scan {
  let depth = 0;
  let colons = 0;
  let seen = 0;
  const end = bytes.length;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      for (at++; at < end; at++) {
        const inside = bytes[at] ?? 0;
        if (inside === quote) break;
        if (inside === backslash) at++;
        seen |= inside;
      }
    } else if (byte === colon) {
      colons++;
    } else if ((byte | 0x20) === 0x7b) { // [ or {
      if (++depth > maxDepth) throw new AppError("malformed");
    } else if ((byte | 0x20) === 0x7d) { // ] or }
      depth--;
    } else {
      seen |= byte;
    }
  }
  return { colons, ascii: seen < 0x80 };
}

/** How many keys all objects within `value` have together. Its depth is bounded by `scan`. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += countKeys(item);
    return keys;
  }
  for (const key in value) {
    keys++;
    const inner: unknown = Reflect.get(value, key);
    if (typeof inner === "object") keys += countKeys(inner);
  }
  return keys;
}

/**
 * The value of JSON text. Throws `AppError("malformed")` when it is not UTF-8, not JSON, nested deeper than `maxDepth`,
 * or has an object with a key twice.
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth: number): unknown {
  const { colons, ascii } = scan(bytes, maxDepth);
  const value = parse(bytes, ascii);
  if (countKeys(value) !== colons) throw new AppError("malformed");
  return value;
}

function parse(bytes: Uint8Array, ascii: boolean): unknown {
  try {
    return JSON.parse(ascii ? asciiText(bytes) : fromUtf8(bytes));
  } catch (cause) {
    throw new AppError("malformed", { cause });
  }
}

/** Much cheaper than decoding UTF-8, and the same where all bytes are below 0x80. */
function asciiText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
