import assert from "node:assert/strict";
import fc from "fast-check";
import Value from "typebox/value";
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { binary, exactBinary } from "../../lib/wire/catalogue/fields.ts";
import { catalogue, type Entry, permits } from "../../lib/wire/messages.ts";
import { protocolSchema } from "../../lib/wire/schema.ts";

const entries = Object.entries(catalogue) as [string, Entry][];

Deno.test("the base64url of any bytes fits its field, and every text that fits can be decoded", () => {
  const any = binary(1000);
  const decodes = (text: string) => {
    try {
      return fromBase64url(text).length <= 1000;
    } catch {
      return false;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (bytes) => {
    const text = toBase64url(bytes);
    assert.ok(Value.Check(any, text));
    assert.ok(Value.Check(exactBinary(bytes.length), text));
    assert.ok(!Value.Check(exactBinary(bytes.length + 1), text));
  }));
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."AQgwBZ09-_="), maxLength: 9 }), (text) => {
      assert.equal(Value.Check(any, text), decodes(text), text);
    }),
    { numRuns: 500 },
  );
  for (const bytes of [32, 64]) {
    const text = toBase64url(new Uint8Array(bytes).fill(255));
    assert.ok(Value.Check(exactBinary(bytes), text));
    assert.ok(!Value.Check(exactBinary(bytes), `${text.slice(0, -1)}_`), "unused bits set");
  }
});

Deno.test("every request has its reply, and every reply its request", () => {
  const requests = entries.filter(([, entry]) => entry.role === "request").map(([type]) => type);
  const replies = entries.filter(([, entry]) => entry.role === "reply").map(([type]) => type);
  assert.deepEqual(requests.map((type) => `${type}.ok`).sort(), replies.sort());
});

Deno.test("the type in each schema is its name in the catalogue", () => {
  for (const [type, { schema }] of entries) {
    const properties: unknown = Reflect.get(schema, "properties");
    assert.ok(typeof properties === "object" && properties !== null);
    assert.equal(Reflect.get(Reflect.get(properties, "type"), "const"), type);
  }
});

Deno.test("clients may send nothing of the server's, and nothing before the hello but the hello", () => {
  for (const [type, entry] of entries) {
    if (entry.direction === "server") assert.deepEqual(entry.states, [], type);
    else assert.ok(entry.states.length > 0, type);
    if (entry.states.includes("greeting")) assert.equal(type, "hello.client");
    assert.ok(!entry.states.includes("draining"), type);
  }
  assert.ok(permits("ready", "message.send"));
  assert.ok(!permits("open", "message.send"));
  assert.ok(!permits("ready", "message.send.ok"));
});

Deno.test("the catalogue is exported as JSON Schema, every message with its facts", () => {
  const schema = JSON.parse(JSON.stringify(protocolSchema()));
  assert.deepEqual(Object.keys(schema.$defs), entries.map(([type]) => type));
  const { properties, required } = schema.$defs["message.send"];
  assert.deepEqual(required, ["type", "id", "conversation", "message", "epoch", "body"]);
  assert.equal(properties.type.const, "message.send");
  assert.deepEqual(schema.$defs["message.send"]["x-states"], ["ready"]);
});
