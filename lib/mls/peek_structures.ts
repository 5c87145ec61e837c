/** The nested structures of MLS messages, as far as the reader of clear headers has to know them. */
import { createHash } from "node:crypto";
import { type Bytes, concat, copyBytes, toBase64url, utf8 } from "../base/bytes.ts";
import { TlsReader } from "./tls_reader.ts";

/** What a key package says; its signatures are not checked here. */
export interface PeekedKeyPackage {
  /** Base64url of the KeyPackageRef (RFC 9420 section 5.2) under SHA-512. */
  readonly ref: string;
  /** Number of the cipher suite. */
  readonly suite: number;
  /** The device certificate that is its credential, unverified. */
  readonly identity: Bytes;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  readonly lastResort: boolean;
}

const lastResortExtension = 0x000a;

/** A RefHash (RFC 9420 section 5.2): label and value, each as a vector. */
function keyPackageReference(keyPackage: Uint8Array): string {
  const input = concat(vectorOf(utf8("MLS 1.0 KeyPackage Reference")), vectorOf(keyPackage));
  return toBase64url(createHash("sha512").update(input).digest());
}

/** The variable-length vector of `content` (RFC 9420 section 2.1.2). */
function vectorOf(content: Uint8Array): Bytes {
  const length = content.length;
  if (length < 64) return concat(Uint8Array.of(length), content);
  if (length < 16384) return concat(Uint8Array.of(0x40 | (length >> 8), length & 0xff), content);
  const prefix = [
    0x80 | (length >> 24),
    (length >> 16) & 0xff,
    (length >> 8) & 0xff,
    length & 0xff,
  ];
  return concat(Uint8Array.from(prefix), content);
}

/** Reads a key package (RFC 9420 section 10). Fails unless its leaf is one of a key package. */
export function readKeyPackage(reader: TlsReader): PeekedKeyPackage {
  const start = reader.offset;
  reader.u16(); // version
  const suite = reader.u16();
  reader.vector(); // init key
  const leaf = readLeafNode(reader);
  if (leaf.notAfter === undefined) reader.fail();
  const extensions = readExtensionTypes(reader);
  reader.vector(); // signature
  return {
    ref: reader.failed ? "" : keyPackageReference(reader.since(start)),
    suite,
    identity: leaf.identity,
    notAfter: leaf.notAfter ?? 0,
    lastResort: extensions.includes(lastResortExtension),
  };
}

function readExtensionTypes(reader: TlsReader): number[] {
  const types: number[] = [];
  const extensions = new TlsReader(reader.vector());
  while (!extensions.ended) {
    types.push(extensions.u16());
    extensions.vector();
  }
  if (extensions.failed) reader.fail();
  return types;
}

/** What a leaf says. */
export interface PeekedLeaf {
  readonly identity: Bytes;
  /** Milliseconds since 1970; only of a key package's leaf. */
  readonly notAfter: number | undefined;
}

/** Reads a leaf (RFC 9420 section 7.2). Fails on a credential that is not a basic one. */
export function readLeafNode(reader: TlsReader): PeekedLeaf {
  reader.vector(); // encryption key
  reader.vector(); // signature key
  if (reader.u16() !== 1) reader.fail(); // credential type
  const identity = copyBytes(reader.vector());
  for (let list = 0; list < 5; list++) reader.vector(); // capabilities
  const notAfter = readLeafSource(reader);
  reader.vector(); // extensions
  reader.vector(); // signature
  return { identity, notAfter };
}

function readLeafSource(reader: TlsReader): number | undefined {
  switch (reader.u8()) {
    case 1: // key package: its lifetime, in seconds
      reader.skip(8);
      return reader.u64() * 1000;
    case 2: // update
      return undefined;
    case 3: // commit: parent hash
      reader.vector();
      return undefined;
    default:
      reader.fail();
      return undefined;
  }
}

/** RFC 9420 section 8.4. */
export function skipPreSharedKeyId(reader: TlsReader): void {
  const type = reader.u8();
  if (type === 1) {
    reader.vector(); // id
  } else if (type === 2) {
    reader.u8(); // usage
    reader.vector(); // group id
    reader.skip(8); // epoch
  } else {
    reader.fail();
  }
  reader.vector(); // nonce
}

/** RFC 9420 section 12.1.5. */
export function skipReinit(reader: TlsReader): void {
  reader.vector(); // group id
  reader.u16(); // version
  reader.u16(); // suite
  reader.vector(); // extensions
}
