/**
 * The content of a private message: what its sender signed, inside the encryption. The device's signature covers
 * exactly these bytes and the conversation, so that a receiver can later prove to others who said what, and where.
 */
import { type Bytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { isUuid, uuidBytes } from "../../lib/base/ids.ts";
import { textLimits } from "../../lib/base/limits.ts";
import { type SigningKey, VerifyingKey } from "../../lib/crypto/sign.ts";

/** A text message. */
export interface TextContent {
  /** The message's id (UUID), made by the sender. */
  readonly id: string;
  readonly text: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
}

/** Content of a kind that this program does not know: of a newer one. */
export interface UnknownContent {
  readonly id: string;
  readonly kind: string;
}

/** What content can be. */
export type Content =
  | ({ readonly kind: "text" } & TextContent)
  | { readonly kind: "unknown"; readonly unknown: UnknownContent };

/**
 * The bytes to sign and to encrypt: UTF-8 JSON `{"v":1,"id","kind":"text","text","sentAt"}`. Throws
 * `AppError("too_large")` for a text of more than 64 KiB and `AppError("malformed")` for an id that is no UUID.
 */
export function encodeContent({ id, text, sentAt }: TextContent): Bytes {
  if (!isUuid(id) || !Number.isSafeInteger(sentAt) || sentAt < 0) throw malformed();
  if (utf8(text).length > textLimits.textBytes) throw tooLong();
  return utf8(JSON.stringify({ v: 1, id, kind: "text", text, sentAt }));
}

/**
 * What such bytes say. Fields that are not known are ignored, so that a newer program may add some; a version or kind
 * that is not known gives `unknown`. Throws `AppError("malformed")` for everything else.
 */
export function decodeContent(bytes: Uint8Array): Content {
  const fields = parseObject(bytes);
  const { v, id, kind } = fields;
  if (typeof id !== "string" || !isUuid(id) || typeof kind !== "string") throw malformed();
  if (v !== 1 || kind !== "text") return { kind: "unknown", unknown: { id, kind } };
  const { text, sentAt } = fields;
  if (typeof text !== "string" || utf8(text).length > textLimits.textBytes) throw malformed();
  if (typeof sentAt !== "number" || !Number.isSafeInteger(sentAt) || sentAt < 0) throw malformed();
  return { kind: "text", id, text, sentAt };
}

/**
 * Signs content for a conversation (UUID) with the device's key: 64 bytes over `16 conversation id | content` under the
 * label "content".
 */
export function signContent(
  device: SigningKey,
  signed: { readonly conversation: string; readonly content: Uint8Array },
): Bytes {
  return device.sign("content", uuidBytes(signed.conversation), signed.content);
}

/** Content with its signature. */
export interface SignedContent {
  /** UUID. */
  readonly conversation: string;
  /** Exactly as signed. */
  readonly content: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** Whether `signature` is the device's over that content in that conversation. */
export function verifyContent(device: VerifyingKey | Uint8Array, signed: SignedContent): boolean {
  const key = device instanceof VerifyingKey ? device : new VerifyingKey(device);
  return key.verify("content", signed.signature, uuidBytes(signed.conversation), signed.content);
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(Object.entries(value));
    }
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

function malformed(cause?: unknown): AppError {
  const text = "that message's content could not be read";
  return new AppError("malformed", cause === undefined ? { text } : { text, cause });
}

function tooLong(): AppError {
  return new AppError("too_large", {
    text: `a message has at most ${textLimits.textBytes / 1024} KiB`,
  });
}
