import assert from "node:assert/strict";
import fc from "fast-check";
import { extensionOf, numberedName, safeFileName } from "../../../client/engine/files/names.ts";
import { utf8Length } from "../../../lib/base/bytes.ts";

const cases: readonly [string, string][] = [
  ["report.pdf", "report.pdf"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Windows\\system32\\evil.exe", "evil.exe"],
  ["/", "file"],
  ["", "file"],
  ["...", "file"],
  [".bashrc", "bashrc"],
  ["-rf", "rf"],
  ["--help.txt", "help.txt"],
  ["~/x", "x"],
  ["con", "_con"],
  ["NUL.txt", "_NUL.txt"],
  ["COM1.tar.gz", "_COM1.tar.gz"],
  ["lpt\u00b9.txt", "_lpt\u00b9.txt"],
  ["console.log", "console.log"],
  ["a\u202egnp.exe", "agnp.exe"],
  ["a\x1b]0;title\x07b.txt", "ab.txt"],
  ["two\nlines\t.txt", "two lines .txt"],
  ["zero\u200bwidth.txt", "zerowidth.txt"],
  ['what?<is>:this|"*.md', "what__is__this___.md"],
  ["dots at the end. . .", "dots at the end"],
  ["\ud800lonely.txt", "\ufffdlonely.txt"],
  ["\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.png", "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.png"],
];

Deno.test("names from others lose what could leave the folder, hide, turn, or mean something", () => {
  for (const [given, safe] of cases) assert.equal(safeFileName(given), safe, JSON.stringify(given));
});

Deno.test("a name of 255 bytes with emoji stays; a longer one is cut between graphemes and keeps its extension", () => {
  const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}";
  const full = "\u{1f600}".repeat(62) + "abc.txt";
  assert.equal(utf8Length(full), 255);
  assert.equal(safeFileName(full), full);
  const long = safeFileName(`${family.repeat(40)}.tar.gz`);
  assert.ok(utf8Length(long) <= 255 && long.endsWith(`${family}.tar.gz`), long);
  const numbered = numberedName(full, 12);
  assert.ok(utf8Length(numbered) <= 255 && numbered.endsWith("\u{1f600} (12).txt"), numbered);
  assert.equal(numberedName("a.b.txt", 1), "a.b (1).txt");
  assert.equal(numberedName("Makefile", 2), "Makefile (2)");
  assert.equal(numberedName("x.tar.gz", 1), "x (1).tar.gz");
});

Deno.test("whatever the name, it is one harmless part of a path, and safe already the second time", () => {
  const strange = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.array(
      fc.constantFrom("/", "\\", "..", ".", "\0", "\u202e", "-", " ", "con", "\u{1f600}", "a", "é"),
      {
        maxLength: 300,
      },
    ).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(strange, (name) => {
      const safe = safeFileName(name);
      assert.ok(safe !== "" && utf8Length(safe) <= 255);
      assert.ok(!/[/\\\0]/.test(safe) && !/^[.\-~\s]/.test(safe));
      assert.equal(safeFileName(safe), safe);
    }),
    { numRuns: 40 },
  );
});

Deno.test("extensions are the last part, in lower case", () => {
  assert.deepEqual(["a.PDF", "a.tar.gz", ".bashrc", "README", "a."].map(extensionOf), [
    "pdf",
    "gz",
    "",
    "",
    "",
  ]);
});
