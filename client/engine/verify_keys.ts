/** Checking what the directory says of an account: certificates, revocations, and the entry in the log. Pure. */
import { type Bytes, equalBytes, fromBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import {
  type DeviceCertificate,
  type DeviceRevocation,
  readDeviceCertificate,
  readRevocation,
} from "../../lib/crypto/certificate.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import type { Checkpoint } from "../../lib/directory/checkpoint.ts";
import { decodeEntry } from "../../lib/directory/entry.ts";
import { leafHash } from "../../lib/directory/hash.ts";
import { verifyInclusion } from "../../lib/directory/verify.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { AccountKeys } from "./core.ts";

/** Whose keys were asked for. The name may be an address (`name@server`); `server` is whose account it is said to be. */
export type Who = { readonly name: string } | {
  readonly account: string;
  readonly server?: string;
};

/** Keys with what proves that the log has them; binary fields base64url, as a receipt carries them. */
export interface ProvenKeys extends AccountKeys {
  readonly logSize: number;
  readonly proof: {
    readonly entry: string;
    readonly index: number;
    readonly path: readonly string[];
    readonly checkpoint: string;
  };
}

/** What an answer has to fit. */
export interface KeysExpectation {
  readonly who: Who;
  /** The pinned identity, 32 bytes. */
  readonly serverKey: Bytes;
  /** Of the answer, accepted already. */
  readonly checkpoint: Checkpoint;
}

/** The verified answer, or what about it does not hold. */
export type KeysVerdict =
  | { readonly kind: "verified"; readonly keys: ProvenKeys }
  | { readonly kind: "false"; readonly reason: string };

/** Judges an answer of the directory. Never throws. */
export function verifyKeys(
  answer: Message<"directory.keys.ok">,
  expected: KeysExpectation,
): KeysVerdict {
  try {
    const keys = readAnswer(answer, expected);
    const reason = findFault(answer, { keys, expected });
    return reason === undefined ? { kind: "verified", keys } : { kind: "false", reason };
  } catch (thrown) {
    if (!(thrown instanceof AppError) && !(thrown instanceof TypeError)) throw thrown;
    return { kind: "false", reason: "it cannot be read, or a certificate does not hold" };
  }
}

function readAnswer(
  answer: Message<"directory.keys.ok">,
  { checkpoint, serverKey }: KeysExpectation,
): ProvenKeys {
  const { account, name, entry, index, path } = answer;
  return {
    account,
    name,
    accountKey: fromBase64url(answer.accountKey),
    serverKey,
    devices: answer.certificates.map((text) => readDeviceCertificate(fromBase64url(text))),
    revocations: answer.revocations.map((text) => readRevocation(fromBase64url(text))),
    logSize: checkpoint.size,
    proof: { entry, index, path, checkpoint: answer.checkpoint },
  };
}

function findFault(
  answer: Message<"directory.keys.ok">,
  { keys, expected }: { readonly keys: ProvenKeys; readonly expected: KeysExpectation },
): string | undefined {
  const { who } = expected;
  const asked = "name" in who
    ? canonicalName(keys.name) === canonicalName(who.name)
    : keys.account === who.account;
  if (!asked) return "it is about another account";
  if (!isEntryOf(keys, fromBase64url(answer.entry))) return "the log's entry says something else";
  if (!isIncluded(answer, expected.checkpoint)) return "the entry is not in the log";
  const { serverKey } = expected;
  if (!keys.devices.every((device) => isDeviceOf(keys, { device, serverKey }))) {
    return "a device is certified by another key";
  }
  const revoked = keys.revocations.every((revocation) => isRevocationOf(keys, revocation));
  return revoked ? undefined : "a device was removed by another key";
}

function isEntryOf(keys: AccountKeys, bytes: Uint8Array): boolean {
  const entry = decodeEntry(bytes);
  return entry.type === "account" && entry.name === keys.name &&
    entry.accountId === keys.account && equalBytes(entry.accountKey, keys.accountKey);
}

/** Whether the answer's entry stands at its index in the log of that checkpoint. */
export function isIncluded(
  proof: { readonly entry: string; readonly index: number; readonly path: readonly string[] },
  { size, root }: Checkpoint,
): boolean {
  return verifyInclusion({
    leaf: leafHash(fromBase64url(proof.entry)),
    index: proof.index,
    size,
    root,
    path: proof.path.map(fromBase64url),
  });
}

/** Whether the certificate makes its device one of this account on this server. */
export function isDeviceOf(
  keys: Pick<AccountKeys, "account" | "name" | "accountKey">,
  { device, serverKey }: { readonly device: DeviceCertificate; readonly serverKey: Uint8Array },
): boolean {
  return device.accountId === keys.account &&
    canonicalName(device.name) === canonicalName(keys.name) &&
    equalBytes(device.accountKey, keys.accountKey) && equalBytes(device.serverKey, serverKey);
}

/** Whether the revocation is the account's. */
export function isRevocationOf(
  keys: Pick<AccountKeys, "account" | "accountKey">,
  revocation: DeviceRevocation,
): boolean {
  return revocation.accountId === keys.account &&
    equalBytes(revocation.accountKey, keys.accountKey);
}
