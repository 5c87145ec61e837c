import assert from "node:assert/strict";
import { fromFileUrl } from "../../scripts/paths.ts";
import { testFiles, testGroups } from "../../scripts/test_groups.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));

/** As the system's own tool finds them. */
async function found(): Promise<string[]> {
  const args = ["tests", "-name", "*_test.ts", "-not", "-path", "tests/e2e/*"];
  const { stdout } = await new Deno.Command("find", { args, cwd: root }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").sort();
}

Deno.test("every test file is in one group, and only in one", async () => {
  const files = testGroups(testFiles(root, "tests")).flatMap((group) => group.files);
  assert.deepEqual(files.toSorted(), await found());
});

Deno.test("a group is of one folder, has a name of its own, and a worker has not much of it", () => {
  const groups = testGroups(testFiles(root, "tests"));
  assert.equal(new Set(groups.map(({ name }) => name)).size, groups.length);
  for (const { name, files } of groups) {
    const folders = new Set(files.map((file) => file.slice(0, file.lastIndexOf("/"))));
    assert.equal(folders.size, 1, name);
    assert.ok(files.length >= 1 && files.length <= 5, name);
  }
});

Deno.test("single files and folders can be named", () => {
  assert.deepEqual(testFiles(root, "tests/arch/check_test.ts"), ["tests/arch/check_test.ts"]);
  assert.ok(testFiles(root, "tests/sql").every((file) => file.startsWith("tests/sql/")));
  assert.throws(() => testFiles(root, "tests/nowhere"), Deno.errors.NotFound);
});
