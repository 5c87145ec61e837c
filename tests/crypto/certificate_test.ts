import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, u64be, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId, uuidBytes } from "../../lib/base/ids.ts";
import {
  issueDeviceCertificate,
  issueRevocation,
  readDeviceCertificate,
  readRevocation,
} from "../../lib/crypto/certificate.ts";
import { generateSigningKey, verify } from "../../lib/crypto/sign.ts";

function sample() {
  const accountKey = generateSigningKey();
  const input = {
    name: "Sam.the-1st",
    accountId: randomId(),
    serverKey: generateSigningKey().publicKey,
    accountKey,
    deviceKey: generateSigningKey().publicKey,
    createdAt: 1_795_000_000_123,
  };
  return { accountKey, input, certificate: issueDeviceCertificate(input) };
}

const isInvalid = (error: unknown) =>
  error instanceof AppError && error.code === "invalid_certificate";

Deno.test("a device certificate reads back as issued", () => {
  const { input, accountKey, certificate } = sample();
  const read = readDeviceCertificate(certificate.bytes);
  assert.deepEqual(read, certificate);
  assert.deepEqual(read, {
    ...input,
    accountKey: accountKey.publicKey,
    bytes: certificate.bytes,
  });
});

Deno.test("a device certificate has exactly the documented bytes", () => {
  const { input, accountKey, certificate } = sample();
  const unsigned = concat(
    Uint8Array.of(1, 11),
    utf8("Sam.the-1st"),
    uuidBytes(input.accountId),
    input.serverKey,
    accountKey.publicKey,
    input.deviceKey,
    u64be(input.createdAt),
  );
  assert.deepEqual(certificate.bytes.slice(0, -64), unsigned);
  const signature = certificate.bytes.slice(-64);
  assert.ok(verify(accountKey.publicKey, "device certificate", signature, unsigned));
});

Deno.test("a certificate with any changed byte is refused", () => {
  const { bytes } = sample().certificate;
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ change;
      assert.throws(() => readDeviceCertificate(changed), isInvalid, `byte ${at}`);
    }
  }
});

Deno.test("a certificate that is cut short or goes on is refused", () => {
  const { bytes } = sample().certificate;
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => readDeviceCertificate(bytes.subarray(0, length)), isInvalid);
  }
  assert.throws(() => readDeviceCertificate(concat(bytes, Uint8Array.of(0))), isInvalid);
});

Deno.test("any bytes at all give a certificate or an invalid_certificate, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      assert.throws(() => readDeviceCertificate(bytes), isInvalid);
      assert.throws(() => readRevocation(bytes), isInvalid);
    }),
  );
});

Deno.test("a certificate signed by another key than the one inside is refused", () => {
  const { certificate } = sample();
  const mallory = generateSigningKey();
  const unsigned = certificate.bytes.slice(0, -64);
  const forged = concat(unsigned, mallory.sign("device certificate", unsigned));
  assert.throws(() => readDeviceCertificate(forged), isInvalid);
});

Deno.test("impossible names, ids, keys and times are not certified", () => {
  const { input } = sample();
  const changes = [
    { name: "" },
    { name: "ab" },
    { name: "s\u001b[31mam" },
    { name: "x".repeat(300) },
    { accountId: "no uuid" },
    { accountId: input.accountId.toUpperCase() },
    { serverKey: new Uint8Array(31) },
    { serverKey: new Uint8Array(32) },
    { deviceKey: new Uint8Array(32) },
    { createdAt: -1 },
    { createdAt: 1.5 },
    { createdAt: 2 ** 53 },
  ];
  for (const change of changes) {
    assert.throws(
      () => issueDeviceCertificate({ ...input, ...change }),
      isInvalid,
      JSON.stringify(change),
    );
  }
});

Deno.test("a revocation reads back as issued, and with any changed byte is refused", () => {
  const { input, accountKey } = sample();
  const { accountId, deviceKey } = input;
  const revocation = issueRevocation({ accountKey, accountId, deviceKey, revokedAt: 77 });
  assert.deepEqual(readRevocation(revocation.bytes), {
    accountId,
    accountKey: accountKey.publicKey,
    deviceKey,
    revokedAt: 77,
    bytes: revocation.bytes,
  });
  for (let at = 0; at < revocation.bytes.length; at++) {
    const changed = revocation.bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    assert.throws(() => readRevocation(changed), isInvalid, `byte ${at}`);
  }
  assert.throws(() => readRevocation(concat(revocation.bytes, Uint8Array.of(0))), isInvalid);
});

Deno.test("a certificate is no revocation and the other way round", () => {
  const { input, accountKey, certificate } = sample();
  const revocation = issueRevocation({ ...input, accountKey, revokedAt: 1 });
  assert.throws(() => readRevocation(certificate.bytes), isInvalid);
  assert.throws(() => readDeviceCertificate(revocation.bytes), isInvalid);
});

Deno.test("a time that is no date is refused, since nobody could show it", () => {
  const { accountKey, input } = sample();
  const { accountId, deviceKey } = input;
  assert.equal(
    new Date(issueDeviceCertificate({ ...input, createdAt: 8.64e15 }).createdAt).getTime(),
    8.64e15,
  );
  for (const time of [8.64e15 + 1, Number.MAX_SAFE_INTEGER]) {
    assert.throws(() => issueDeviceCertificate({ ...input, createdAt: time }), isInvalid);
    const revocation = { accountKey, accountId, deviceKey, revokedAt: time };
    assert.throws(() => issueRevocation(revocation), isInvalid);
  }
});
