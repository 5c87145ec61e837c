import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId } from "../../lib/base/ids.ts";
import {
  fingerprint,
  fingerprintBytes,
  fingerprintHex,
  matchesFingerprint,
  parseFingerprint,
} from "../../lib/crypto/fingerprint.ts";
import { canonicalName, isAccountName } from "../../lib/crypto/names.ts";
import { formatSafetyNumber, safetyNumber } from "../../lib/crypto/safety_number.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

Deno.test("a fingerprint is the labelled SHA-256 of the key and never changes", () => {
  const key = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const expected = "ff8ece60756880de4cf6e08c978ba758f15204bfbc69bb62fb28aaf6bd2daf48";
  assert.equal(fingerprintHex(key), expected);
  assert.equal(fingerprint(key).replaceAll(" ", ""), expected);
  assert.match(fingerprint(key), /^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
});

Deno.test("a fingerprint is read in every form that people copy it in", () => {
  const key = random(32);
  const hex = fingerprintHex(key);
  const forms = [
    hex,
    hex.toUpperCase(),
    fingerprint(key),
    hex.replace(/../g, "$&:").slice(0, -1),
    ` ${hex.slice(0, 32)}\n${hex.slice(32)} `,
  ];
  for (const form of forms) {
    assert.deepEqual(parseFingerprint(form), fingerprintBytes(key), form);
  }
  assert.ok(matchesFingerprint(key, parseFingerprint(hex)));
  assert.ok(!matchesFingerprint(random(32), parseFingerprint(hex)));
  assert.ok(!matchesFingerprint(key, new Uint8Array()));
});

Deno.test("half a fingerprint is no fingerprint", () => {
  const hex = fingerprintHex(random(32));
  for (const text of ["", hex.slice(1), hex + "0", "g" + hex.slice(1), hex.slice(0, 32)]) {
    assert.throws(
      () => parseFingerprint(text),
      (error) => error instanceof AppError && error.code === "malformed",
    );
  }
});

Deno.test("account names have 3 to 32 characters and begin with a letter or digit", () => {
  const names = ["sam", "Sam", "007", "a.b", "x_y-z", "S.a-m_1", "a".repeat(32)];
  for (const name of names) assert.ok(isAccountName(name), name);
  const others = ["", "ab", ".ab", "-ab", "_ab", "a b", "a@b", "säm", "a\u0000b", "sam\n", "sаm"];
  for (const name of [...others, "a".repeat(33)]) assert.ok(!isAccountName(name), name);
});

Deno.test("names that differ in case only are one name", () => {
  assert.equal(canonicalName("S.A-M"), "s.a-m");
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$/), (name) => {
      assert.ok(isAccountName(name));
      assert.equal(canonicalName(name.toUpperCase()), canonicalName(name));
      assert.ok(isAccountName(canonicalName(name)));
    }),
  );
});

Deno.test("a safety number is 60 digits, the same from both sides", () => {
  const sam = { accountId: randomId(), accountKey: random(32) };
  const erik = { accountId: randomId(), accountKey: random(32) };
  const number = safetyNumber(sam, erik);
  assert.match(number, /^[0-9]{60}$/);
  assert.equal(safetyNumber(erik, sam), number);
  assert.match(formatSafetyNumber(number), /^([0-9]{5} ){11}[0-9]{5}$/);
  assert.notEqual(safetyNumber(sam, { ...erik, accountKey: random(32) }), number);
  assert.notEqual(safetyNumber(sam, { ...erik, accountId: randomId() }), number);
});

Deno.test("a safety number never changes between versions", () => {
  const party = (byte: number) => ({
    accountId: `${toHex(new Uint8Array(4).fill(byte))}-0000-4000-8000-000000000000`,
    accountKey: new Uint8Array(32).fill(byte),
  });
  assert.equal(
    safetyNumber(party(1), party(2)),
    "432494258897769141524391290137658733618046138606962704277426",
  );
});
