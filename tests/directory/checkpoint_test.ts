import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { concat, toHex, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { generateSigningKey, signBytes, verifyBytes, VerifyingKey } from "../../lib/crypto/sign.ts";
import {
  formatCheckpoint,
  noteKeyHash,
  openCheckpoint,
  signCheckpoint,
} from "../../lib/directory/checkpoint.ts";
import { leafHash } from "../../lib/directory/hash.ts";

const origin = "ann.example/directory";
const root = leafHash(utf8("entry"));
const isTampered = (error: unknown) => error instanceof AppError && error.code === "tampered";

function sample(size = 7) {
  const key = generateSigningKey();
  const signed = signCheckpoint(key, { origin, size, root });
  return { key, signed, signer: { origin, publicKey: key.publicKey } };
}

/** Any text, signed properly, so that only its form can be at fault. */
function signText(text: string) {
  const key = generateSigningKey();
  const line = concat(noteKeyHash(origin, key.publicKey), signBytes(key, utf8(text)));
  const signed = `${text}\n\u2014 ${origin} ${Buffer.from(line).toString("base64")}\n`;
  return { signed, signer: { origin, publicKey: key.publicKey } };
}

Deno.test("the key hash is the one of the signed-note format", () => {
  // Verifier keys published with the Go implementation: name, hash, and base64 of the type byte and the key.
  const published = [
    ["PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"],
    ["sum.golang.org", "033de0ae", "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"],
  ] as const;
  for (const [name, hash, encoded] of published) {
    const publicKey = new Uint8Array(Buffer.from(encoded, "base64")).slice(1);
    assert.equal(toHex(noteKeyHash(name, publicKey)), hash);
  }
});

Deno.test("the signature is the one of the signed-note format", () => {
  const text = "If you think cryptography is the answer to your problem,\n" +
    "then you don't know what your problem is.\n";
  const encoded = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng" +
    "otpRZb6KE6RyyBwJnAM=";
  const line = new Uint8Array(Buffer.from(encoded, "base64"));
  const key = Buffer.from("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "base64").subarray(1);
  assert.ok(verifyBytes(new VerifyingKey(key), line.slice(4), utf8(text)));
});

Deno.test("a checkpoint is origin, size and root on three lines, then the signature", () => {
  const { signed, key } = sample(12345);
  const text = `${origin}\n12345\n${Buffer.from(root).toString("base64")}\n`;
  assert.equal(formatCheckpoint({ origin, size: 12345, root }), text);
  const line = concat(noteKeyHash(origin, key.publicKey), signBytes(key, utf8(text)));
  assert.equal(signed, `${text}\n\u2014 ${origin} ${Buffer.from(line).toString("base64")}\n`);
});

Deno.test("a signed checkpoint opens to what was signed", () => {
  for (const size of [0, 1, 7, 2 ** 40]) {
    const { signed, signer } = sample(size);
    assert.deepEqual(openCheckpoint(signed, signer), { size, root });
  }
});

Deno.test("a checkpoint with any changed character is refused", () => {
  const { signed, signer } = sample();
  for (let at = 0; at < signed.length; at++) {
    for (const char of ["A", "0", "\n", " ", "\u0000"]) {
      if (signed[at] === char) continue;
      const changed = signed.slice(0, at) + char + signed.slice(at + 1);
      assert.throws(() => openCheckpoint(changed, signer), isTampered, `${at} ${char}`);
    }
    const cut = signed.slice(0, at) + signed.slice(at + 1);
    assert.throws(() => openCheckpoint(cut, signer), isTampered, `without ${at}`);
  }
});

Deno.test("a checkpoint of another server, or another key, is refused", () => {
  const { signed, signer } = sample();
  const other = generateSigningKey().publicKey;
  assert.throws(() => openCheckpoint(signed, { ...signer, publicKey: other }), isTampered);
  assert.throws(() => openCheckpoint(signed, { ...signer, origin: "bob.example" }), isTampered);
});

Deno.test("signatures of witnesses and extension lines are allowed", () => {
  const { signed, signer } = sample();
  const witness = `\u2014 witness.example ${Buffer.alloc(76, 7).toString("base64")}\n`;
  assert.deepEqual(openCheckpoint(signed + witness, signer), { size: 7, root });
  const text = formatCheckpoint({ origin, size: 7, root });
  const extended = signText(text + "extension one\n");
  assert.deepEqual(openCheckpoint(extended.signed, extended.signer), { size: 7, root });
});

Deno.test("every signature that claims to be the server's must hold", () => {
  const { signed, signer, key } = sample();
  const wrong = concat(noteKeyHash(origin, key.publicKey), new Uint8Array(64));
  const line = `\u2014 ${origin} ${Buffer.from(wrong).toString("base64")}\n`;
  assert.throws(() => openCheckpoint(signed + line, signer), isTampered);
});

Deno.test("texts of another form are refused even when they are signed", () => {
  const base64 = Buffer.from(root).toString("base64");
  const texts = [
    `${origin}\n`,
    `${origin}\n7\n`,
    `${origin}\n07\n${base64}\n`,
    `${origin}\n-7\n${base64}\n`,
    `${origin}\n7.0\n${base64}\n`,
    `${origin}\n9999999999999999\n${base64}\n`,
    `${origin}\n7\n${base64.slice(0, -1)}\n`,
    `${origin}\n7\nAAAA\n`,
    `other\n7\n${base64}\n`,
    `${origin}\n7\n${base64}\n\nmore\n`,
  ];
  for (const text of texts) {
    const { signed, signer } = signText(text);
    assert.throws(() => openCheckpoint(signed, signer), isTampered, JSON.stringify(text));
  }
});

Deno.test("any text at all opens as tampered", () => {
  const { signer } = sample();
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    assert.throws(() => openCheckpoint(text, signer), isTampered);
  }));
  assert.throws(() => openCheckpoint("x\n".repeat(1e6), signer), isTampered);
});

Deno.test("an origin with white space, a plus or nothing in it is not signed", () => {
  for (const wrong of ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u0000b"]) {
    assert.throws(() => formatCheckpoint({ origin: wrong, size: 1, root }), RangeError);
  }
  assert.throws(() => formatCheckpoint({ origin, size: -1, root }), RangeError);
  assert.throws(() => formatCheckpoint({ origin, size: 1, root: new Uint8Array(31) }), RangeError);
});
