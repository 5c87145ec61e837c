/** Reading the JSON fields of content strictly and within bounds. What does not fit throws `AppError("malformed")`. */
import { fromUtf8, utf8Length } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { isUuid } from "../../../lib/base/ids.ts";
import { contentLimits } from "../../../lib/base/limits.ts";

/** An object out of JSON, of which nothing is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** The object that these bytes are as UTF-8 JSON. */
export function parseObject(bytes: Uint8Array): Fields {
  if (bytes.length > contentLimits.bytes) throw malformed();
  try {
    return objectField(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw malformed(cause);
  }
}

/** A value that is an object and no list. */
export function objectField(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return Object.fromEntries(Object.entries(value));
}

/** A text of at most `maxBytes` bytes in UTF-8. */
export function textField(value: unknown, maxBytes: number): string {
  if (typeof value !== "string" || value.length > maxBytes || utf8Length(value) > maxBytes) {
    throw malformed();
  }
  return value;
}

/** An id of 36 characters. */
export function uuidField(value: unknown): string {
  if (typeof value !== "string" || !isUuid(value)) throw malformed();
  return value;
}

/** A whole number from 0 to `max`. */
export function countField(value: unknown, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw malformed();
  }
  return value;
}

/** A flag: `true`, or absent. */
export function flagField(value: unknown): boolean {
  if (value !== undefined && value !== true && value !== false) throw malformed();
  return value === true;
}

/** A list of at most `max` entries, each read by `read`. */
export function listField<T>(value: unknown, max: number, read: (entry: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw malformed();
  return value.map((entry) => read(entry));
}

/** The refusal of content that does not fit. */
export function malformed(cause?: unknown): AppError {
  const text = "that message's content could not be read";
  return new AppError("malformed", cause === undefined ? { text } : { text, cause });
}
