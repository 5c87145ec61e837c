import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { sanitizeLine, sanitizeText } from "../../lib/base/sanitize.ts";

const line = (text: string) => sanitizeLine(text, 1000);

Deno.test("escape sequences vanish with all that belongs to them", () => {
  strictEqual(line("a\x1b[31;1mred\x1b[0mb"), "aredb");
  strictEqual(line("a\x1b]0;title\x07b"), "ab");
  strictEqual(line("a\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
  strictEqual(line("a\x1bPq#0\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x9cd"), "abcd");
  strictEqual(line("a\x9b2Jb\x9d0;t\x07c"), "abc");
  strictEqual(line("a\x1b(0b\x1bcd\x1b"), "abd");
});

Deno.test("an unterminated sequence takes no more than its own line's text", () => {
  strictEqual(sanitizeText("a\x1b]52;c;AAAA\nb", 100), "a\nb");
});

Deno.test("no control character is left, and line ends become spaces in a line", () => {
  strictEqual(line("a\0\b\x7f\x80b\r\nc\rd\te\u2028f\u2029g\u0085h\vi"), "ab c d e f g hi");
});

Deno.test("a text keeps its line feeds and tabs", () => {
  strictEqual(sanitizeText("a\r\nb\tc\u2028d\x1b[2Je", 100), "a\nb\tc\nde");
});

Deno.test("nothing turns the writing direction", () => {
  strictEqual(line("\u202eevil\u202c \u2066x\u2069\u200f\u061c"), "evil x");
});

Deno.test("invisible characters vanish, joiners stay where they join", () => {
  strictEqual(line("a\u200b\u2060\ufeff\u00adb\u{e0041}"), "ab");
  strictEqual(line("👩\u200d👩\u200d👧"), "👩\u200d👩\u200d👧");
  strictEqual(line("می\u200cخواهم"), "می\u200cخواهم");
  strictEqual(line("\u200da\u200d\u200d\u200db\u200d c\u200c"), "a\u200db c");
});

Deno.test("towers of combining marks are cut down", () => {
  strictEqual(line("z" + "\u0301".repeat(50)), "z" + "\u0301".repeat(8));
  strictEqual(line("e\u0301"), "e\u0301");
});

Deno.test("half surrogates become replacement characters and never join up", () => {
  strictEqual(line("\ud83dx"), "\ufffdx");
  strictEqual(line("\ud83d\0\ude00"), "\ufffd\ufffd");
});

Deno.test("a long text is cut between characters and says so", () => {
  strictEqual(sanitizeLine("abcdef", 4), "abc…");
  strictEqual(sanitizeLine("ab😀cd", 4), "ab…");
  strictEqual(sanitizeLine("abcd", 4), "abcd");
  strictEqual(sanitizeLine("abc", 0), "");
});

const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\x1b", "[", "]", "\x07", "\x9b", "\x9d", "\n", "\r", "\t", "\u2028", "\u202e"),
    fc.constantFrom("\u200d", "\u0301", "\ud800", "\udc00", "\ufeff", "a", " ", "m", ";", "\\"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
});

Deno.test("whatever comes in: no control, bounded, well formed, and twice is the same as once", () => {
  fc.assert(
    fc.property(nasty, fc.integer({ min: 1, max: 50 }), (text, max) => {
      const once = sanitizeLine(text, max);
      // deno-lint-ignore no-control-regex -- control characters are what this is about
      ok(!/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(once));
      ok(once.length <= max && once.isWellFormed());
      strictEqual(sanitizeLine(once, max), once);
      const long = sanitizeText(text, max);
      // deno-lint-ignore no-control-regex -- control characters are what this is about
      ok(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(long) && long.length <= max);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a huge hostile text takes linear time", () => {
  const text = "\x1b]".repeat(200_000) + "\u0301".repeat(100_000) + "\u200d".repeat(100_000);
  deepStrictEqual(sanitizeLine(text, 10).length <= 10, true);
});
