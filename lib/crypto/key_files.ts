/** Keys as files: the PEM form of a signing key, and whether a certificate and a private key belong together. */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { concat, equalBytes, fromHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type SigningKey, signingKeyFromSeed } from "./sign.ts";

/** PKCS #8 of an Ed25519 key (RFC 8410 section 7) up to its 32-byte seed. */
const prefix = fromHex("302e020100300506032b657004220420");

const pattern =
  /^-----BEGIN PRIVATE KEY-----\r?\n([A-Za-z0-9+/=]{64})\r?\n-----END PRIVATE KEY-----\s*$/;

/** The key as PEM (PKCS #8, RFC 8410). Secret. */
export function signingKeyToPem(key: SigningKey): string {
  const der = Buffer.from(concat(prefix, key.seed)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
}

/** The key in `pem`. Throws `AppError("malformed")` when that is not exactly an Ed25519 key. */
export function signingKeyFromPem(pem: string): SigningKey {
  const der = new Uint8Array(Buffer.from(pattern.exec(pem)?.[1] ?? "", "base64"));
  const fits = der.length === prefix.length + 32 &&
    equalBytes(der.subarray(0, prefix.length), prefix);
  if (!fits) throw new AppError("malformed", { text: "not an Ed25519 private key in PEM" });
  return signingKeyFromSeed(der.subarray(prefix.length));
}

/** Whether the first certificate in `certificate` is for `privateKey`, both PEM; false when either cannot be read. */
export function belongTogether(certificate: string, privateKey: string): boolean {
  try {
    const format = { type: "spki", format: "der" } as const;
    const ofKey = createPublicKey(createPrivateKey(privateKey)).export(format);
    return new X509Certificate(certificate).publicKey.export(format).equals(ofKey);
  } catch {
    // Whatever cannot be read as a key does not belong to the certificate.
    return false;
  }
}
