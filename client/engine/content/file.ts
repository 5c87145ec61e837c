/** A file: what its receivers need to fetch and open what was uploaded beside the messages. */
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { fileLimits, frameLimits } from "../../../lib/base/limits.ts";
import { fileKeyBytes } from "../../../lib/crypto/file_cipher.ts";
import { countField, malformed, textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** Names longer than any file system's are cut down by receivers; beyond this they are refused. */
const nameBytes = 1024;

/** What a file message says. */
export interface FileBody {
  /** The file's id at the server (UUID). */
  readonly file: string;
  /** As it is called where it comes from: not safe to use. */
  readonly name: string;
  /** Its extension in lower case, without a dot; may be empty. */
  readonly type: string;
  /** Bytes of the plaintext. */
  readonly size: number;
  /** 32 bytes, base64url. */
  readonly key: string;
  /** SHA-256 of the plaintext, base64url. */
  readonly hash: string;
  /** SHA-256 of the ciphertext, base64url. */
  readonly ciphertextHash: string;
  /** Bytes of an encrypted chunk with its tag. */
  readonly chunk: number;
}

function bytesField(value: unknown): string {
  const text = textField(value, 64);
  try {
    if (fromBase64url(text).length === fileKeyBytes) return text;
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

/** Kind `file`. */
export const fileKind: ContentKind<FileBody> = {
  silent: false,
  encode: (body) => {
    const { file, name, type, size, key, hash, ciphertextHash, chunk } = readBody({ ...body });
    return { file, name, type, size, key, hash, ciphertextHash, chunk };
  },
  decode: readBody,
  fallback: (body) => `${fileLine(body)}, which an older program cannot fetch`,
};

function readBody(fields: Readonly<Record<string, unknown>>): FileBody {
  const chunk = countField(fields["chunk"], frameLimits.bodyBytes);
  if (chunk < fileLimits.chunkBytesMin) throw malformed();
  return {
    file: uuidField(fields["file"]),
    name: textField(fields["name"], nameBytes),
    type: textField(fields["type"], fileLimits.typeChars),
    size: countField(fields["size"], fileLimits.fileBytesMax),
    key: bytesField(fields["key"]),
    hash: bytesField(fields["hash"]),
    ciphertextHash: bytesField(fields["ciphertextHash"]),
    chunk,
  };
}

/** 32 bytes as a body carries them. */
export const fileBytesText = (bytes: Uint8Array): string => toBase64url(bytes);

/** The line of a file. */
export function fileLine({ name, size }: Pick<FileBody, "name" | "size">): string {
  return `[file] ${name} (${sizeText(size)})`;
}

/** Bytes as people read them: `812 B`, `1.4 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  // Rounding must not make 1024 of a unit.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
