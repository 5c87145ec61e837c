/** Searching with whatever expression somebody gives. */
import assert from "node:assert/strict";
import { matching } from "../../../client/engine/grep.ts";
import { clientLimits } from "../../../lib/base/limits.ts";

const textOf = (text: string) => text;

Deno.test("an expression chooses texts, in their order, however many there are", async () => {
  const all = Array.from({ length: clientLimits.grepBatch * 2 + 3 }, (_, number) => `n ${number}`);
  const found = await matching(/7$/u, { all, textOf, ms: 60_000 });
  assert.deepEqual(found, all.filter((text) => text.endsWith("7")));
  // A global expression begins anew at each text.
  assert.equal((await matching(/n/gu, { all, textOf, ms: 60_000 })).length, all.length);
  assert.deepEqual(await matching(/x/u, { all: [], textOf }), []);
});

Deno.test("an expression that would take longer than anybody lives is given up", async () => {
  const all = ["fine", "a".repeat(64) + "!"];
  await assert.rejects(matching(/^(a+)+$/u, { all, textOf, ms: 300 }), {
    code: "malformed",
    message: "that regular expression takes too long on these messages: make it simpler",
  });
});
