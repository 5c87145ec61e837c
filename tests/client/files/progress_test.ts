import assert from "node:assert/strict";
import fc from "fast-check";
import { unquoted } from "../../../client/ui/file_actions.ts";
import { fileBy } from "../../../client/ui/file_format.ts";
import { completePath } from "../../../client/ui/path_completion.ts";
import { TempFolder } from "../../kit/folder.ts";
import { columnsOf } from "../../../client/ui/layout.ts";
import { percentOf, progressLine, Rate, Tenths } from "../../../client/ui/progress.ts";
import type { FileInfo } from "../../../client/engine/api_files.ts";

Deno.test("a bar shows name, percent, rate and time left, and never fills its row", () => {
  const line = progressLine({ done: 45 * 1024, total: 100 * 1024 }, {
    name: "plan.pdf",
    bytesPerSecond: 11 * 1024,
    columns: 80,
  });
  assert.equal(line, "plan.pdf [###########-------------]  45 %  11.0 KiB/s  5 s left");
  fc.assert(fc.property(
    fc.string({ unit: "grapheme" }),
    fc.nat(),
    fc.nat(),
    fc.integer({ min: 10, max: 200 }),
    (name, done, total, columns) => {
      const clean = name.replace(/[^\p{L}\p{N} ]/gu, "");
      const line = progressLine({ done, total }, { name: clean, bytesPerSecond: done, columns });
      assert.ok(columnsOf(line) < columns || columns < 10, line);
    },
  ));
});

Deno.test("100 percent is said when all is done and not before; each tenth once", () => {
  assert.equal(percentOf({ done: 999, total: 1000 }), 99);
  assert.equal(percentOf({ done: 0, total: 0 }), 100);
  const tenths = new Tenths();
  const told = Array.from({ length: 1001 }, (_, done) => tenths.next({ done, total: 1000 }));
  assert.deepEqual(told.filter((one) => one !== undefined), [
    0,
    10,
    20,
    30,
    40,
    50,
    60,
    70,
    80,
    90,
    100,
  ]);
});

Deno.test("paths are completed where a command takes one, hidden ones only when asked for", async () => {
  await using temp = await TempFolder.make();
  for (const name of ["plan a.pdf", "plan b.pdf", ".plan"]) {
    await Deno.writeTextFile(`${temp.path}/${name}`, "");
  }
  await Deno.mkdir(`${temp.path}/plans`);
  const complete = async (before: string) =>
    (await completePath(before, (path) => path.replace("~", temp.path)))?.words;
  const ends = (list: readonly string[] | undefined) =>
    list?.map((one) => one.split("/").slice(-2));
  assert.deepEqual(await complete("/file @sam ~/pl"), [
    "~/plan a.pdf",
    "~/plan b.pdf",
    "~/plans/",
  ]);
  assert.deepEqual(await complete("/save 3 ~/plan b"), ["~/plan b.pdf"]);
  assert.deepEqual(ends(await complete(`/file ${temp.path}/.`)), [[
    temp.path.split("/").at(-1),
    ".plan",
  ]]);
  assert.deepEqual(await complete("/file ~/none/x"), []);
  for (const before of ["/file @sa", "/save 3", "hello ~/pl", "/files sa"]) {
    assert.equal(await complete(before), undefined, before);
  }
});

Deno.test("the rate is that of the last seconds", () => {
  const rate = new Rate();
  assert.equal(rate.add(0, 0), 0);
  assert.equal(rate.add(1000, 1000), 1000);
  for (let at = 2000; at <= 20_000; at += 1000) rate.add(at, 1000);
  assert.equal(rate.add(21_000, 1000), 0);
});

Deno.test("a path may come in quotes or with backslashes; a file has a number, an id, or the end of one", () => {
  assert.equal(unquoted(" '/a b/c.txt' "), "/a b/c.txt");
  assert.equal(unquoted('"x"'), "x");
  assert.equal(unquoted("/a\\ b.txt"), "/a b.txt");
  assert.equal(unquoted("it's"), "it's");
  const file = (number: number, id: string) => ({ number, id }) as FileInfo;
  const files = [file(1, "aaaa-1111abcd"), file(2, "bbbb-2222abcd"), file(12, "cccc-33330012")];
  assert.equal(fileBy("2", files).number, 2);
  assert.equal(fileBy("1111ABCD", files).number, 1);
  assert.equal(fileBy("12", files).number, 12);
  for (const word of ["3", "abcd", "xyz", ""]) {
    assert.throws(() => fileBy(word, files), { code: "not_found" }, word);
  }
});
