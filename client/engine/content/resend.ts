/**
 * Asking for messages that could not be read, and saying them again. What is said again keeps the id, the time and the
 * signature that it had: whoever gets it verifies it as if it had come the first time.
 */
import { type Bytes, fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { contentLimits, resendLimits } from "../../../lib/base/limits.ts";
import { signatureBytes } from "../../../lib/crypto/sign.ts";
import { listField, malformed, textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** What a device could not read. */
export interface ResendBody {
  /** Whose messages they are (account id). */
  readonly to: string;
  /** Their ids, at most 64. */
  readonly messages: readonly string[];
}

/** Kind `resend`. */
export const resendKind: ContentKind<ResendBody> = {
  silent: true,
  encode: (body) => ({ ...resendOf({ ...body }) }),
  decode: resendOf,
};

function resendOf(fields: Readonly<Record<string, unknown>>): ResendBody {
  const { to, messages } = fields;
  return { to: uuidField(to), messages: listField(messages, resendLimits.perRequest, uuidField) };
}

/** One message as it was signed. */
export interface ResentBody {
  readonly content: Bytes;
  /** 64 bytes, by the device of the certificate. */
  readonly signature: Bytes;
  readonly certificate: Bytes;
}

/** Kind `resent`: `content`, `signature` and `certificate` in base64url. */
export const resentKind: ContentKind<ResentBody> = {
  silent: true,
  encode: ({ content, signature, certificate }) => ({
    content: toBase64url(content),
    signature: toBase64url(signature),
    certificate: toBase64url(certificate),
  }),
  decode: ({ content, signature, certificate }) => {
    const body = {
      content: bytesField(content, contentLimits.bytes),
      signature: bytesField(signature, signatureBytes),
      certificate: bytesField(certificate, resendLimits.certificateBytes),
    };
    if (body.signature.length !== signatureBytes) throw malformed();
    return body;
  },
};

function bytesField(value: unknown, maxBytes: number): Bytes {
  const text = textField(value, Math.ceil(maxBytes * 4 / 3));
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw malformed(cause);
  }
}
