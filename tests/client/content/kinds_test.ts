import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8, utf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { randomId, uuidBytes } from "../../../lib/base/ids.ts";
import { generateSigningKey, VerifyingKey } from "../../../lib/crypto/sign.ts";
import {
  decodeContent,
  encodeContent,
  signContent,
  verifyContent,
} from "../../../client/engine/content/codec.ts";
import { quoteOf } from "../../../client/engine/content/bounds.ts";
import { contentKinds, type Draft } from "../../../client/engine/content/kinds.ts";

const id = "01234567-89ab-7def-8123-456789abcdef";

Deno.test("a text comes back as it was, whatever is in it", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.nat(), (text, sentAt) => {
    assert.deepEqual(decodeContent(encodeContent({ id, kind: "text", body: { text }, sentAt })), {
      kind: "text",
      id,
      body: { text },
      sentAt,
    });
  }));
});

Deno.test("the encoding is the one that is written down", () => {
  assert.equal(
    fromUtf8(encodeContent({ id, kind: "text", body: { text: "héllo\n" }, sentAt: 7 })),
    `{"v":1,"id":"${id}","kind":"text","text":"héllo\\n","sentAt":7}`,
  );
});

Deno.test("fields and kinds of a newer program do not harm", () => {
  const more = utf8(JSON.stringify({ v: 1, id, kind: "text", text: "a", sentAt: 1, mood: "x" }));
  assert.equal(decodeContent(more).kind, "text");
  const newer = utf8(JSON.stringify({ v: 1, id, kind: "poll", sentAt: 7, fallback: "a poll" }));
  assert.deepEqual(decodeContent(newer), {
    kind: "unknown",
    id,
    name: "poll",
    silent: false,
    fallback: "a poll",
    sentAt: 7,
  });
  const silent = decodeContent(utf8(JSON.stringify({ v: 2, id, kind: "mood", silent: true })));
  assert.deepEqual(silent, { kind: "unknown", id, name: "mood", silent: true });
  const long = { v: 1, id, kind: "x".repeat(99), fallback: "ä".repeat(600), sentAt: -1 };
  assert.deepEqual(decodeContent(utf8(JSON.stringify(long))), {
    kind: "unknown",
    id,
    name: "x".repeat(32),
    silent: false,
  });
});

Deno.test("a reaction is one harmless character, to one message", () => {
  const to = randomId();
  const encode = (emoji: string, remove = false) =>
    encodeContent({ id, kind: "reaction", body: { to, emoji, remove }, sentAt: 7 });
  assert.equal(
    fromUtf8(encode("👍🏽")),
    `{"v":1,"id":"${id}","kind":"reaction","to":"${to}","emoji":"👍🏽","sentAt":7,"silent":true}`,
  );
  for (const remove of [true, false]) {
    const again = decodeContent(encode("👨‍👩‍👧‍👦", remove));
    assert.deepEqual(again.kind === "reaction" && again.body, { to, emoji: "👨‍👩‍👧‍👦", remove });
  }
  for (const bad of ["", " ", "ab", "\u001b[2J", "\n", "e" + "\u0301".repeat(40), "\u202e"]) {
    assert.throws(() => encode(bad), (error: AppError) => error.code === "malformed", bad);
    const fields = { v: 1, id, kind: "reaction", to, emoji: bad, sentAt: 7 };
    assert.throws(() => decodeContent(utf8(JSON.stringify(fields))), bad);
  }
});

Deno.test("what is no content is refused, never anything worse", () => {
  const bad = [
    "",
    "null",
    "[]",
    "{",
    "7",
    JSON.stringify({ v: 1, kind: "text", text: "a", sentAt: 1 }),
    JSON.stringify({ v: 1, id: "x", kind: "text", text: "a", sentAt: 1 }),
    JSON.stringify({ v: 1, id, kind: "text", text: 7, sentAt: 1 }),
    JSON.stringify({ v: 1, id, kind: "text", text: "a", sentAt: -1 }),
    JSON.stringify({ v: 1, id, kind: "text", text: "a".repeat(64 * 1024 + 1), sentAt: 1 }),
  ];
  const malformed = (error: unknown) => error instanceof AppError && error.code === "malformed";
  for (const text of bad) assert.throws(() => decodeContent(utf8(text)), malformed, text);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.throws(() => decodeContent(bytes), malformed);
  }));
});

Deno.test("a text that is too long is not encoded", () => {
  const text = "ä".repeat(32 * 1024 + 1);
  assert.throws(
    () => encodeContent({ id, kind: "text", body: { text }, sentAt: 1 }),
    (error: AppError) => error.code === "too_large",
  );
});

