/**
 * Checkpoints: the server's signed word on the size and root of its log, in the formats c2sp.org/tlog-checkpoint and
 * c2sp.org/signed-note, so that existing log tools and witnesses read them.
 *
 * The signature is plain Ed25519 over the note's text, without a label of ours, because signed-note fixes that. It
 * cannot be confused with a labelled signature: our labels end with a NUL, and a note may not contain one.
 */
import { Buffer } from "node:buffer";
import { type Bytes, concat, equalBytes, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { sha256 } from "../crypto/hash.ts";
import { signBytes, type SigningKey, verifyBytes, VerifyingKey } from "../crypto/sign.ts";

const ed25519 = 0x01;
const keyHashBytes = 4;
const rootBytes = 32;
/** Room for a few witnesses' signatures; a longer text is not read at all. */
const maxChars = 16 * 1024;

/** What a checkpoint says. */
export interface Checkpoint {
  /** How many entries the log has. */
  readonly size: number;
  /** Root over them, 32 bytes. */
  readonly root: Bytes;
}

/** What a checkpoint is made from. */
export interface CheckpointInput {
  /** The log's name, also the name of its key: no white space, no `+`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * The note's text: origin, size in decimal, root in base64, each on a line. Throws `RangeError` when one of them
 * cannot be.
 */
export function formatCheckpoint({ origin, size, root }: CheckpointInput): string {
  if (!isKeyName(origin)) throw new RangeError("an origin has no white space and no +");
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError("a size is a count");
  if (root.length !== rootBytes) throw new RangeError("a root has 32 bytes");
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The signed note: the text, an empty line, and the signature line. */
export function signCheckpoint(key: SigningKey, checkpoint: CheckpointInput): string {
  const text = formatCheckpoint(checkpoint);
  const signature = concat(
    noteKeyHash(checkpoint.origin, key.publicKey),
    signBytes(key, utf8(text)),
  );
  return `${text}\n\u2014 ${checkpoint.origin} ${toBase64(signature)}\n`;
}

/** Whose checkpoint is expected. */
export interface CheckpointSigner {
  readonly origin: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * What a signed checkpoint says, once its signature by the expected signer holds. Signatures of others (witnesses) and
 * extension lines are allowed and ignored. Throws `AppError("tampered")` for everything else.
 */
export function openCheckpoint(signed: string, signer: CheckpointSigner): Checkpoint {
  if (signed.length > maxChars) throw broken();
  const split = signed.lastIndexOf("\n\n");
  if (split < 0 || !signed.endsWith("\n")) throw broken();
  const text = signed.slice(0, split + 1);
  const signatures = signed.slice(split + 2, -1).split("\n").map(readSignatureLine);
  checkSigned(text, { signatures, signer });
  return readText(text, signer.origin);
}

interface SignatureLine {
  readonly name: string;
  readonly keyHash: Bytes;
  readonly signature: Bytes;
}

function readSignatureLine(line: string): SignatureLine {
  const [dash, name, encoded, ...more] = line.split(" ");
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (dash !== "\u2014" || !name || !isKeyName(name) || more.length > 0) throw broken();
  if (!bytes || bytes.length <= keyHashBytes) throw broken();
  return { name, keyHash: bytes.slice(0, keyHashBytes), signature: bytes.slice(keyHashBytes) };
}

/** Every signature that claims to be the signer's must hold, and there must be one. */
function checkSigned(
  text: string,
  { signatures, signer }: {
    readonly signatures: readonly SignatureLine[];
    readonly signer: CheckpointSigner;
  },
): void {
  const expected = noteKeyHash(signer.origin, signer.publicKey);
  const own = signatures.filter(({ name, keyHash }) =>
    name === signer.origin && equalBytes(keyHash, expected)
  );
  const key = new VerifyingKey(signer.publicKey);
  const note = utf8(text);
  const holds = own.every(({ signature }) => verifyBytes(key, signature, note));
  if (own.length === 0 || !holds) throw broken();
}

function readText(text: string, origin: string): Checkpoint {
  const [foundOrigin, size, root, ...extensions] = text.slice(0, -1).split("\n");
  if (foundOrigin !== origin || extensions.includes("")) throw broken();
  if (size === undefined || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw broken();
  const rootHash = root === undefined ? undefined : fromBase64(root);
  if (rootHash?.length !== rootBytes || !Number.isSafeInteger(Number(size))) throw broken();
  return { size: Number(size), root: rootHash };
}

/**
 * What stands before a signature to say whose it is: the first 4 bytes of SHA-256(name || "\n" || 0x01 || public key)
 * (signed-note, "Signatures").
 */
export function noteKeyHash(name: string, publicKey: Uint8Array): Bytes {
  return sha256(utf8(`${name}\n`), Uint8Array.of(ed25519), publicKey).slice(0, keyHashBytes);
}

function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !/[\s+\p{Cc}]/u.test(name);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding, in its one canonical form; undefined for anything else. */
function fromBase64(text: string): Bytes | undefined {
  if (!base64Pattern.test(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  return toBase64(bytes) === text ? bytes : undefined;
}

function broken(): AppError {
  return new AppError("tampered", { text: "the directory's checkpoint does not hold" });
}
