import assert from "node:assert/strict";
import fc from "fast-check";
import { judgePassword } from "../../lib/crypto/password_strength.ts";

const weak = [
  ["short", /at least 8/],
  ["Ab1!xyz", /at least 8/],
  ["😀😀😀😀😀😀😀", /at least 8/],
  ["e\u0301".repeat(7), /at least 8/],
  ["x".repeat(1025), /at most 1024/],
  ["sam-kX9#vQ2!", /account's name/],
  ["kX9#SAMvQ2!", /account's name/],
  ["password", /everybody tries/],
  ["Password1!", /everybody tries/],
  ["P@ssw0rd123", /everybody tries/],
  ["letmein2024", /everybody tries/],
  ["Summer2026!", /everybody tries/],
  ["trustno1", /everybody tries/],
  ["12345678", /too easy/],
  ["31121999", /too easy/],
  ["aaaaaaaaaaaa", /too easy/],
  ["abcabcabcabc", /too easy/],
  ["hunter2hunter2", /too easy/],
  ["qwertyuiop", /too easy/],
  ["poiuytrewq", /too easy/],
  ["qwerty123456", /too easy/],
  ["1qaz2wsx3edc", /too easy/],
  ["1q2w3e4r5t", /too easy/],
  ["a1b2c3d4", /too easy/],
  ["!@#$%^&*()", /too easy/],
  ["elephant", /too easy/],
  ["elephant12!", /too easy/],
  ["x".repeat(1000), /too easy/],
] as const;

const strong = [
  "correct horse battery staple",
  "purple monkey dishwasher",
  "my dog eats red socks",
  "zebra-lamp-cloud",
  "blauer himmel über wien",
  "nine wooden boats at night",
  "kT7#mQ2z",
  "Kq8-vR2p",
  "Xj4 9wLp2",
  "密码安全问题研究",
  "длинный пароль без цифр",
];

Deno.test("weak passwords are refused with a reason for people", () => {
  for (const [password, reason] of weak) {
    const verdict = judgePassword(password, { name: "Sam" });
    assert.equal(verdict.kind, "weak", password);
    if (verdict.kind === "weak") assert.match(verdict.reason, reason, password);
  }
});

Deno.test("mixed passwords pass, and long ones without digits or signs", () => {
  for (const password of strong) {
    assert.deepEqual(judgePassword(password, { name: "Sam" }), { kind: "ok" }, password);
  }
});

Deno.test("sixteen random printable characters always pass", () => {
  const printable = fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(fc.uniqueArray(printable, { minLength: 16, maxLength: 16 }), (chars) => {
      assert.equal(judgePassword(chars.join(""), { name: "~none~" }).kind, "ok");
    }),
    { numRuns: 50 },
  );
});

Deno.test("any text is judged without failing, however long", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      assert.match(judgePassword(text, { name: "sam" }).kind, /^(ok|weak)$/);
    }),
    { numRuns: 50 },
  );
  assert.equal(judgePassword("ab ".repeat(100_000), { name: "sam" }).kind, "weak");
});
