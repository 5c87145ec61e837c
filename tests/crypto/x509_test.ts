import assert from "node:assert/strict";
import { toHex } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import {
  certificateExpiry,
  certificateHosts,
  type CertificatePair,
  createCertificateAuthority,
  createServerCertificate,
  describeCertificate,
  internalHostname,
} from "../../lib/crypto/x509.ts";

const day = 24 * 60 * 60 * 1000;

async function sample(hosts: readonly string[] = []) {
  const identity = generateSigningKey().publicKey;
  const identityHex = toHex(identity);
  const ca = await createCertificateAuthority({ serverName: 'Ann\'s, "O=x" ü', identityHex });
  const server = await createServerCertificate({ ca, identityHex, hosts });
  return { identity, identityHex, ca, server };
}

/** Serves one connection with `pair`; the client trusts `ca` and expects `hostname`. Gives what the client read. */
async function shakeHands(
  pair: CertificatePair,
  client: { readonly ca: string; readonly hostname: string },
): Promise<string> {
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: pair.certificate,
    key: pair.privateKey,
    alpnProtocols: ["sealpost/1"],
  });
  const served = serveOne(listener);
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const options = {
    hostname: client.hostname,
    caCerts: [client.ca],
    alpnProtocols: ["sealpost/1"],
  };
  try {
    using tls = await Deno.startTls(tcp, options);
    const { alpnProtocol } = await tls.handshake();
    const buffer = new Uint8Array(16);
    const read = await tls.read(buffer) ?? 0;
    return `${alpnProtocol} ${new TextDecoder().decode(buffer.subarray(0, read))}`;
  } finally {
    await served;
  }
}

async function serveOne(listener: Deno.TlsListener): Promise<void> {
  using connection = await listener.accept();
  try {
    await connection.handshake();
    await connection.write(new TextEncoder().encode("hello"));
  } catch (error) {
    // A client that refuses the certificate breaks the handshake; that is what some tests want.
    assert.ok(error instanceof Error);
  }
}

Deno.test("TLS accepts the server under its internal hostname, localhost and given names", async () => {
  const { identity, ca, server } = await sample(["chat.example.org", "10.1.2.3"]);
  const hostnames = [
    internalHostname(identity),
    "localhost",
    "127.0.0.1",
    "chat.example.org",
    "10.1.2.3",
  ];
  for (const hostname of hostnames) {
    const answer = await shakeHands(server, { ca: ca.certificate, hostname });
    assert.equal(answer, "sealpost/1 hello", hostname);
  }
});

Deno.test("connectTls by address trusts the authority too", async () => {
  const { ca, server } = await sample();
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: server.certificate,
    key: server.privateKey,
  });
  const served = serveOne(listener);
  using tls = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: listener.addr.port,
    caCerts: [ca.certificate],
  });
  await tls.handshake();
  await served;
});

Deno.test("TLS refuses another identity's hostname, another authority, and an expired certificate", async () => {
  const { identity, identityHex, ca, server } = await sample();
  const other = await sample();
  const hostname = internalHostname(identity);
  const otherHostname = internalHostname(other.identity);
  await assert.rejects(shakeHands(server, { ca: ca.certificate, hostname: otherHostname }));
  await assert.rejects(shakeHands(server, { ca: other.ca.certificate, hostname }));
  const expired = await createServerCertificate({
    ca,
    identityHex,
    hosts: [],
    now: Date.now() - 398 * day,
  });
  await assert.rejects(shakeHands(expired, { ca: ca.certificate, hostname }));
});

Deno.test("TLS refuses a certificate signed by a server's own certificate", async () => {
  const { identity, identityHex, ca, server } = await sample();
  const leaf = await createServerCertificate({ ca: server, identityHex, hosts: [] });
  const chain = { ...leaf, certificate: leaf.certificate + "\n" + server.certificate };
  await assert.rejects(
    shakeHands(chain, { ca: ca.certificate, hostname: internalHostname(identity) }),
  );
});

Deno.test("a server certificate lasts 397 days, the authority 20 years", async () => {
  const now = Date.UTC(2026, 10, 21, 3, 4, 5);
  const identityHex = toHex(generateSigningKey().publicKey);
  const ca = await createCertificateAuthority({ serverName: "Ann", identityHex, now });
  const server = await createServerCertificate({ ca, identityHex, hosts: [], now });
  const facts = describeCertificate(server.certificate);
  assert.equal(facts.notAfter - facts.notBefore, 397 * day);
  assert.equal(facts.notBefore, now - day);
  assert.equal(certificateExpiry(server.certificate), now + 396 * day);
  assert.equal(certificateExpiry(ca.certificate), now + 7300 * day);
  assert.equal(facts.issuer, describeCertificate(ca.certificate).subject);
  assert.match(facts.issuer, /Ann/);
  assert.match(facts.sha256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
});

Deno.test("a certificate tells the hosts it is for", async () => {
  const { identity, ca, server } = await sample(["chat.example.org", "10.1.2.3", "localhost"]);
  assert.deepEqual(await certificateHosts(server.certificate), [
    internalHostname(identity),
    "localhost",
    "127.0.0.1",
    "::1",
    "chat.example.org",
    "10.1.2.3",
  ]);
  assert.deepEqual(await certificateHosts(ca.certificate), []);
});

Deno.test("what is neither a host name nor an address does not get into a certificate", async () => {
  const { ca, identityHex } = await sample(["fe80::1%eth0", "host_name"]);
  for (const host of ["", "a b", "*", "a..b", "x".repeat(64), "evil\u0000.org", "ü.org"]) {
    await assert.rejects(
      createServerCertificate({ ca, identityHex, hosts: [host] }),
      (error) => error instanceof AppError && error.code === "malformed",
      host,
    );
  }
});

Deno.test("the internal hostname holds the whole identity in labels of 32 characters", () => {
  const identity = generateSigningKey().publicKey;
  const hex = toHex(identity);
  assert.equal(
    internalHostname(identity),
    `${hex.slice(0, 32)}.${hex.slice(32)}.sealpost.internal`,
  );
  assert.throws(() => internalHostname(new Uint8Array(31)), TypeError);
});

Deno.test("what is no certificate is not described", () => {
  assert.throws(() => certificateExpiry("-----BEGIN CERTIFICATE-----\nAAAA\n"));
});
