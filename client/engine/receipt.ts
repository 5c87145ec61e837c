/**
 * Signed receipts: proof of who said what, for people who were not there. A receipt carries the signed bytes, the
 * signature, the device's certificate, and the log's entry of the account with its inclusion proof under a checkpoint
 * that the server signed. Checking one needs nothing but its text. Pure.
 */
import { equalBytes, fromBase64url, fromUtf8, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { isUuid } from "../../lib/base/ids.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { fingerprint } from "../../lib/crypto/fingerprint.ts";
import { verifyLobbyPost } from "../../lib/crypto/lobby_post.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { VerifyingKey } from "../../lib/crypto/sign.ts";
import { openCheckpoint } from "../../lib/directory/checkpoint.ts";
import { decodeEntry } from "../../lib/directory/entry.ts";
import { directoryOrigin } from "../../lib/directory/origin.ts";
import { decodeContent, verifyContent } from "./content/codec.ts";
import { saidText } from "./content/said.ts";
import type { ReceiptSource } from "./unlocked.ts";
import { isIncluded, type ProvenKeys } from "./verify_keys.ts";

/** Longer texts are not read: the largest message makes about 100 KiB. */
const maxChars = 256 * 1024;

/** What a receipt proves, once it holds. */
export interface ReceiptFacts {
  readonly kind: "direct" | "lobby";
  /** UUID; absent for the lobby. */
  readonly conversation?: string;
  /** The message's own id (UUID). */
  readonly id: string;
  /** The account that said it. */
  readonly from: string;
  readonly account: string;
  readonly text: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
  /** For people: compare them with what is known of the server and of the account. */
  readonly serverFingerprint: string;
  readonly accountFingerprint: string;
  readonly deviceFingerprint: string;
  /** Milliseconds since 1970: when the account certified the device. */
  readonly certifiedAt: number;
  /** The size of the log at the checkpoint. */
  readonly logSize: number;
}

/** The facts, or why the receipt proves nothing. */
export type ReceiptVerdict =
  | { readonly kind: "valid"; readonly facts: ReceiptFacts }
  | { readonly kind: "invalid"; readonly reason: string };

/** The receipt of a message as one line of JSON. All binary fields are base64url. */
export function formatReceipt(
  source: ReceiptSource,
  proven: { readonly keys: ProvenKeys; readonly certificate: DeviceCertificate },
): string {
  const { certificate, keys } = proven;
  const { where, content, signature } = source;
  return JSON.stringify({
    v: 1,
    type: "receipt",
    server: toBase64url(certificate.serverKey),
    ...where,
    from: certificate.name,
    content,
    signature,
    certificate: toBase64url(certificate.bytes),
    ...keys.proof,
  });
}

/** Checks a receipt offline, with nothing but its text. Never throws. */
export function verifyReceipt(text: string): ReceiptVerdict {
  try {
    return judge(readReceipt(text));
  } catch (thrown) {
    if (thrown instanceof AppError) return invalid(thrown.message);
    if (!(thrown instanceof TypeError)) throw thrown;
    return invalid("it is not a receipt, or was cut or changed");
  }
}

interface Receipt {
  readonly server: Uint8Array;
  readonly where: ReceiptSource["where"];
  readonly from: string;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificate: DeviceCertificate;
  readonly entry: string;
  readonly index: number;
  readonly path: readonly string[];
  readonly checkpoint: string;
}

function judge(receipt: Receipt): ReceiptVerdict {
  const { certificate, server } = receipt;
  if (!equalBytes(certificate.serverKey, server)) {
    return invalid("the device's certificate is of another server");
  }
  if (canonicalName(certificate.name) !== canonicalName(receipt.from)) {
    return invalid("the device's certificate is of another account");
  }
  const checkpoint = openCheckpoint(receipt.checkpoint, {
    origin: directoryOrigin(server),
    publicKey: server,
  });
  if (!isAccountEntry(receipt)) {
    return invalid("the directory's entry is of another account or key");
  }
  if (!isIncluded(receipt, checkpoint)) {
    return invalid("the directory's entry is not in the log");
  }
  const said = readSaid(receipt);
  if (said === undefined) return invalid("the signature does not hold");
  return {
    kind: "valid",
    facts: {
      ...said,
      from: certificate.name,
      account: certificate.accountId,
      serverFingerprint: fingerprint(server),
      accountFingerprint: fingerprint(certificate.accountKey),
      deviceFingerprint: fingerprint(certificate.deviceKey),
      certifiedAt: certificate.createdAt,
      logSize: checkpoint.size,
    },
  };
}

function isAccountEntry({ entry: text, certificate }: Receipt): boolean {
  const entry = decodeEntry(fromBase64url(text));
  return entry.type === "account" && entry.name === certificate.name &&
    entry.accountId === certificate.accountId &&
    equalBytes(entry.accountKey, certificate.accountKey);
}

/** What was said, if the device's signature over it holds. */
function readSaid(
  { where, content, signature, certificate }: Receipt,
): Pick<ReceiptFacts, "kind" | "conversation" | "id" | "text" | "sentAt"> | undefined {
  const device = new VerifyingKey(certificate.deviceKey);
  if (where.kind === "lobby") {
    const { post, sentAt } = where;
    const text = fromUtf8(content);
    if (!verifyLobbyPost(device, signature, { post, sentAt, text })) return undefined;
    return { kind: "lobby", id: post, text, sentAt };
  }
  const { conversation } = where;
  if (!verifyContent(device, { conversation, content, signature })) return undefined;
  const said = decodeContent(content);
  const { sentAt } = said;
  const { id, text } = saidText(said);
  return { kind: "direct", conversation, id, text, sentAt: sentAt ?? 0 };
}

function readReceipt(text: string): Receipt {
  if (text.length > maxChars) throw new TypeError("too long for a receipt");
  const fields = parse(text);
  if (fields["type"] !== "receipt") throw new TypeError("not a receipt");
  if (fields["v"] !== 1) {
    throw new AppError("unsupported_version", { text: "it is of a newer version of this program" });
  }
  const path = fields["path"];
  if (!Array.isArray(path) || path.length > 64) throw new TypeError("no proof");
  return {
    server: fromBase64url(textOf(fields["server"])),
    where: whereOf(fields),
    from: textOf(fields["from"]),
    content: fromBase64url(textOf(fields["content"])),
    signature: fromBase64url(textOf(fields["signature"])),
    certificate: readDeviceCertificate(fromBase64url(textOf(fields["certificate"]))),
    entry: textOf(fields["entry"]),
    index: countOf(fields["index"]),
    path: path.map(textOf),
    checkpoint: textOf(fields["checkpoint"]),
  };
}

function whereOf(fields: Readonly<Record<string, unknown>>): ReceiptSource["where"] {
  switch (fields["kind"]) {
    case "direct":
      return { kind: "direct", conversation: uuidOf(fields["conversation"]) };
    case "lobby":
      return { kind: "lobby", post: uuidOf(fields["post"]), sentAt: countOf(fields["sentAt"]) };
    default:
      throw new TypeError("said nowhere");
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value));
    }
  } catch (cause) {
    throw new TypeError("not JSON", { cause });
  }
  throw new TypeError("not an object");
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

function uuidOf(value: unknown): string {
  const text = textOf(value);
  if (!isUuid(text)) throw new TypeError("not a UUID");
  return text;
}

function countOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new TypeError("not a count");
  }
  return value;
}

function invalid(reason: string): ReceiptVerdict {
  return { kind: "invalid", reason };
}
