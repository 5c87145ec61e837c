import assert from "node:assert/strict";
import { encode } from "uqr";
import { qrRows } from "../../lib/base/qr_rows.ts";
import { safetyQr } from "../../client/ui/qr.ts";

/** The modules that such lines show. */
function modulesOf(lines: readonly string[]): boolean[][] {
  return lines.flatMap((line) => [
    [...line].map((block) => "\u2580\u2588".includes(block)),
    [...line].map((block) => "\u2584\u2588".includes(block)),
  ]);
}

Deno.test("every module of a QR code is where it should be, two rows to a line", () => {
  for (const text of ["1", "sealpost://192.168.1.10:5000/#" + "ab".repeat(32)]) {
    const { data, size } = encode(text, { border: 4 });
    const lines = qrRows(data, { forced: false });
    assert.equal(lines.length, Math.ceil(size / 2));
    assert.deepEqual(modulesOf(lines).slice(0, size), data);
  }
});

Deno.test("on a terminal a QR code is black on white, and leaves nothing of that behind", () => {
  for (const line of qrRows(encode("1").data, { forced: true })) {
    // deno-lint-ignore no-control-regex -- the escape sequences are what is looked at
    assert.match(line, /^\x1b\[30;107m[ \u2580\u2584\u2588]+\x1b\[0m$/);
  }
});

Deno.test("a safety number's code holds its digits alone and fits the usual terminal", async () => {
  const number = Array.from({ length: 12 }, (_, at) => String(10_000 + at)).join(" ");
  const lines = await safetyQr(number, { forced: false });
  const { data } = encode(number.replaceAll(" ", ""), { border: 4 });
  assert.deepEqual(modulesOf(lines).slice(0, data.length), data);
  assert.ok(lines.length <= 24 && (lines[0] ?? "").length <= 60);
});
