import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, u32be } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { frameLimits } from "../../lib/base/limits.ts";
import { generateSigningKey, VerifyingKey } from "../../lib/crypto/sign.ts";
import { encodeFrame, FrameReader, type RawFrame, verifyFrame } from "../../lib/wire/frame.ts";

const key = generateSigningKey();
const verifying = new VerifyingKey(key.publicKey);
const sessionId = crypto.getRandomValues(new Uint8Array(32));
const context = { sessionId, direction: 0, counter: 7 } as const;

function read(bytes: Uint8Array): RawFrame {
  const reader = new FrameReader();
  reader.push(bytes);
  const raw = reader.next();
  assert.ok(raw);
  return raw;
}

const holds = (raw: RawFrame, change: Partial<Parameters<typeof verifyFrame>[1]> = {}) =>
  verifyFrame(raw, { ...context, key: verifying, ...change });

const sample = () =>
  encodeFrame({
    ...context,
    key,
    header: '[{"type":"ping"}]',
    bodies: [new Uint8Array([1, 2]), new Uint8Array([3])],
  });

Deno.test("a frame has the layout of the protocol: lengths, header, body, signature", () => {
  const bytes = sample();
  assert.deepEqual([...bytes.subarray(0, 8)], [0, 0, 0, 17, 0, 0, 0, 3]);
  assert.equal(new TextDecoder().decode(bytes.subarray(8, 25)), '[{"type":"ping"}]');
  assert.deepEqual([...bytes.subarray(25, 28)], [1, 2, 3]);
  assert.equal(bytes.length, 28 + 64);
});

Deno.test("any frames, cut anywhere, come out whole and in order and verify", () => {
  const frame = fc.record({
    header: fc.string({ minLength: 2, maxLength: 300 }),
    bodies: fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 3 }),
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 50 });
  const property = fc.property(fc.array(frame, { maxLength: 4 }), cuts, (frames, sizes) => {
    const encoded = frames.map((one, counter) => encodeFrame({ ...context, key, ...one, counter }));
    const stream = concat(...encoded);
    const reader = new FrameReader();
    const got: RawFrame[] = [];
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      reader.push(stream.subarray(at, at + size));
      at += size;
      for (let raw = reader.next(); raw; raw = reader.next()) got.push(raw);
    }
    assert.equal(reader.pendingBytes, 0);
    assert.deepEqual(got.map((raw) => [...raw.bytes]), encoded.map((bytes) => [...bytes]));
    for (const [counter, raw] of got.entries()) {
      assert.ok(holds(raw, { counter }));
      assert.equal(new TextDecoder().decode(raw.header), frames[counter]?.header);
      assert.deepEqual(raw.body, concat(...frames[counter]?.bodies ?? []));
    }
  });
  fc.assert(property, { numRuns: 40 });
});

Deno.test("a reader fed one byte at a time yields each frame at its last byte and not before", () => {
  const bytes = sample();
  const reader = new FrameReader();
  for (const round of [1, 2, 3]) {
    for (let at = 0; at < bytes.length; at++) {
      assert.equal(reader.next(), undefined, `round ${round}, byte ${at}`);
      assert.equal(reader.pendingBytes, at);
      reader.push(bytes.subarray(at, at + 1));
    }
    const raw = reader.next();
    assert.ok(raw && holds(raw));
  }
});

Deno.test("one flipped bit anywhere in a frame is refused", () => {
  const bytes = sample();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bad = bytes.slice();
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const reader = new FrameReader();
    reader.push(bad);
    let raw: RawFrame | undefined;
    try {
      raw = reader.next();
    } catch (thrown) {
      assert.ok(thrown instanceof AppError);
      continue;
    }
    assert.ok(raw === undefined || !holds(raw), `bit ${bit}`);
  }
});

Deno.test("a frame means nothing under another session, direction, counter or key", () => {
  const raw = read(sample());
  const other = sessionId.slice();
  other[31] = (other[31] ?? 0) ^ 1;
  assert.ok(holds(raw));
  assert.ok(!holds(raw, { sessionId: other }));
  assert.ok(!holds(raw, { direction: 1 }));
  assert.ok(!holds(raw, { counter: 6 }));
  assert.ok(!holds(raw, { counter: 8 }));
  assert.ok(!holds(raw, { counter: 7 + 2 ** 32 }));
  assert.ok(!holds(raw, { key: new VerifyingKey(generateSigningKey().publicKey) }));
  assert.ok(holds(raw), "and looking at it changed nothing");
});

Deno.test("counters beyond 32 bits are signed whole", () => {
  const counter = 2 ** 40 + 5;
  const raw = read(encodeFrame({ ...context, key, counter, header: "[]", bodies: [] }));
  assert.ok(holds(raw, { counter }));
  assert.ok(!holds(raw, { counter: 5 }));
});

Deno.test("oversize lengths are refused before anything is buffered, after the frames before them", () => {
  for (
    const [header, body] of [[frameLimits.headerBytes + 1, 0], [2, frameLimits.bodyBytes + 1], [
      2 ** 32 - 1,
      2 ** 32 - 1,
    ]] as const
  ) {
    const reader = new FrameReader();
    reader.push(concat(sample(), u32be(header), u32be(body), new Uint8Array(50_000)));
    assert.ok(reader.next());
    assert.throws(() => reader.next(), { name: "AppError", code: "too_large" });
    reader.push(sample());
    assert.throws(() => reader.next(), { name: "AppError", code: "too_large" }, "and stays so");
    assert.equal(reader.pendingBytes, 8);
  }
});

Deno.test("a header too short to be JSON is malformed", () => {
  const reader = new FrameReader();
  reader.push(concat(u32be(1), u32be(0)));
  assert.throws(() => reader.next(), { name: "AppError", code: "malformed" });
});

Deno.test("the largest frame passes, and a reader with smaller limits refuses it", () => {
  const header = `["${"x".repeat(frameLimits.headerBytes - 4)}"]`;
  const bytes = encodeFrame({
    ...context,
    key,
    header,
    bodies: [new Uint8Array(frameLimits.bodyBytes)],
  });
  assert.ok(holds(read(bytes)));
  const small = new FrameReader({ headerBytes: 100, bodyBytes: 100 });
  small.push(bytes);
  assert.throws(() => small.next(), { code: "too_large" });
});

Deno.test("random bytes end in an AppError or in frames that do not verify", () => {
  const property = fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
    const reader = new FrameReader({ headerBytes: 60, bodyBytes: 60 });
    try {
      for (const chunk of chunks) {
        reader.push(chunk);
        for (let raw = reader.next(); raw; raw = reader.next()) assert.ok(!holds(raw));
      }
    } catch (thrown) {
      assert.ok(thrown instanceof AppError, String(thrown));
    }
  });
  fc.assert(property, { numRuns: 500 });
});
