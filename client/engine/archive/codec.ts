/**
 * One batch of the archive: JSON under AES-256-GCM, bound to account, position and revision. What a batch says of the ones
 * before it, and of its own earlier revisions, ties all of them to the last one: whoever has that can tell whether anything
 * is missing, older than it was, or in another place.
 */
import { type Bytes, concat, fromUtf8, toBase64url, u64be, utf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { uuidBytes } from "../../../lib/base/ids.ts";
import { archiveLimits } from "../../../lib/base/limits.ts";
import { sha256 } from "../../../lib/crypto/hash.ts";
import { open, seal, sealOverheadBytes } from "../../../lib/crypto/seal.ts";
import type { BatchMark } from "../../store/archive.ts";

/** A conversation that entries of a batch are about. */
export interface ArchivedConversation {
  /** UUID. */
  readonly id: string;
  readonly kind: "direct" | "group";
  /** The partner's name, or what the group is called, with its `#`. */
  readonly name: string;
  /** The partner's account, where it is known. */
  readonly account?: string;
}

/** A message as it stands. */
export interface ArchivedMessage {
  readonly kind: "message";
  /** Index into the batch's conversations. */
  readonly conversation: number;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
  readonly sentAt: number;
  readonly own: boolean;
  /** Up to which row of its conversation this state takes everything in. */
  readonly asOf: number;
  /** What the profile keeps of it; the certificate in `signed` is an index into the batch's certificates. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** An account's key as it was seen first, and whether a person has compared it. */
export interface ArchivedContact {
  readonly kind: "contact";
  readonly account: string;
  readonly name: string;
  /** Base64url. */
  readonly accountKey: string;
  readonly verified: boolean;
}

/** Whether messages of a conversation are archived. */
export interface ArchivedSetting {
  readonly kind: "setting";
  readonly conversation: number;
  readonly kept: boolean;
}

/** An entry of a kind that this program does not know: kept as it is. */
export interface UnknownEntry {
  readonly kind: "unknown";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One thing in the archive. */
export type ArchiveEntry = ArchivedMessage | ArchivedContact | ArchivedSetting | UnknownEntry;

/** What is in a batch. */
export interface ArchiveBatch {
  /** The batch before, as it was when this one was begun; absent at position 1. */
  readonly previous?: { readonly revision: number; readonly hash: string };
  /** SHA-256 of each earlier revision of this batch, from revision 1. Base64url. */
  readonly trail: readonly string[];
  /** Older batches that were replaced since, the latest replacement last. */
  readonly replaced: readonly BatchMark[];
  /** Messages in the whole archive when this was written. */
  readonly total: number;
  readonly conversations: readonly ArchivedConversation[];
  /** Base64url. */
  readonly certificates: readonly string[];
  readonly entries: readonly ArchiveEntry[];
}

/** Where a batch stands. */
export interface BatchPlace {
  /** The account's id (UUID). */
  readonly account: string;
  readonly position: number;
  readonly revision: number;
}

/** Plaintext is padded to a multiple of this, so that sizes do not tell how long each message is. */
const paddingBytes = 4096;

/** SHA-256 of a sealed batch, base64url. */
export function batchHash(sealed: Uint8Array): string {
  return toBase64url(sha256(sealed));
}

/** The sealed batch. Throws `AppError("too_large")` when it is more than one batch may be. */
export function sealBatch(key: Uint8Array, place: BatchPlace, batch: ArchiveBatch): Bytes {
  const plaintext = encodeBatch(batch);
  if (plaintext.length + sealOverheadBytes > archiveLimits.batchBytes) {
    throw new AppError("too_large");
  }
  return seal(key, plaintext, batchBinding(place));
}

/** What is sealed: UTF-8 JSON, filled up with spaces to a multiple of 4,096 bytes. */
export function encodeBatch(batch: ArchiveBatch): Bytes {
  const { entries, ...rest } = batch;
  const plain = entries.map((entry) => entry.kind === "unknown" ? entry.fields : entry);
  const text = utf8(JSON.stringify({ v: 1, ...rest, entries: plain }));
  const padded = new Uint8Array(Math.ceil(text.length / paddingBytes) * paddingBytes).fill(0x20);
  padded.set(text);
  return padded;
}

/**
 * What is in a sealed batch. Throws `AppError("tampered")` for another key, place or content, and
 * `AppError("unsupported_version")` for what a newer program wrote.
 */
export function openBatch(key: Uint8Array, place: BatchPlace, sealed: Uint8Array): ArchiveBatch {
  const text = fromUtf8(open(key, sealed, batchBinding(place)));
  const batch = JSON.parse(text);
  if (batch.v !== 1) {
    throw new AppError("unsupported_version", {
      text: "the archive was written by a newer version of this program",
    });
  }
  // Whoever has the key is a device of this account: the shape is not checked field by field.
  const { v: _, entries, ...rest } = batch;
  return { ...rest, entries: entries.map(entryOf) };
}

const knownKinds: ReadonlySet<unknown> = new Set(["message", "contact", "setting"]);

function entryOf(fields: ArchiveEntry): ArchiveEntry {
  return knownKinds.has(fields.kind) ? fields : { kind: "unknown", fields: { ...fields } };
}

/** What a batch is bound to: label, account (16 bytes), position and revision (8 bytes each, big endian). */
export function batchBinding({ account, position, revision }: BatchPlace): Bytes {
  return concat(
    utf8("sealpost/1 archive batch\0"),
    uuidBytes(account),
    u64be(position),
    u64be(revision),
  );
}

/** JSON with the fields of every object in order, so that one state has one text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
  });
}
