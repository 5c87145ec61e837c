import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8 } from "../../lib/base/bytes.ts";
import { Outgoing } from "../../lib/wire/outgoing.ts";

const bounds = { headerBytes: 300, bodyBytes: 50, messages: 4 };

Deno.test("everything queued comes out once, in order, in frames within the bounds", () => {
  const message = fc.record({
    text: fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: "grapheme", maxLength: 30 })),
    bodies: fc.array(fc.uint8Array({ maxLength: 16 }), { maxLength: 3 }),
  });
  const property = fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
    const outgoing = new Outgoing(bounds);
    const wanted: string[] = [];
    const wantedBodies: number[] = [];
    for (const { text, bodies } of messages) {
      const json = JSON.stringify({ text });
      if (new TextEncoder().encode(json).length > bounds.headerBytes - 2) continue;
      outgoing.push(json, bodies);
      wanted.push(json);
      wantedBodies.push(...bodies.flatMap((part) => [...part]));
    }
    const got: string[] = [];
    const gotBodies: number[] = [];
    for (let frame = outgoing.take(); frame; frame = outgoing.take()) {
      const list: unknown = JSON.parse(fromUtf8(frame.header));
      assert.ok(Array.isArray(list) && list.length >= 1 && list.length <= bounds.messages);
      assert.ok(frame.header.length <= bounds.headerBytes);
      assert.ok(frame.bodies.reduce((sum, part) => sum + part.length, 0) <= bounds.bodyBytes);
      got.push(...list.map((one) => JSON.stringify(one)));
      gotBodies.push(...frame.bodies.flatMap((part) => [...part]));
    }
    assert.deepEqual(got, wanted);
    assert.deepEqual(gotBodies, wantedBodies);
    assert.equal(outgoing.queuedBytes, 0);
    assert.ok(outgoing.empty);
  });
  fc.assert(property, { numRuns: 200 });
});

Deno.test("what waits is counted, and what fits no frame is refused at once", () => {
  const outgoing = new Outgoing(bounds);
  outgoing.push('{"a":1}', new Uint8Array(10));
  assert.equal(outgoing.queuedBytes, 17);
  const tooLarge = { code: "too_large", fault: "us" };
  assert.throws(() => outgoing.push(`"${"x".repeat(300)}"`), tooLarge);
  assert.throws(() => outgoing.push(`"${"ü".repeat(150)}"`), tooLarge);
  assert.throws(() => outgoing.push("{}", new Uint8Array(51)), tooLarge);
  assert.equal(outgoing.queuedBytes, 17);
  outgoing.clear();
  assert.ok(outgoing.empty && outgoing.take() === undefined);
});

Deno.test("the peer's smaller bounds hold from then on", () => {
  const outgoing = new Outgoing(bounds);
  outgoing.narrow({ headerBytes: 100, bodyBytes: 1000, messages: 0 });
  outgoing.push("{}");
  outgoing.push("{}");
  assert.equal(fromUtf8(outgoing.take()?.header ?? new Uint8Array()), "[{}]");
  assert.throws(() => outgoing.push(`"${"x".repeat(200)}"`), { code: "too_large" });
});
