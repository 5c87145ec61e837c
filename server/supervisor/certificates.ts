/** The server's TLS certificate: its own authority's, made and renewed here, or files that the operator gives. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { toHex } from "../../lib/base/bytes.ts";
import { belongTogether } from "../../lib/crypto/key_files.ts";
import {
  type CertificatePair,
  createCertificateAuthority,
  createServerCertificate,
  describeCertificate,
  renewBeforeMs,
} from "../../lib/crypto/x509.ts";
import { readOptional, writeWhole } from "./folder.ts";
import { damaged, hasDatabase } from "./keys.ts";

/** The server's TLS certificate: from its own authority, or two PEM files that the operator gives. */
export type TlsSource =
  | { readonly kind: "own" }
  | { readonly kind: "given"; readonly cert: string; readonly key: string };

/** What TLS is served with. */
export interface ServedCertificate extends CertificatePair {
  /** PEM of the server's own authority; empty where a public one certifies the server. */
  readonly authority: string;
  /** A line for the operator when something was made or will end soon. */
  readonly note: string | undefined;
}

/** What certificates are made for. */
export interface CertificateInput {
  readonly folder: string;
  readonly serverName: string;
  /** 32 bytes. */
  readonly identityKey: Uint8Array;
  /** Further names and addresses of this machine. */
  readonly hosts: readonly string[];
  readonly now: number;
}

/** The certificate to serve. Throws `ExitError` (localData) when a file is damaged; then nothing was changed. */
export async function servedCertificate(
  source: TlsSource,
  input: CertificateInput,
): Promise<ServedCertificate> {
  return source.kind === "given" ? given(source, input.now) : await own(input);
}

function given(source: TlsSource & { kind: "given" }, now: number): ServedCertificate {
  const certificate = readOptional(source.cert);
  const privateKey = readOptional(source.key);
  for (const [path, text] of [[source.cert, certificate], [source.key, privateKey]]) {
    if (text !== undefined) continue;
    const what = "the certificate chain and its key have to be there, as --cert and --key say";
    throw new ExitError("localData", `${path} does not exist: ${what}`);
  }
  const pair = checked({ certificate, privateKey }, source.cert);
  const left = describe(pair.certificate, source.cert).notAfter - now;
  const note = left < renewBeforeMs
    ? `${source.cert} ${left < 0 ? "has expired" : "expires within 30 days"}: renew it`
    : undefined;
  return { ...pair, authority: "", note };
}

async function own(input: CertificateInput): Promise<ServedCertificate> {
  const { folder } = input;
  const ca = await ownAuthority(input);
  const files = read(folder, "server");
  const found = files.certificate === undefined
    ? undefined
    : checked(files, `${folder}/server.crt`);
  if (found !== undefined && stillGood(found, { ...input, ca })) {
    return { ...found, authority: ca.certificate, note: undefined };
  }
  const identityHex = toHex(input.identityKey);
  const made = await createServerCertificate({ ...input, ca, identityHex });
  write(folder, "server", made);
  writeWhole(folder, hostsFile, hostsText(input.hosts));
  const note = found === undefined ? "made a TLS certificate" : "renewed the TLS certificate";
  return { ...made, authority: ca.certificate, note };
}

/** The authority is pinned by clients: it is made once, and never beside a database. */
async function ownAuthority(input: CertificateInput): Promise<CertificatePair> {
  const { folder } = input;
  const files = read(folder, "ca");
  if (files.certificate !== undefined) return checked(files, `${folder}/ca.crt`);
  if (hasDatabase(folder)) {
    throw damaged(`${folder}/ca.crt`, "is missing, but the database is there");
  }
  const made = await createCertificateAuthority({
    serverName: input.serverName,
    identityHex: toHex(input.identityKey),
    now: input.now,
  });
  write(folder, "ca", made);
  return made;
}

interface Files {
  readonly certificate: string | undefined;
  readonly privateKey: string | undefined;
}

function read(folder: string, name: "ca" | "server"): Files {
  return {
    certificate: readOptional(`${folder}/${name}.crt`),
    privateKey: readOptional(`${folder}/${name}.key`),
  };
}

/** The key first: a certificate without its key can then only come from damage, not from a first start cut short. */
function write(folder: string, name: "ca" | "server", pair: CertificatePair): void {
  // Between the two renames of a renewal, key and certificate would not fit: the old certificate goes first.
  removeIfThere(`${folder}/${name}.crt`);
  writeWhole(folder, `${name}.key`, pair.privateKey);
  writeWhole(folder, `${name}.crt`, pair.certificate);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function checked({ certificate, privateKey }: Files, path: string): CertificatePair {
  if (certificate === undefined || privateKey === undefined) {
    throw damaged(path, "has no private key beside it");
  }
  describe(certificate, path);
  if (!belongTogether(certificate, privateKey)) {
    throw damaged(path, "and its private key do not belong together");
  }
  return { certificate, privateKey };
}

function describe(pem: string, path: string) {
  try {
    return describeCertificate(pem);
  } catch (cause) {
    throw damaged(path, "is damaged", cause);
  }
}

function stillGood(
  pair: CertificatePair,
  input: CertificateInput & { readonly ca: CertificatePair },
): boolean {
  const { notAfter, issuer } = describeCertificate(pair.certificate);
  return notAfter - input.now > renewBeforeMs &&
    issuer === describeCertificate(input.ca.certificate).subject &&
    readOptional(`${input.folder}/${hostsFile}`) === hostsText(input.hosts);
}

/** What the certificate was made for; reading that out of the certificate would need the library that makes them. */
const hostsFile = "server.hosts";

function hostsText(hosts: readonly string[]): string {
  return [...hosts].sort().map((host) => `${host}\n`).join("");
}
