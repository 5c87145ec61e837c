/**
 * Safety numbers: 60 digits that two people compare to know that nobody stands between them. Made like Signal's
 * (an iterated hash of key and id per person, 30 digits each, the smaller first), so the pair has one number.
 */
import { createHash } from "node:crypto";
import { concat, utf8 } from "../base/bytes.ts";
import { uuidBytes } from "../base/ids.ts";

/** One person of a pair. */
export interface SafetyNumberParty {
  /** UUID. */
  readonly accountId: string;
  /** 32 bytes. */
  readonly accountKey: Uint8Array;
}

/** Makes finding a key with a chosen number cost 5200 hashes per try. */
const iterations = 5200;

/** The 60 digits of a pair, the same whichever is given first. */
export function safetyNumber(a: SafetyNumberParty, b: SafetyNumberParty): string {
  return [digitsOf(a), digitsOf(b)].sort().join("");
}

/** The digits as people read them: 12 groups of 5 between spaces. */
export function formatSafetyNumber(digits: string): string {
  return digits.replace(/.{5}(?!$)/g, "$& ");
}

/** 30 digits: 6 groups, each 5 bytes modulo 100000. */
function digitsOf(party: SafetyNumberParty): string {
  const digest = iteratedHash(party);
  const groups = Array.from({ length: 6 }, (_, group) => {
    const value = digest.readUIntBE(group * 5, 5) % 100_000;
    return String(value).padStart(5, "0");
  });
  return groups.join("");
}

function iteratedHash({ accountId, accountKey }: SafetyNumberParty) {
  const first = concat(utf8("sealpost/1 safety number\0"), accountKey, uuidBytes(accountId));
  let digest = createHash("sha512").update(first).update(accountKey).digest();
  for (let done = 1; done < iterations; done++) {
    digest = createHash("sha512").update(digest).update(accountKey).digest();
  }
  return digest;
}
