import assert from "node:assert/strict";
import { version } from "../../lib/base/version.ts";

Deno.test("the version in deno.json is the one that the program prints", async () => {
  const text = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  assert.equal((JSON.parse(text) as { version: string }).version, version);
});

Deno.test("the gate runs the test command that the README gives, word for word", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const gate = await Deno.readTextFile(new URL("../../.ci/run", import.meta.url));
  const command = "npx -y deno@2.9.6 task test";
  assert.ok(readme.includes(command));
  assert.ok(gate.includes(command));
});
