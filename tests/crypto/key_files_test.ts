import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { belongTogether, signingKeyFromPem, signingKeyToPem } from "../../lib/crypto/key_files.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import { createCertificateAuthority } from "../../lib/crypto/x509.ts";

Deno.test("a signing key survives its PEM file, and every change of that file is noticed", () => {
  const key = generateSigningKey();
  const pem = signingKeyToPem(key);
  match(pem, /^-----BEGIN PRIVATE KEY-----\n/);
  deepStrictEqual(signingKeyFromPem(pem).seed, key.seed);
  for (const broken of ["", pem.slice(0, 60), pem.replace("MC4C", "MC4D"), `${pem}x`, "hello"]) {
    throws(() => signingKeyFromPem(broken), { code: "malformed" });
  }
});

Deno.test("a certificate belongs to its own key alone", async () => {
  const input = { serverName: "a", identityHex: "00".repeat(32) };
  const one = await createCertificateAuthority(input);
  const other = await createCertificateAuthority(input);
  strictEqual(belongTogether(one.certificate, one.privateKey), true);
  strictEqual(belongTogether(one.certificate, other.privateKey), false);
  strictEqual(belongTogether(one.certificate, "nonsense"), false);
  strictEqual(belongTogether("nonsense", one.privateKey), false);
});
