/**
 * Reads the clear parts of MLS messages (RFC 9420 section 6) without the MLS library, for a server that orders and
 * checks commits but holds no keys. Whoever forges these parts gains nothing: members verify them again, signed.
 */
import { createHash } from "node:crypto";
import { type Bytes, copyBytes, toBase64url } from "../base/bytes.ts";
import { TlsReader } from "./tls_reader.ts";

/** What a message's content is (RFC 9420 section 6). */
export type ContentType = "application" | "proposal" | "commit";

/** Who sent a public message (RFC 9420 section 6). */
export type PublicSender =
  | { readonly kind: "member"; readonly leafIndex: number }
  | { readonly kind: "external"; readonly senderIndex: number }
  | { readonly kind: "new_member_proposal" }
  | { readonly kind: "new_member_commit" };

/** The clear header of an MLSMessage. */
export type PeekedMessage =
  | {
    readonly kind: "private";
    readonly groupId: Bytes;
    readonly epoch: number;
    readonly contentType: ContentType;
  }
  | {
    readonly kind: "public";
    readonly groupId: Bytes;
    readonly epoch: number;
    readonly sender: PublicSender;
    readonly contentType: ContentType;
  }
  | { readonly kind: "welcome" }
  | { readonly kind: "group_info" }
  | { readonly kind: "key_package" };

/** What a public commit changes, as far as a server's rules ask. */
export interface PeekedCommit {
  /** Number of Add proposals. */
  readonly adds: number;
  /** Leaf indices of Remove proposals. */
  readonly removes: readonly number[];
  readonly externalInit: boolean;
  readonly hasPath: boolean;
  /** Number of proposals of all other kinds, and of references to proposals; this product uses none of them. */
  readonly others: number;
}

const mls10 = 1;
const contentTypes: readonly (ContentType | undefined)[] = [
  undefined,
  "application",
  "proposal",
  "commit",
];

/** Base64url of SHA-256 of a commit's bytes: its name in the protocol. */
export function commitHash(commit: Uint8Array): string {
  return toBase64url(createHash("sha256").update(commit).digest());
}

/** The clear header of an MLSMessage, or undefined when `bytes` do not begin with one. Never throws. */
export function peekMls(bytes: Uint8Array): PeekedMessage | undefined {
  const reader = new TlsReader(bytes);
  const message = readHeader(reader);
  return reader.failed ? undefined : message;
}

function readHeader(reader: TlsReader): PeekedMessage | undefined {
  if (reader.u16() !== mls10) return undefined;
  switch (reader.u16()) {
    case 1:
      return readPublic(reader);
    case 2:
      return readPrivate(reader);
    case 3:
      return { kind: "welcome" };
    case 4:
      return { kind: "group_info" };
    case 5:
      return { kind: "key_package" };
    default:
      return undefined;
  }
}

function readPrivate(reader: TlsReader): PeekedMessage | undefined {
  const groupId = copyBytes(reader.vector());
  const epoch = reader.u64();
  const contentType = contentTypes[reader.u8()];
  reader.vector(); // authenticated data
  reader.vector(); // encrypted sender data
  reader.vector(); // ciphertext
  if (contentType === undefined || !reader.ended) return undefined;
  return { kind: "private", groupId, epoch, contentType };
}

function readPublic(reader: TlsReader): (PeekedMessage & { kind: "public" }) | undefined {
  const groupId = copyBytes(reader.vector());
  const epoch = reader.u64();
  const sender = readSender(reader);
  reader.vector(); // authenticated data
  const contentType = contentTypes[reader.u8()];
  if (sender === undefined || contentType === undefined) return undefined;
  return { kind: "public", groupId, epoch, sender, contentType };
}

function readSender(reader: TlsReader): PublicSender | undefined {
  switch (reader.u8()) {
    case 1:
      return { kind: "member", leafIndex: reader.u32() };
    case 2:
      return { kind: "external", senderIndex: reader.u32() };
    case 3:
      return { kind: "new_member_proposal" };
    case 4:
      return { kind: "new_member_commit" };
    default:
      return undefined;
  }
}

