/** What the clear parts of MLS messages must say before anything is stored. Pure. */
import { equalBytes, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { groupIdOf, isGroupOf } from "../../lib/base/group_id.ts";
import {
  changesNothing,
  decodeMembershipChange,
  type MembershipChange,
} from "../../lib/base/membership.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { commitHash, peekCommit, type PeekedCommit, peekMls } from "../../lib/mls/peek.ts";
import type { Refused, RosterEntry } from "../operations/contract.ts";
import { refused } from "./answer.ts";

/** Whether `bytes` are an encrypted application message of `conversation` (UUID) in `epoch`. */
export function isMessageOf(
  bytes: Uint8Array,
  declared: { readonly conversation: string; readonly epoch: number },
): boolean {
  const header = peekMls(bytes);
  return header?.kind === "private" && header.contentType === "application" &&
    header.epoch === declared.epoch &&
    isGroupOf(header.groupId, declared.conversation);
}

/** A key package as its request declares it. */
export interface DeclaredKeyPackage {
  readonly ref: string;
  readonly lastResort: boolean;
  readonly bytes: Uint8Array;
}

/** Whose a key package has to be; keys in base64url. */
export interface PackageOwner {
  readonly account: string;
  readonly accountKey: string;
  readonly device: string;
  /** The identity of this server. */
  readonly server: string;
}

/**
 * Whether the package is what it is declared to be, and certified for this very device by its own account: whoever claims
 * another one would have to take the server for a liar.
 */
export function isKeyPackageOf(owner: PackageOwner, declared: DeclaredKeyPackage): boolean {
  const header = peekMls(declared.bytes);
  const fits = header?.kind === "key_package" && header.ref === declared.ref &&
    header.lastResort === declared.lastResort;
  const certificate = fits ? tryRead(header.identity) : undefined;
  return certificate !== undefined && certificate.accountId === owner.account &&
    toBase64url(certificate.accountKey) === owner.accountKey &&
    toBase64url(certificate.deviceKey) === owner.device &&
    toBase64url(certificate.serverKey) === owner.server;
}

/**
 * The certificate (base64url) of a package that a linked server gave for an account of its own; undefined when the package
 * is not what it is declared to be, or certified for another device, account or server.
 */
export function packageCertificate(
  { account, server }: Pick<PackageOwner, "account" | "server">,
  declared: DeclaredKeyPackage & { readonly device: string },
): string | undefined {
  const header = peekMls(declared.bytes);
  const certificate = header?.kind === "key_package" ? tryRead(header.identity) : undefined;
  if (header?.kind !== "key_package" || certificate === undefined) return undefined;
  const accountKey = toBase64url(certificate.accountKey);
  const { device } = declared;
  const fits = isKeyPackageOf({ account, accountKey, device, server }, declared);
  return fits ? toBase64url(header.identity) : undefined;
}

/** A commit as its request declares it. */
export interface DeclaredCommit {
  /** The device that sent it, base64url. */
  readonly device: string;
  readonly conversation: string;
  /** The epoch that the commit leads away from. */
  readonly epoch: number;
  readonly hash: string;
  readonly external: boolean;
  readonly add: readonly RosterEntry[];
  readonly remove: readonly string[];
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array;
  readonly groupInfo: Uint8Array;
  /** Of the first commit of a group that is made anew: the incarnation that begins with it. */
  readonly born?: number;
}

/** Whether a declared commit fits its bytes; if so, what it says that it changes about accounts, and whom it adds. */
export type CommitVerdict =
  | {
    readonly ok: true;
    readonly membership: MembershipChange;
    /** The certificates of the added devices, which hold. */
    readonly added: readonly Uint8Array[];
  }
  | Refused;

/**
 * Compares a commit with what is declared of it: group, epoch, sender, hash, who is added, how many are removed, and the
 * welcome and group info that go with it. Who is removed only members can tell; they check it against their tree. A
 * device that joins by itself changes nothing about accounts.
 */
export function checkCommit(declared: DeclaredCommit): CommitVerdict {
  const change = peekCommit(declared.commit);
  if (change === undefined || !isCommitOf(declared) || !isAllowed(change, declared)) {
    return refused("malformed");
  }
  if (!fitsRoster(change, declared)) return refused("roster_mismatch");
  const membership = decodeMembershipChange(change.authenticatedData);
  const fits = membership !== undefined && isGroupInfoOf(declared) &&
    fitsWelcome(change, declared) && (!declared.external || changesNothing(membership));
  return fits ? { ok: true, membership, added: change.added } : refused("malformed");
}

function isOwnGroup(groupId: Uint8Array, { conversation, born }: DeclaredCommit): boolean {
  return born === undefined
    ? isGroupOf(groupId, conversation)
    : equalBytes(groupId, groupIdOf(conversation, born));
}

function isCommitOf(declared: DeclaredCommit): boolean {
  const { commit, epoch, external, hash } = declared;
  const header = peekMls(commit);
  return header?.kind === "public" &&
    header.sender.kind === (external ? "new_member_commit" : "member") &&
    header.epoch === epoch && isOwnGroup(header.groupId, declared) &&
    commitHash(commit) === hash;
}

/** Nothing but additions, removals and fresh keys, by the device whose request it is. */
function isAllowed(change: PeekedCommit, { external, device }: DeclaredCommit): boolean {
  return change.hasPath && change.others === 0 && change.externalInit === external &&
    change.committer !== undefined && certificateIn(change.committer)?.device === device;
}

function isGroupInfoOf(declared: DeclaredCommit): boolean {
  const { groupInfo, epoch } = declared;
  const header = peekMls(groupInfo);
  return header?.kind === "group_info" && header.epoch === epoch + 1 &&
    isOwnGroup(header.groupId, declared);
}

/** An external commit adds its sender and may remove that device's old leaf, neither by an Add proposal. */
function fitsRoster(change: PeekedCommit, { external, add, remove }: DeclaredCommit): boolean {
  if (external) return change.adds === 0 && change.removes.length <= 1;
  if (change.removes.length !== remove.length || change.added.length !== add.length) return false;
  const added = change.added.map((bytes) => certificateIn(bytes));
  return add.every(({ account, device }) =>
    added.some((leaf) => leaf?.device === device && leaf.account === account)
  );
}

function fitsWelcome(change: PeekedCommit, { welcome }: DeclaredCommit): boolean {
  if (change.adds === 0) return welcome.length === 0;
  const header = peekMls(welcome);
  return header?.kind === "welcome" && header.refs.length === change.adds;
}

/** Whom the device certificate in a leaf names, when it holds. */
function certificateIn(bytes: Uint8Array): RosterEntry | undefined {
  const certificate = tryRead(bytes);
  return certificate &&
    { account: certificate.accountId, device: toBase64url(certificate.deviceKey) };
}

function tryRead(bytes: Uint8Array): DeviceCertificate | undefined {
  try {
    return readDeviceCertificate(bytes);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return undefined;
  }
}
