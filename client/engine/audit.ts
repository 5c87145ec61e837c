/**
 * The audit of the directory: this device reads every new entry of the log, so that an entry about its own account that
 * it does not know cannot hide, and that no revocation can be withheld.
 */
import { equalBytes, fromBase64url, fromUtf8, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import {
  type DeviceCertificate,
  type DeviceRevocation,
  readDeviceCertificate,
  readRevocation,
} from "../../lib/crypto/certificate.ts";
import { fingerprint } from "../../lib/crypto/fingerprint.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { decodeEntry, type DirectoryEntry } from "../../lib/directory/entry.ts";
import { Frontier } from "../../lib/directory/frontier.ts";
import { leafHash } from "../../lib/directory/hash.ts";
import type { Profile } from "../store/profile.ts";
import type { WarningFacts } from "./api.ts";
import type { Requester } from "./connection.ts";
import type { Directory } from "./directory.ts";
import { isDeviceOf } from "./verify_keys.ts";

/** Entries asked for at once. */
const batch = 64;

/** What the audit needs. */
export interface AuditOptions {
  readonly profile: Pick<Profile, "meta" | "database" | "identity">;
  readonly directory: Directory;
  readonly server: Pick<Requester, "request">;
  warn(text: string, facts?: WarningFacts): void;
}

/** How far the audit has got. */
export interface AuditState {
  readonly frontier: Frontier;
  /** The own account's entry was seen. */
  readonly own: boolean;
  /** Own devices seen so far, base64url. */
  readonly devices: readonly string[];
  /** The log was read to its end once: from then on a new device of one's own is news. */
  readonly complete: boolean;
}

/** What one entry means to this account. */
export type Finding =
  | { readonly kind: "nothing" }
  | { readonly kind: "own_account" }
  | { readonly kind: "own_device"; readonly certificate: DeviceCertificate }
  | { readonly kind: "revocation"; readonly revocation: DeviceRevocation; readonly own: boolean }
  /** The server's operator has deleted this account. */
  | { readonly kind: "removed"; readonly at: number }
  /** Somebody wrote something into the log that only this account may say. */
  | { readonly kind: "false"; readonly text: string };

/** Judges one entry for the account of `own`. Pure; never throws. */
export function judgeEntry(bytes: Uint8Array, own: DeviceCertificate): Finding {
  try {
    return judge(decodeEntry(bytes), own);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    // Not readable for this program, so nobody's keys can be taken from it either.
    return { kind: "nothing" };
  }
}

function judge(entry: DirectoryEntry, own: DeviceCertificate): Finding {
  switch (entry.type) {
    case "account": {
      const sameName = canonicalName(entry.name) === canonicalName(own.name);
      if (!sameName && entry.accountId !== own.accountId) return { kind: "nothing" };
      const known = sameName && entry.accountId === own.accountId &&
        equalBytes(entry.accountKey, own.accountKey);
      if (known) return { kind: "own_account" };
      return { kind: "false", text: `the log has another key for your own name ${own.name}` };
    }
    case "device":
      if (entry.accountId !== own.accountId) return { kind: "nothing" };
      return judgeDevice(entry.certificate, own);
    case "revocation":
      return judgeRevocation(entry, own);
    case "removal":
      return entry.accountId === own.accountId
        ? { kind: "removed", at: entry.at }
        : { kind: "nothing" };
  }
}

function judgeDevice(bytes: Uint8Array, own: DeviceCertificate): Finding {
  const account = { account: own.accountId, name: own.name, accountKey: own.accountKey };
  try {
    const certificate = readDeviceCertificate(bytes);
    if (isDeviceOf(account, { device: certificate, serverKey: own.serverKey })) {
      return { kind: "own_device", certificate };
    }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
  }
  return { kind: "false", text: "the log has a device of your account that you did not certify" };
}

function judgeRevocation(
  entry: DirectoryEntry & { readonly type: "revocation" },
  own: DeviceCertificate,
): Finding {
  const isOwn = entry.accountId === own.accountId;
  try {
    const revocation = readRevocation(entry.revocation);
    const fits = revocation.accountId === entry.accountId &&
      (!isOwn || equalBytes(revocation.accountKey, own.accountKey));
    if (fits) return { kind: "revocation", revocation, own: isOwn };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
  }
  if (!isOwn) return { kind: "nothing" };
  return { kind: "false", text: "the log removes a device of your account and you did not" };
}

/**
 * Reads everything new in the log. What a person must know goes to `warn`; rejects with `TrustError` when the entries
 * are not those of the checkpoint.
 */
export async function audit(options: AuditOptions, signal: AbortSignal): Promise<void> {
  const { directory, profile } = options;
  const head = await directory.log.fetch(signal);
  const before = readState(profile);
  if (head.size < before.frontier.size) return;
  const { frontier, findings } = await readEntries(options, { before, size: head.size, signal });
  if (!equalBytes(frontier.root(), head.root)) {
    throw directory.log.alarm("its entries are not those that it has signed for");
  }
  const after = take(options, { before, frontier, findings });
  profile.database.transaction(() => {
    // Another process may have come further meanwhile.
    if (readState(profile).frontier.size > frontier.size) return;
    for (const finding of findings) {
      if (finding.kind === "revocation") directory.noteRevocation(finding.revocation);
    }
    profile.meta.set("audit", encodeState(after));
  });
}

async function readEntries(
  { server, directory, profile }: AuditOptions,
  { before, size, signal }: {
    readonly before: AuditState;
    readonly size: number;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly frontier: Frontier; readonly findings: readonly Finding[] }> {
  const frontier = before.frontier.copy();
  const findings: Finding[] = [];
  while (frontier.size < size) {
    const limit = Math.min(batch, size - frontier.size);
    const { message } = await server.request(
      { type: "directory.entries", from: frontier.size, limit },
      undefined,
      { signal },
    );
    const entries = message.entries.slice(0, limit).map(fromBase64url);
    if (entries.length === 0) throw directory.log.alarm("it withholds entries of its log");
    for (const entry of entries) {
      frontier.append(leafHash(entry));
      const finding = judgeEntry(entry, profile.identity.certificate);
      if (finding.kind !== "nothing") findings.push(finding);
    }
  }
  return { frontier, findings };
}

/** What the findings change, with everything told that has to be told. */
function take(
  options: AuditOptions,
  { before, frontier, findings }: {
    readonly before: AuditState;
    readonly frontier: Frontier;
    readonly findings: readonly Finding[];
  },
): AuditState {
  const { directory } = options;
  const devices = new Set(before.devices);
  let own = before.own;
  for (const finding of findings) {
    if (finding.kind === "own_account") own = true;
    if (finding.kind === "removed") {
      const at = new Date(finding.at).toISOString();
      options.warn(`The log says that your account was deleted on this server (${at}).`);
    }
    if (finding.kind === "false") directory.log.alarm(finding.text);
    if (finding.kind === "own_device") {
      noteDevice(options, { certificate: finding.certificate, devices, news: before.complete });
    }
    const removal = finding.kind === "revocation" && finding.own && before.complete;
    if (removal && !directory.knowsRevocation(finding.revocation)) {
      const device = shortly(finding.revocation.deviceKey);
      options.warn(`A device was removed from your account: ${device}.`, {
        code: "device_removed",
        name: options.profile.identity.certificate.name,
      });
    }
  }
  if (!own) directory.log.alarm("the log has no entry of your own account");
  return { frontier, own, devices: [...devices], complete: true };
}

function noteDevice(
  { profile, warn }: AuditOptions,
  { certificate, devices, news }: {
    readonly certificate: DeviceCertificate;
    readonly devices: Set<string>;
    readonly news: boolean;
  },
): void {
  const device = toBase64url(certificate.deviceKey);
  const known = devices.has(device) ||
    equalBytes(certificate.deviceKey, profile.identity.certificate.deviceKey);
  devices.add(device);
  if (known || !news) return;
  warn(
    `A new device was added to your account: ${shortly(certificate.deviceKey)}, ` +
      `${
        new Date(certificate.createdAt).toISOString()
      }. If that was not you, change your password and remove it.`,
    { code: "device_added", name: profile.identity.certificate.name },
  );
}

/** Enough of a device's fingerprint to find it in a list. */
function shortly(key: Uint8Array): string {
  return fingerprint(key).slice(0, 19);
}

/** The log begins anew: all of it is read again. Own devices that are known stay known. */
export function forgetAudited(profile: Pick<Profile, "meta" | "database">): void {
  profile.database.transaction(() => {
    const before = readState(profile);
    profile.meta.set("audit", encodeState({ ...before, frontier: Frontier.empty(), own: false }));
  });
}

function readState({ meta }: Pick<Profile, "meta">): AuditState {
  const stored = meta.get("audit");
  if (stored === undefined) {
    return { frontier: Frontier.empty(), own: false, devices: [], complete: false };
  }
  const { frontier, own, devices, complete } = JSON.parse(fromUtf8(stored));
  return { frontier: Frontier.fromBytes(fromBase64url(frontier)), own, devices, complete };
}

function encodeState({ frontier, own, devices, complete }: AuditState) {
  return utf8(
    JSON.stringify({ frontier: toBase64url(frontier.toBytes()), own, devices, complete }),
  );
}
