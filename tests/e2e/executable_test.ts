import assert from "node:assert/strict";
import { Empty } from "./executable.ts";

Deno.test("the executable is one file of less than 100 MB", async () => {
  await using empty = await Empty.make();
  const { size } = await Deno.stat(empty.program);
  assert.ok(size < 100_000_000, `${size} bytes`);
});

Deno.test("the executable says its version in an empty folder with an empty environment, and leaves nothing", async () => {
  await using empty = await Empty.make();
  const { code, out, err } = await empty.run(["version"]);
  assert.equal(code, 0, err);
  assert.match(out, /\d+\.\d+\.\d+/);
  assert.deepEqual(empty.others(), []);
});

Deno.test("the executable leaves nothing in the temporary folder either", async () => {
  await using empty = await Empty.make();
  assert.equal((await empty.run(["help"], { TMPDIR: empty.folder })).code, 0);
  assert.deepEqual(empty.others(), []);
});

Deno.test("the executable lists both subcommands in its help", async () => {
  await using empty = await Empty.make();
  const { code, out } = await empty.run(["help"]);
  assert.equal(code, 0);
  assert.match(out, /\bserver\b[^]*\bclient\b/);
});

Deno.test("the executable refuses a first word that it does not know with exit code 2", async () => {
  await using empty = await Empty.make();
  const { code, out, err } = await empty.run(["bogus"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /bogus/);
});
