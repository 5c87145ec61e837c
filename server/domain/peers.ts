/** Rules about linked servers. Pure. */
import { toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { textLimits } from "../../lib/base/limits.ts";
import type { PeerItem, PeerPosition, PeerReceipt } from "../operations/contract.ts";

const namePattern = /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/;

/** Whether `text` can stand behind `@`: 1 to 64 of a-z, 0-9, `.` and `-`, beginning and ending with a letter or digit. */
export function isPeerName(text: string): boolean {
  return namePattern.test(text);
}

/** What a server announces that mirrors its lobby. */
export const lobbyCapability = "lobby";

/** What a peer may be called that calls itself `declared`: the first that nobody has. */
export function choosePeerName(
  { declared, fingerprint }: { readonly declared: string; readonly fingerprint: string },
  isTaken: (name: string) => boolean,
): string {
  const plain = declared.toLowerCase().replace(/[^a-z0-9.-]+/g, "-").replace(/^[.-]+|[.-]+$/g, "")
    .slice(0, 48).replace(/[.-]+$/, "");
  const base = isPeerName(plain) ? plain : "server";
  if (base === plain && !isTaken(base)) return base;
  // The same as somebody else's: told apart by as much of the fingerprint as it takes.
  for (let digits = 4; digits < 14; digits += 2) {
    const name = `${base}-${fingerprint.slice(0, digits)}`;
    if (!isTaken(name)) return name;
  }
  return fingerprint;
}

/** A peer's own name for itself, as it may be stored and shown. */
export function declaredName(text: string): string {
  return sanitizeLine(text, textLimits.serverNameChars);
}

/** What both sides know an item by: SHA-256 over its JSON text, a zero byte and its body; base64url. */
export function itemDigest({ item, body }: Pick<PeerItem, "item" | "body">): string {
  return toBase64url(sha256(utf8(`${item}\0`), body));
}

/** One's own outbox for a peer, as far as it matters when a link begins. */
export interface OwnOutbox {
  readonly stream: string;
  /** The last counter that was given out, and the last that the peer confirmed, with what that is known by ("" unknown). */
  readonly counter: number;
  readonly acked: PeerReceipt["counter"];
  readonly ackedDigest: string;
  /** What an item that still waits is known by: one digest, or several with spaces between; undefined for others. */
  digestOf(counter: number): string | undefined;
}

/**
 * Where to go on sending. `anew`: what the peer has received is not what stands here, because this side was put back to
 * an older state; then the outbox gets another id, so that nothing new is taken for something old.
 */
export function resume(
  own: OwnOutbox,
  received: PeerReceipt | null,
): { readonly kind: "anew" } | { readonly kind: "after"; readonly counter: number } {
  if (received === null || received.stream !== own.stream) {
    return { kind: "after", counter: own.acked };
  }
  if (received.counter > own.counter) return { kind: "anew" };
  // The peer was put back to an older state: what it confirmed and lost is not here any more either.
  if (received.counter < own.acked) return { kind: "after", counter: own.acked };
  const digest = received.counter === own.acked ? own.ackedDigest : own.digestOf(received.counter);
  const same = received.counter === 0 || digest === "" ||
    digest?.split(" ").includes(received.digest) === true;
  return same ? { kind: "after", counter: received.counter } : { kind: "anew" };
}

/**
 * What counts as received of a peer's outbox from now on, given what it says of it: everything before its `first` is gone
 * there and will not come.
 */
export function receivedOf(before: PeerReceipt | null, theirs: PeerPosition): PeerReceipt {
  const gone = { stream: theirs.stream, counter: theirs.first - 1, digest: "" };
  if (before === null || before.stream !== theirs.stream) return gone;
  return before.counter < gone.counter ? gone : before;
}

/** Who dialled a link. */
export type Dialled = "by_us" | "by_them";

/**
 * Which of two links of one pair stays: of two that the same side dialled the newer, since it dials only when it has none;
 * else the one that the server with the smaller identity dialled, so that both choose alike.
 */
export function newerStays(
  { older, newer }: { readonly older: Dialled; readonly newer: Dialled },
  ownIsSmaller: boolean,
): boolean {
  if (older === newer) return true;
  return (newer === "by_us") === ownIsSmaller;
}