/**
 * What a public commit changes, or undefined when `bytes` are not a PublicMessage with a whole, well-formed commit.
 * Never throws. The adds' key packages are skipped over by their structure, not checked.
 */
export function peekCommit(bytes: Uint8Array): PeekedCommit | undefined {
  const reader = new TlsReader(bytes);
  if (reader.u16() !== mls10 || reader.u16() !== 1) return undefined;
  const header = readPublic(reader);
  if (header?.contentType !== "commit") return undefined;
  const proposals = readProposals(new TlsReader(reader.vector()));
  const hasPath = readOptionalPath(reader);
  reader.vector(); // signature
  reader.vector(); // confirmation tag
  if (header.sender.kind === "member") reader.vector(); // membership tag
  if (proposals === undefined || reader.failed || !reader.ended) return undefined;
  return { ...proposals, hasPath };
}

function readOptionalPath(reader: TlsReader): boolean {
  const present = reader.u8();
  if (present > 1) reader.fail();
  if (present !== 1) return false;
  skipLeafNode(reader);
  reader.vector(); // path nodes
  return true;
}

function readProposals(reader: TlsReader): Omit<PeekedCommit, "hasPath"> | undefined {
  const removes: number[] = [];
  let adds = 0;
  let externalInits = 0;
  let others = 0;
  while (!reader.failed && !reader.ended) {
    const proposal = readProposal(reader);
    if (proposal.kind === "add") adds++;
    else if (proposal.kind === "remove") removes.push(proposal.leafIndex);
    else if (proposal.kind === "external_init") externalInits++;
    else others++;
  }
  if (reader.failed || externalInits > 1) return undefined;
  return { adds, removes, externalInit: externalInits === 1, others };
}

type PeekedProposal =
  | { readonly kind: "add" }
  | { readonly kind: "remove"; readonly leafIndex: number }
  | { readonly kind: "external_init" }
  | { readonly kind: "other" };

/** A ProposalOrRef (RFC 9420 section 12.4) and the proposal in it (section 12.1). */
function readProposal(reader: TlsReader): PeekedProposal {
  const form = reader.u8();
  if (form === 2) {
    reader.vector(); // reference
    return { kind: "other" };
  }
  if (form !== 1) reader.fail();
  switch (reader.u16()) {
    case 1:
      skipKeyPackage(reader);
      return { kind: "add" };
    case 2:
      skipLeafNode(reader);
      return { kind: "other" };
    case 3:
      return { kind: "remove", leafIndex: reader.u32() };
    case 4:
      skipPreSharedKeyId(reader);
      return { kind: "other" };
    case 5:
      skipReinit(reader);
      return { kind: "other" };
    case 6:
      reader.vector(); // KEM output
      return { kind: "external_init" };
    default:
      // 7 is group context extensions; all of these are one vector.
      reader.vector();
      return { kind: "other" };
  }
}

/** RFC 9420 section 10. */
function skipKeyPackage(reader: TlsReader): void {
  reader.u16(); // version
  reader.u16(); // suite
  reader.vector(); // init key
  skipLeafNode(reader);
  reader.vector(); // extensions
  reader.vector(); // signature
}

/** RFC 9420 section 7.2. */
function skipLeafNode(reader: TlsReader): void {
  reader.vector(); // encryption key
  reader.vector(); // signature key
  skipCredential(reader);
  for (let list = 0; list < 5; list++) reader.vector(); // capabilities
  skipLeafSource(reader);
  reader.vector(); // extensions
  reader.vector(); // signature
}

/** RFC 9420 section 5.3; both known types, and by convention all others, are one vector. */
function skipCredential(reader: TlsReader): void {
  reader.u16();
  reader.vector();
}

function skipLeafSource(reader: TlsReader): void {
  switch (reader.u8()) {
    case 1: // key package: its lifetime
      reader.skip(16);
      break;
    case 2: // update
      break;
    case 3: // commit: parent hash
      reader.vector();
      break;
    default:
      reader.fail();
  }
}

/** RFC 9420 section 8.4. */
function skipPreSharedKeyId(reader: TlsReader): void {
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
function skipReinit(reader: TlsReader): void {
  reader.vector(); // group id
  reader.u16(); // version
  reader.u16(); // suite
  reader.vector(); // extensions
}
