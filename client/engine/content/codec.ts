/**
 * The content of a private message: what its sender signed, inside the encryption. The device's signature covers
 * exactly these bytes and the conversation, so that a receiver can later prove to others who said what, and where.
 */
import { type Bytes, utf8, utf8Length } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { isUuid, uuidBytes } from "../../../lib/base/ids.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { type SigningKey, VerifyingKey } from "../../../lib/crypto/sign.ts";
import { lifetimeField } from "./expiry.ts";
import { countField, type Fields, malformed, parseObject, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";
import { contentKinds, type Draft, isKindName, type KindName } from "./kinds.ts";

/** What stands at the head of all content. */
export interface ContentHead {
  /** The content's id (UUID), made by the sender. */
  readonly id: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
  /** Of visible content: the milliseconds that it stays; for ever when absent. */
  readonly expireAfter?: number;
}

/** Content of a kind that this program does not know: of a newer one. */
export interface UnknownContent {
  readonly kind: "unknown";
  readonly id: string;
  /** What the kind is called, at most 32 characters. */
  readonly name: string;
  /** Whether it makes no line: then it is passed over. */
  readonly silent: boolean;
  /** What is to be shown in its place; not yet sanitised, at most 1 KiB. */
  readonly fallback?: string;
  readonly sentAt?: number;
  readonly expireAfter?: number;
}

/** Content of a known kind. */
export type KnownContent = ContentHead & Draft;

/** What content can be. */
export type Content = KnownContent | UnknownContent;

/** A kind whose body is not looked at here. */
type Encoder = Pick<ContentKind<unknown>, "silent" | "encode" | "fallback">;

/**
 * The bytes to sign and to encrypt: UTF-8 JSON `{"v":1,"id","kind",...,"sentAt"}` with the kind's own fields, `fallback`
 * where the kind has one, else `"silent": true` for a silent kind, and `expireAfter`. Throws `AppError("too_large")` or
 * `AppError("malformed")` for what is out of bounds.
 */
export function encodeContent(content: KnownContent): Bytes {
  const { id, kind, body, sentAt, expireAfter } = content;
  if (!isUuid(id) || !Number.isSafeInteger(sentAt) || sentAt < 0) throw malformed();
  const codec: Encoder = contentKinds[kind];
  const fallback = codec.fallback?.(body);
  const more = {
    ...(expireAfter === undefined ? {} : { expireAfter: lifetimeField(expireAfter) }),
    ...(fallback !== undefined ? fallbackOf(fallback) : codec.silent ? { silent: true } : {}),
  };
  const fields = codec.encode(body);
  const bytes = utf8(JSON.stringify({ v: 1, id, kind, ...fields, sentAt, ...more }));
  if (bytes.length > contentLimits.bytes) {
    throw new AppError("too_large", { text: "that is too much for one message" });
  }
  return bytes;
}

/**
 * What such bytes say. Fields that are not known are ignored, so that a newer program may add some; a version or kind
 * that is not known gives `unknown`. Throws `AppError("malformed")` for everything else.
 */
export function decodeContent(bytes: Uint8Array): Content {
  const fields = parseObject(bytes);
  const { v, kind } = fields;
  const id = uuidField(fields["id"]);
  if (typeof kind !== "string") throw malformed();
  if (v !== 1 || !isKindName(kind)) return unknownContent(fields, { id, name: kind });
  return knownContent(fields, { id, kind });
}

function knownContent(
  fields: Fields,
  { id, kind }: { readonly id: string; readonly kind: KindName },
): KnownContent {
  const sentAt = countField(fields["sentAt"]);
  const body = contentKinds[kind].decode(fields);
  // The table gives each kind its own body; TypeScript does not follow that through the index.
  return { id, sentAt, kind, body, ...lifetimeOf(fields) } as KnownContent;
}

function unknownContent(
  fields: Fields,
  { id, name }: { id: string; name: string },
): UnknownContent {
  const { silent, sentAt } = fields;
  const isTime = typeof sentAt === "number" && Number.isSafeInteger(sentAt) && sentAt >= 0;
  return {
    kind: "unknown",
    id,
    name: name.slice(0, contentLimits.kindChars),
    silent: silent === true,
    ...fallbackOf(fields["fallback"]),
    ...(isTime ? { sentAt } : {}),
    ...lifetimeOf(fields),
  };
}

function lifetimeOf({ expireAfter }: Fields): { readonly expireAfter?: number } {
  return expireAfter === undefined ? {} : { expireAfter: lifetimeField(expireAfter) };
}

/** A fallback that is too long to be one counts as absent. */
function fallbackOf(value: unknown): { readonly fallback?: string } {
  const fits = typeof value === "string" && value !== "" &&
    utf8Length(value) <= contentLimits.fallbackBytes;
  return fits ? { fallback: value } : {};
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
