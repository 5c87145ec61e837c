/** Lines out of bytes, however these arrive. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LineReader } from "../../../client/ui/line_reader.ts";

/** The bytes of a text in pieces of these sizes. */
function stream(text: string, sizes: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0, next = 0; at < bytes.length; next++) {
    const size = sizes[next % sizes.length] ?? 1;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return ReadableStream.from(pieces);
}

async function linesOf(reader: LineReader): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await reader.next(); line !== undefined; line = await reader.next()) {
    lines.push(line);
  }
  return lines;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
const lines = fc.array(fc.string({ unit: fc.constantFrom("a", "\u{1f600}", "é", " ") }));

Deno.test("every line comes whole, wherever the pieces are cut", async () => {
  await fc.assert(
    fc.asyncProperty(lines, sizes, async (given, pieces) => {
      const text = given.map((line) => `${line}\n`).join("");
      assert.deepEqual(await linesOf(new LineReader(stream(text, pieces))), given);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a last line needs no newline, and a carriage return belongs to the newline", async () => {
  assert.deepEqual(await linesOf(new LineReader(stream("a\r\nb\n\nc", [2]))), ["a", "b", "", "c"]);
  assert.deepEqual(await linesOf(new LineReader(stream("", [1]))), []);
});

Deno.test("of a line that is too long nothing is kept, and the next one comes", async () => {
  const reader = new LineReader(stream(`${"x".repeat(50)}\n12345\n123456`, [7]));
  assert.deepEqual(await reader.bounded(5), { kind: "too_long" });
  const line = await reader.bounded(5);
  assert.equal(line?.kind === "line" && new TextDecoder().decode(line.bytes), "12345");
  assert.deepEqual(await reader.bounded(5), { kind: "too_long" });
  assert.equal(await reader.bounded(5), undefined);
});