Deno.test("changes are encoded as they are written down", () => {
  const to = "89abcdef-89ab-7def-8123-456789abcdef";
  const encoded = (draft: Draft, expireAfter?: number) => {
    const stays = expireAfter === undefined ? {} : { expireAfter };
    return fromUtf8(encodeContent({ id, sentAt: 7, ...draft, ...stays }));
  };
  const head = `{"v":1,"id":"${id}","kind":`;
  assert.equal(
    encoded({ kind: "edit", body: { to, text: "b" } }),
    `${head}"edit","to":"${to}","text":"b","sentAt":7,"fallback":"(edited) b"}`,
  );
  assert.equal(
    encoded({ kind: "delete", body: { to } }),
    `${head}"delete","to":"${to}","sentAt":7,"silent":true}`,
  );
  assert.equal(
    encoded({ kind: "expiry", body: { after: 60_000 } }),
    `${head}"expiry","after":60000,"sentAt":7,"silent":true}`,
  );
  const reply = { id: to, from: "sam", quote: "a" };
  assert.equal(
    encoded({ kind: "text", body: { text: "b", reply } }, 60_000),
    `${head}"text","text":"b","reply":{"id":"${to}","from":"sam","quote":"a"},"sentAt":7,"expireAfter":60000}`,
  );
});

Deno.test("a fallback is cut between characters, and never too long", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), (text) => {
    const content = encodeContent({ id, kind: "edit", body: { to: id, text }, sentAt: 1 });
    const { fallback } = JSON.parse(fromUtf8(content));
    assert.ok(utf8(fallback).length <= 1024 && fallback.isWellFormed());
    assert.ok(quoteOf(text).length <= 120 && utf8(quoteOf(text)).length <= 480);
  }));
});

Deno.test("whatever stands in the fields of whatever kind is refused, or fits and stays the same", () => {
  const ids = [id, randomId()];
  const some = fc.oneof(
    fc.constantFrom<unknown>(...ids, 0, 60_000, -1, 1e15, true, false, null, "👍", ""),
    fc.string({ maxLength: 40 }),
    fc.record({ id: fc.constantFrom(...ids), from: fc.string(), quote: fc.string() }),
    fc.array(fc.constantFrom(...ids)),
  );
  const names = ["to", "text", "emoji", "remove", "after", "reply", "file", "name", "roles", "at"];
  const fields = fc.dictionary(fc.constantFrom(...names, "expireAfter", "fallback"), some);
  const kind = fc.constantFrom(...Object.keys(contentKinds));
  let read = 0;
  fc.assert(
    fc.property(kind, fields, (kind, fields) => {
      const bytes = utf8(JSON.stringify({ v: 1, id, kind, sentAt: 7, ...fields }));
      let content;
      try {
        content = decodeContent(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof AppError && thrown.code === "malformed");
        return;
      }
      assert.ok(content.kind !== "unknown");
      read += 1;
      assert.deepEqual(decodeContent(encodeContent(content)), content);
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 20, `${read} were read`);
});

Deno.test("a signature holds for its device, conversation and bytes alone", () => {
  const device = generateSigningKey();
  const conversation = randomId();
  const content = encodeContent({ id, kind: "text", body: { text: "pay 10" }, sentAt: 1 });
  const signature = signContent(device, { conversation, content });
  assert.ok(verifyContent(device.publicKey, { conversation, content, signature }));
  const key = new VerifyingKey(device.publicKey);
  assert.ok(key.verify("content", signature, uuidBytes(conversation), content));
  const other = encodeContent({ id, kind: "text", body: { text: "pay 99" }, sentAt: 1 });
  assert.ok(!verifyContent(key, { conversation, content: other, signature }));
  assert.ok(!verifyContent(key, { conversation: randomId(), content, signature }));
  assert.ok(
    !verifyContent(generateSigningKey().publicKey, { conversation, content, signature }),
  );
});

Deno.test("a file's content is bounded, and a program that does not know it shows its line", () => {
  const bytes = "A".repeat(43);
  const body = {
    file: randomId(),
    name: "plan.pdf",
    type: "pdf",
    size: 1234,
    key: bytes,
    hash: bytes,
    ciphertextHash: bytes,
    chunk: 262_144,
  };
  const encode = (change: object) =>
    encodeContent({ id, kind: "file", body: { ...body, ...change }, sentAt: 7 });
  const decoded = decodeContent(encode({}));
  assert.deepEqual(decoded, { id, kind: "file", body, sentAt: 7 });
  assert.match(fromUtf8(encode({})), /"fallback":"\[file\] plan\.pdf \(1\.2 KiB\), which/);
  for (
    const change of [
      { file: "x" },
      { name: "x".repeat(1025) },
      { type: "x".repeat(17) },
      { size: -1 },
      { size: 1.5 },
      { key: "AAAA" },
      { hash: "!" },
      { chunk: 4095 },
      { chunk: 1_048_577 },
    ]
  ) {
    assert.throws(() => encode(change), { code: "malformed" }, JSON.stringify(change));
  }
});
