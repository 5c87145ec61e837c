import assert from "node:assert/strict";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

Deno.test("every test that docs/SECURITY.md names stands in the file that it names", async () => {
  const text = await Deno.readTextFile(`${root}docs/SECURITY.md`);
  const named = [...text.matchAll(/^- `([\w/]+_test\.ts)` "([^"]+)"/gm)];
  assert.ok(named.length > 40, `${named.length}`);
  for (const [, file, name] of named) {
    const source = await Deno.readTextFile(`${root}tests/${file}`);
    assert.ok(source.includes(`"${name}"`), `${file} has no test "${name}"`);
  }
});

Deno.test("every document that a document links to is there", async () => {
  for (
    const [folder, file] of [["", "README.md"], ["docs/", "SECURITY.md"], [
      "docs/",
      "ARCHITECTURE.md",
    ]]
  ) {
    const text = await Deno.readTextFile(`${root}${folder}${file}`);
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.ok((await Deno.stat(`${root}${folder}${target}`)).isFile, `${file}: ${target}`);
    }
  }
});
