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
  /** Whose messages they are (account id), and the device that said them (base64url). */
  readonly to: string;
  readonly device: string;
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
  const { to, device } = fields;
  return {
    to: uuidField(to),
    device: textField(device, resendLimits.deviceChars),
    messages: idsField(fields["messages"]),
  };
}

/** One message as it was signed. */
export interface Said {
  readonly content: Bytes;
  /** 64 bytes, by the device of the certificate. */
  readonly signature: Bytes;
  readonly certificate: Bytes;
}

/** What is said again, or ids of messages that made no line: there is nothing to say. */
export type ResentBody = { readonly said: Said } | { readonly nothing: readonly string[] };

/** Kind `resent`: either `content`, `signature` and `certificate` in base64url, or `nothing`. */
export const resentKind: ContentKind<ResentBody> = {
  silent: true,
  encode: (body) =>
    "nothing" in body ? { nothing: body.nothing } : {
      content: toBase64url(body.said.content),
      signature: toBase64url(body.said.signature),
      certificate: toBase64url(body.said.certificate),
    },
  decode: ({ content, signature, certificate, nothing }) => {
    if (nothing !== undefined) return { nothing: idsField(nothing) };
    const said = {
      content: bytesField(content, contentLimits.bytes),
      signature: bytesField(signature, signatureBytes),
      certificate: bytesField(certificate, resendLimits.certificateBytes),
    };
    if (said.signature.length !== signatureBytes) throw malformed();
    return { said };
  },
};

function idsField(value: unknown): string[] {
  return listField(value, resendLimits.perRequest, uuidField);
}

function bytesField(value: unknown, maxBytes: number): Bytes {
  const text = textField(value, Math.ceil(maxBytes * 4 / 3));
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw malformed(cause);
  }
}
