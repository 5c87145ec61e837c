import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { open, seal, sealOverheadBytes } from "../../lib/crypto/seal.ts";

const isTampered = (error: unknown) => error instanceof AppError && error.code === "tampered";
const key = () => crypto.getRandomValues(new Uint8Array(32));

Deno.test("what was sealed opens with the same key and associated data, and is 28 bytes longer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array(), (plaintext, associated) => {
      const secret = key();
      const sealed = seal(secret, plaintext, associated);
      assert.equal(sealed.length, plaintext.length + sealOverheadBytes);
      assert.equal(toHex(open(secret, sealed, associated)), toHex(plaintext));
    }),
    { numRuns: 50 },
  );
});

Deno.test("sealed data of another implementation opens: test case 16 of the GCM specification", () => {
  const secret = fromHex("feffe9928665731c6d6a8f9467308308".repeat(2));
  const nonce = "cafebabefacedbaddecaf888";
  const ciphertext = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
  const tag = "76fc6ece0f4e1768cddf8853bb2d551b";
  const opened = open(
    secret,
    fromHex(nonce + ciphertext + tag),
    fromHex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  );
  assert.equal(
    toHex(opened),
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
});

Deno.test("sealed data with any flipped bit is tampered", () => {
  const secret = key();
  const sealed = seal(secret, utf8("text"), utf8("for"));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = sealed.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => open(secret, flipped, utf8("for")), isTampered, `bit ${bit}`);
  }
});

Deno.test("another key, other associated data and a cut are tampered", () => {
  const secret = key();
  const sealed = seal(secret, utf8("text"), utf8("for"));
  assert.throws(() => open(key(), sealed, utf8("for")), isTampered);
  assert.throws(() => open(secret, sealed, utf8("against")), isTampered);
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => open(secret, sealed.subarray(0, length), utf8("for")), isTampered);
  }
});

Deno.test("the same plaintext never seals to the same bytes", () => {
  const secret = key();
  const seen = Array.from({ length: 100 }, () => toHex(seal(secret, utf8("x"), utf8(""))));
  assert.equal(new Set(seen.map((hex) => hex.slice(0, 24))).size, seen.length);
});

Deno.test("a key that has not 32 bytes is a mistake in the program", () => {
  assert.throws(() => seal(new Uint8Array(16), utf8("x"), utf8("")), RangeError);
  assert.throws(() => open(new Uint8Array(31), new Uint8Array(40), utf8("")), RangeError);
});
