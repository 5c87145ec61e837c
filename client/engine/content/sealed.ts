/** What is inside an encrypted message: the content's bytes, and behind them the sender's signature of 64 bytes. */
import { type Bytes, concat, fromBase64url, toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import type { DeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { signatureBytes } from "../../../lib/crypto/sign.ts";
import type { MlsIdentity } from "../../../lib/mls/mod.ts";
import type { MessageContent, SignedFacts, StoredMessage } from "../../store/messages.ts";
import { type Content, decodeContent, encodeContent, signContent, verifyContent } from "./codec.ts";

/** A message to encrypt, with what is kept of it. */
export interface SealedContent {
  readonly plaintext: Bytes;
  readonly stored: MessageContent;
}

/** Signs a stored message of one's own for a conversation (UUID). Throws `AppError("too_large")`. */
export function sealContent(
  identity: MlsIdentity,
  { message, conversation }: {
    readonly message: Pick<StoredMessage, "id" | "sentAt" | "content">;
    readonly conversation: string;
  },
): SealedContent {
  const content = contentBytes(message);
  const signature = signContent(identity.device, { conversation, content });
  const { draft: _, ...kept } = message.content;
  const signed = signedFacts({ content, signature, certificate: identity.certificate });
  return {
    plaintext: concat(content, signature),
    stored: { ...kept, signed },
  };
}

/** What is to be signed: as it was queued, or as it was signed for an encryption that the server refused. */
function contentBytes(
  { id, sentAt, content }: Pick<StoredMessage, "id" | "sentAt" | "content">,
): Bytes {
  if (content.draft !== undefined) return utf8(content.draft);
  if (content.signed !== undefined) {
    const before = fromBase64url(content.signed.content);
    // An edit that was made meanwhile has left its own bytes here.
    if (decodeContent(before).id === id) return before;
  }
  return encodeContent({ id, kind: "text", body: { text: content.text }, sentAt });
}

/** Content whose sender is certain. */
export interface OpenedContent {
  readonly content: Content;
  readonly signed: SignedFacts;
}

/** What a decrypted message says, and what a receipt needs of it; or, as a text, why it is not taken. */
export function openSealedContent(
  plaintext: Uint8Array,
  facts: { conversation: string; message: string; certificate: DeviceCertificate },
): OpenedContent | string {
  const { conversation, message, certificate } = facts;
  const content = plaintext.subarray(0, Math.max(0, plaintext.length - signatureBytes));
  const signature = plaintext.subarray(content.length);
  try {
    if (!verifyContent(certificate.deviceKey, { conversation, content, signature })) {
      return "its sender's signature does not hold";
    }
    const decoded = decodeContent(content);
    if (decoded.id !== message) return "it was signed as another message";
    return { content: decoded, signed: signedFacts({ content, signature, certificate }) };
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.message;
    throw thrown;
  }
}

function signedFacts(
  facts: { content: Uint8Array; signature: Uint8Array; certificate: DeviceCertificate },
): SignedFacts {
  return {
    content: toBase64url(facts.content),
    signature: toBase64url(facts.signature),
    certificate: toBase64url(facts.certificate.bytes),
  };
}
