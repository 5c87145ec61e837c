import assert from "node:assert/strict";
import fc from "fast-check";
import { type Key, KeyReader } from "../../../client/ui/keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Neighbouring text keys joined, because pieces of one text may arrive apart. */
function joined(keys: readonly Key[]): Key[] {
  const result: Key[] = [];
  for (const key of keys) {
    const last = result.at(-1);
    if (key.kind === "text" && last?.kind === "text") {
      result[result.length - 1] = { kind: "text", text: last.text + key.text };
    } else result.push(key);
  }
  return result;
}

Deno.test("keys are the same however their bytes are cut", () => {
  const part = fc.constantFrom(
    "a",
    "你",
    "👨‍👩‍👧",
    "\r",
    "\x1b[A",
    "\x1b[1;5C",
    "\x1b[12;80R",
    "\x1bOH",
    "\x7f",
    "\x17",
    "\x1b[200~x\ny\x1b[201~",
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
    const whole = bytes(parts.join(""));
    const atOnce = new KeyReader().push(whole);
    const reader = new KeyReader();
    const piecewise = Array.from(whole, (byte) => reader.push(new Uint8Array([byte]))).flat();
    assert.deepEqual(joined(piecewise), joined(atOnce));
  }));
});

Deno.test("random bytes never stop the reader, and never leave it waiting without bound", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
    const reader = new KeyReader();
    reader.push(noise);
    reader.push(bytes("\x1b[201~"));
    while (reader.waiting) reader.flush();
    const keys = reader.push(bytes("z"));
    assert.deepEqual(joined(keys).at(-1), { kind: "text", text: "z" });
  }));
});

Deno.test("an escape that nothing follows is the Escape key", () => {
  const reader = new KeyReader();
  assert.deepEqual(reader.push(bytes("\x1b")), []);
  assert.equal(reader.waiting, true);
  assert.deepEqual(reader.flush(), [{ kind: "named", name: "escape" }]);
});

Deno.test("pasted text is one key, with every kind of line end made a newline", () => {
  const keys = new KeyReader().push(bytes("\x1b[200~a\rb\r\nc\x1b[A\x1b[201~"));
  assert.deepEqual(keys, [{ kind: "paste", text: "a\nb\nc\x1b[A" }]);
});
