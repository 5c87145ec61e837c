/** The small schemas that messages are built from. */
import Type from "typebox";
import { frameLimits, latestTime, textLimits } from "../../base/limits.ts";

const letter = "[A-Za-z0-9_-]";

/** The last character of bytes that are no multiple of 3: its unused bits are zero, so that one value has one text. */
const lastOfOne = "[AQgw]";
const lastOfTwo = "[AEIMQUYcgkosw048]";

const anyBinary = `^(?:${letter}{4})*(?:${letter}${lastOfOne}|${letter}{2}${lastOfTwo})?$`;

/** Canonical base64url text (lib/base/bytes.ts) of at most `maxBytes` bytes. */
export const binary = (maxBytes: number) =>
  Type.String({ pattern: anyBinary, maxLength: Math.ceil(maxBytes * 4 / 3) });

/** Canonical base64url text of exactly `bytes` bytes. */
export const exactBinary = (bytes: number) => {
  const length = Math.ceil(bytes * 4 / 3);
  const last = [letter, lastOfOne, lastOfTwo][bytes % 3] ?? letter;
  return Type.String({
    pattern: `^${letter}{${length - 1}}${last}$`,
    minLength: length,
    maxLength: length,
  });
};

/** A UUID in canonical lower-case text (RFC 9562). */
export const uuid = Type.String({
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
});

/** An Ed25519 public key: 32 bytes. */
export const publicKey = exactBinary(32);

/** An Ed25519 signature: 64 bytes. */
export const signature = exactBinary(64);

/** A SHA-256 hash: 32 bytes. */
export const hash = exactBinary(32);

/** An account name as a person typed it; whether it is a valid one is the server's answer, not the schema's. */
export const name = Type.String({ minLength: 1, maxLength: 4 * textLimits.nameMax });

/** The name of a linked server, as this server's operator calls it: what stands behind `@`. */
export const serverName = Type.String({ minLength: 1, maxLength: 64 });

/** A device's label, chosen by its owner. */
export const label = Type.String({ maxLength: textLimits.deviceLabelChars });

/** A device certificate or revocation (lib/crypto/certificate.ts). */
export const certificate = binary(512);

/** One OPAQUE message (RFC 9807); the largest is under 400 bytes. */
export const opaqueMessage = binary(1024);

/** A count or a position: an integer that JSON carries exactly. */
export const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Milliseconds since 1970, UTC: as far as dates go (ECMA-262 section 21.4.1.1), so that each of them can be shown. */
export const time = Type.Integer({ minimum: 0, maximum: latestTime });

/** The length in bytes of this message's slice of the frame's body. */
export const bodyLength = Type.Integer({ minimum: 0, maximum: frameLimits.bodyBytes });

/** Pairs a reply with its request; chosen by the requester, unique among its requests under way. */
export const requestId = count;

/** One party of a conversation: a device and the account it belongs to. */
export const rosterEntry = Type.Object({ account: uuid, device: publicKey }, {
  additionalProperties: false,
});

/** What kind of conversation it is: of two accounts, or a group with roles. */
export const conversationKind = Type.Union([Type.Literal("direct"), Type.Literal("group")]);

/** What an account may do in a group (lib/base/membership.ts); in direct conversations all are `member`. */
export const memberRole = Type.Union([
  Type.Literal("owner"),
  Type.Literal("admin"),
  Type.Literal("member"),
]);

/** How an account stands to a conversation: taking part, not having answered, having declined, about to be removed. */
export const memberState = Type.Union([
  Type.Literal("active"),
  Type.Literal("request"),
  Type.Literal("declined"),
  Type.Literal("left"),
]);

/** At most `max` of `schema`. */
export const listOf = <T extends Type.TSchema>(schema: T, max: number) =>
  Type.Array(schema, { maxItems: max });

/** `null` or `schema`. */
export const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
