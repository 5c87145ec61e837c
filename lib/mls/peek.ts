/**
 * Reads the clear parts of MLS messages (RFC 9420 section 6) without the MLS library, for a server that orders and
 * checks commits but holds no keys. Whoever forges these parts gains nothing: members verify them again, signed.
 */
import { createHash } from "node:crypto";
import { type Bytes, copyBytes, toBase64url } from "../base/bytes.ts";
import {
  type PeekedKeyPackage,
  readKeyPackage,
  readLeafNode,
  skipPreSharedKeyId,
  skipReinit,
} from "./peek_structures.ts";
import { TlsReader } from "./tls_reader.ts";

export type { PeekedKeyPackage };

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
  | {
    readonly kind: "welcome";
    /** Base64url references of the key packages that it is addressed to. */
    readonly refs: readonly string[];
  }
  | { readonly kind: "group_info"; readonly groupId: Bytes; readonly epoch: number }
  | ({ readonly kind: "key_package" } & PeekedKeyPackage);

/** What a public commit changes, as far as a server's rules ask. */
export interface PeekedCommit {
  /** The commit's `authenticated_data` (RFC 9420 section 6.1): here the membership change, lib/base/membership.ts. */
  readonly authenticatedData: Bytes;
  /** Number of Add proposals. */
  readonly adds: number;
  /** Leaf indices of Remove proposals. */
  readonly removes: readonly number[];
  readonly externalInit: boolean;
  readonly hasPath: boolean;
  /** Number of proposals of all other kinds, and of references to proposals; this product uses none of them. */
  readonly others: number;
  /** What the added leaves say they are: device certificates, to be verified by whoever uses them. */
  readonly added: readonly Bytes[];
  /** The device certificate in the committer's new leaf. */
  readonly committer: Bytes | undefined;
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

/**
 * The clear part of an MLSMessage, or undefined when `bytes` are not a well-formed one. Of a public message only the
 * header is read, see `peekCommit` for the rest. Never throws.
 */
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
      return { kind: "welcome", refs: readWelcome(reader) };
    case 4:
      return { kind: "group_info", ...readGroupInfo(reader) };
    case 5:
      return { kind: "key_package", ...readWholeKeyPackage(reader) };
    default:
      return undefined;
  }
}

/** RFC 9420 section 12.4.3.1. */
function readWelcome(reader: TlsReader): string[] {
  const refs: string[] = [];
  reader.u16(); // suite
  const secrets = new TlsReader(reader.vector());
  while (!secrets.ended) {
    refs.push(toBase64url(secrets.vector()));
    secrets.vector(); // KEM output
    secrets.vector(); // ciphertext
  }
  reader.vector(); // encrypted group info
  if (secrets.failed || !reader.ended) reader.fail();
  return refs;
}

/** RFC 9420 sections 12.4.3 and 8.1. */
function readGroupInfo(reader: TlsReader): { groupId: Bytes; epoch: number } {
  reader.u16(); // version
  reader.u16(); // suite
  const groupId = copyBytes(reader.vector());
  const epoch = reader.u64();
  reader.vector(); // tree hash
  reader.vector(); // confirmed transcript hash
  reader.vector(); // extensions of the group
  reader.vector(); // extensions of the info
  reader.vector(); // confirmation tag
  reader.u32(); // signer
  reader.vector(); // signature
  if (!reader.ended) reader.fail();
  return { groupId, epoch };
}

function readWholeKeyPackage(reader: TlsReader): PeekedKeyPackage {
  const keyPackage = readKeyPackage(reader);
  if (!reader.ended) reader.fail();
  return keyPackage;
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

type PublicHeader = PeekedMessage & { kind: "public" };

function readPublic(reader: TlsReader): PublicHeader | undefined {
  return readPublicParts(reader)?.header;
}

function readPublicParts(
  reader: TlsReader,
): { readonly header: PublicHeader; readonly authenticatedData: Bytes } | undefined {
  const groupId = copyBytes(reader.vector());
  const epoch = reader.u64();
  const sender = readSender(reader);
  const authenticatedData = copyBytes(reader.vector());
  const contentType = contentTypes[reader.u8()];
  if (sender === undefined || contentType === undefined) return undefined;
  return { header: { kind: "public", groupId, epoch, sender, contentType }, authenticatedData };
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
  const parts = readPublicParts(reader);
  if (parts?.header.contentType !== "commit") return undefined;
  const { header, authenticatedData } = parts;
  const proposals = readProposals(new TlsReader(reader.vector()));
  const committer = readOptionalPath(reader);
  reader.vector(); // signature
  reader.vector(); // confirmation tag
  if (header.sender.kind === "member") reader.vector(); // membership tag
  if (proposals === undefined || reader.failed || !reader.ended) return undefined;
  return { ...proposals, authenticatedData, hasPath: committer !== undefined, committer };
}

function readOptionalPath(reader: TlsReader): Bytes | undefined {
  const present = reader.u8();
  if (present > 1) reader.fail();
  if (present !== 1) return undefined;
  const { identity } = readLeafNode(reader);
  reader.vector(); // path nodes
  return identity;
}

function readProposals(
  reader: TlsReader,
): Omit<PeekedCommit, "authenticatedData" | "hasPath" | "committer"> | undefined {
  const removes: number[] = [];
  const added: Bytes[] = [];
  let externalInits = 0;
  let others = 0;
  while (!reader.ended) {
    const proposal = readProposal(reader);
    if (proposal.kind === "add") added.push(proposal.identity);
    else if (proposal.kind === "remove") removes.push(proposal.leafIndex);
    else if (proposal.kind === "external_init") externalInits++;
    else others++;
  }
  if (reader.failed || externalInits > 1) return undefined;
  return { adds: added.length, added, removes, externalInit: externalInits === 1, others };
}

type PeekedProposal =
  | { readonly kind: "add"; readonly identity: Bytes }
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
      return { kind: "add", identity: readKeyPackage(reader).identity };
    case 2:
      readLeafNode(reader);
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
