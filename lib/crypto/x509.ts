/**
 * The server's own certificate authority and TLS certificate (RFC 5280, ECDSA P-256 with SHA-256), made with
 * @peculiar/x509. It is loaded at first use: only the first start and a renewal need it.
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { provideReflection } from "./reflection.ts";

const dayMs = 24 * 60 * 60 * 1000;
/** Certificates begin a day early, for machines whose clock is behind. */
const backdateMs = dayMs;
const authorityDays = 7300;
/** With the backdated day 397: the most that verifiers accept for a server. */
const serverDays = 396;

/** When less than this is left, the server renews its certificate at start. */
export const renewBeforeMs = 30 * dayMs;

/** A certificate and its private key (PKCS #8), both as PEM text. `privateKey` is secret. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The name under which a client verifies the TLS certificate of a server whose identity it has pinned, whatever
 * address it dialled: the identity key in hexadecimal, cut into two DNS labels of 32 (a label has at most 63).
 */
export function internalHostname(identityKey: Uint8Array): string {
  return hostnameOf(toHex(identityKey));
}

function hostnameOf(identityHex: string): string {
  if (!/^[0-9a-f]{64}$/.test(identityHex)) {
    throw new TypeError("an identity key has 64 lower-case hexadecimal digits");
  }
  return `${identityHex.slice(0, 32)}.${identityHex.slice(32)}.sealpost.internal`;
}

/** What an authority is made for. */
export interface AuthorityInput {
  /** Shown to people who look at the certificate; 1 to 64 characters. */
  readonly serverName: string;
  /** The server's identity key: 64 lower-case hexadecimal digits. */
  readonly identityHex: string;
  /** Milliseconds since 1970; the machine's clock by default. */
  readonly now?: number;
}

/** A new authority, good for 20 years, which may sign server certificates but no further authorities. */
export async function createCertificateAuthority(input: AuthorityInput): Promise<CertificatePair> {
  const x509 = await load();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: new x509.Name([
      { CN: [{ utf8String: "Sealpost authority" }] },
      { O: [{ utf8String: input.serverName }] },
      { OU: [{ utf8String: input.identityHex }] },
    ]),
    ...validity(input.now, authorityDays),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys) };
}

/** What a server certificate is made for. */
export interface ServerCertificateInput {
  readonly ca: CertificatePair;
  /** The server's identity key: 64 lower-case hexadecimal digits. */
  readonly identityHex: string;
  /** Further DNS names and IP addresses under which the server is reached. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970; the machine's clock by default. */
  readonly now?: number;
}

/**
 * A server certificate signed by `ca`, good for 397 days, for the internal hostname, localhost, both loopback addresses
 * and `hosts`. Throws `AppError("malformed")` when one of those is neither a DNS name nor an address.
 */
export async function createServerCertificate(
  input: ServerCertificateInput,
): Promise<CertificatePair> {
  const x509 = await load();
  const keys = await generateKeys();
  const authority = new x509.X509Certificate(input.ca.certificate);
  const hostname = hostnameOf(input.identityHex);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: new x509.Name([
      { CN: [{ utf8String: "Sealpost server" }] },
      { OU: [{ utf8String: input.identityHex }] },
    ]),
    issuer: authority.subjectName,
    ...validity(input.now, serverDays),
    publicKey: keys.publicKey,
    signingKey: await importKey(input.ca.privateKey),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternativeNames(hostname, input.hosts)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys) };
}

/** When the first certificate in `pem` ends, in milliseconds since 1970. Throws when it is not one. */
export function certificateExpiry(pem: string): number {
  return describeCertificate(pem).notAfter;
}

/** What people want to know of a certificate. Times in milliseconds since 1970. */
export interface CertificateDescription {
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the whole certificate: upper-case hexadecimal pairs between colons. */
  readonly sha256: string;
}

/** Reads the first certificate in `pem`. Throws when it is not one. */
export function describeCertificate(pem: string): CertificateDescription {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject ?? "",
    issuer: certificate.issuer ?? "",
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    sha256: certificate.fingerprint256,
  };
}

/** The DNS names and addresses that the first certificate in `pem` is for, in its order. Throws when it is not one. */
export async function certificateHosts(pem: string): Promise<string[]> {
  const x509 = await load();
  const certificate = new x509.X509Certificate(pem);
  const extension = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  return extension?.names.items.map(({ value }) => value) ?? [];
}

type Library = typeof import("@peculiar/x509");

async function load(): Promise<Library> {
  provideReflection();
  return await import("@peculiar/x509");
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

async function exportKey(keys: CryptoKeyPair): Promise<string> {
  const x509 = await load();
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return x509.PemConverter.encode(der, "PRIVATE KEY");
}

async function importKey(pem: string): Promise<CryptoKey> {
  const x509 = await load();
  const der = x509.PemConverter.decodeFirst(pem);
  return await crypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, ["sign"]);
}

function validity(now = Date.now(), days: number) {
  const start = now - backdateMs;
  return { notBefore: new Date(start), notAfter: new Date(now + days * dayMs) };
}

function alternativeNames(hostname: string, hosts: readonly string[]) {
  const all = new Set([hostname, "localhost", "127.0.0.1", "::1", ...hosts.map(withoutZone)]);
  return [...all].map(alternativeName);
}

/** `fe80::1%eth0` as `fe80::1`: the zone means something on one machine only. */
function withoutZone(host: string): string {
  return host.replace(/%.*$/, "");
}

const hostPattern =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

function alternativeName(value: string) {
  if (isIP(value) !== 0) return { type: "ip" as const, value };
  if (hostPattern.test(value)) return { type: "dns" as const, value };
  throw new AppError("malformed", { text: `"${value}" is neither a host name nor an address` });
}
