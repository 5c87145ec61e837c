/** Tokens of invitations: whoever shows one may make an account. The server keeps their hashes alone. */
import { toBase64url, utf8 } from "../base/bytes.ts";
import { sha256 } from "./hash.ts";

/** A new token: base64url of 16 random bytes, 22 characters. */
export function newInviteToken(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

/** What is kept of a token: base64url of the SHA-256 of its characters. */
export function inviteHash(token: string): string {
  return toBase64url(sha256(utf8(token)));
}
