/** What is inside an encrypted message: the content's bytes, and behind them the sender's signature of 64 bytes. */
import { type Bytes, concat, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import { signatureBytes } from "../../lib/crypto/sign.ts";
import type { MlsIdentity } from "../../lib/mls/mod.ts";
import type { MessageContent } from "../store/messages.ts";
import { decodeContent, encodeContent, signContent, verifyContent } from "./content.ts";

/** A message to encrypt, with what is kept of it. */
export interface SignedText {
  readonly plaintext: Bytes;
  readonly stored: MessageContent;
}

/** Signs a text for a conversation. Throws `AppError("too_large")`. */
export function signText(
  identity: MlsIdentity,
  text: { id: string; conversation: string; text: string; sentAt: number },
): SignedText {
  const content = encodeContent(text);
  const signature = signContent(identity.device, { conversation: text.conversation, content });
  const facts = { content, signature, certificate: identity.certificate };
  return { plaintext: concat(content, signature), stored: keep(text.text, facts) };
}

/** What a decrypted message says, and what is kept of it; or, as a text, why it is not taken. */
export function openSealedContent(
  plaintext: Uint8Array,
  facts: { conversation: string; message: string; certificate: DeviceCertificate },
): { readonly sentAt: number; readonly stored: MessageContent } | string {
  const { conversation, message, certificate } = facts;
  const content = plaintext.subarray(0, Math.max(0, plaintext.length - signatureBytes));
  const signature = plaintext.subarray(content.length);
  try {
    if (!verifyContent(certificate.deviceKey, { conversation, content, signature })) {
      return "its sender's signature does not hold";
    }
    const decoded = decodeContent(content);
    const id = decoded.kind === "text" ? decoded.id : decoded.unknown.id;
    if (id !== message) return "it was signed as another message";
    if (decoded.kind === "unknown") return "a newer version of this program is needed for it";
    const stored = keep(decoded.text, { content, signature, certificate });
    return { sentAt: decoded.sentAt, stored };
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.message;
    throw thrown;
  }
}

function keep(
  text: string,
  facts: { content: Uint8Array; signature: Uint8Array; certificate: DeviceCertificate },
): MessageContent {
  return {
    from: facts.certificate.name,
    text,
    signed: {
      content: toBase64url(facts.content),
      signature: toBase64url(facts.signature),
      certificate: toBase64url(facts.certificate.bytes),
    },
  };
}
