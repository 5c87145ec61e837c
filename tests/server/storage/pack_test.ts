import assert from "node:assert/strict";
import fc from "fast-check";
import { pack, unpack } from "../../../server/storage/pack.ts";

const leaf = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

Deno.test("what is packed comes out the same, bytes included", () => {
  fc.assert(fc.property(value, (original) => {
    assert.deepEqual(unpack(structuredClone(pack(original))), original);
  }));
});

Deno.test("binary parts are views of one buffer that can be handed over", () => {
  const packed = pack({ a: new Uint8Array([1, 2]), list: [{ b: new Uint8Array([3]) }] });
  assert.deepEqual([...packed.bytes], [1, 2, 3]);
  assert.deepEqual(unpack(packed), {
    a: new Uint8Array([1, 2]),
    list: [{ b: new Uint8Array([3]) }],
  });
});
