/** The help of every one-shot command. */
import assert from "node:assert/strict";
import { commandNames } from "../../../client/commands/program.ts";
import { command } from "../../kit/commands.ts";

Deno.test("every command has a help with an example of it, and takes the common flags", async () => {
  for (const name of commandNames.filter((each) => each !== "help")) {
    const { code, out, err } = await command([name, "--help"], { home: "/nowhere" });
    assert.deepEqual([code, err], [0, ""], name);
    assert.match(out, new RegExp(`\nExample:\n  sealpost client ${name}`), name);
    for (const flag of ["--json", "--quiet", "--no-input", "--timeout", "--utc", "--color"]) {
      assert.ok(out.includes(flag), `${name} ${flag}`);
    }
  }
});
