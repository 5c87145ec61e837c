import assert from "node:assert/strict";
import { lockSoon } from "../../../server/supervisor/lock.ts";
import { TempFolder } from "../../kit/folder.ts";

Deno.test("a runtime that can only wait for a lock has it when it comes about late, and never takes one that does not", async () => {
  await using folder = await TempFolder.make();
  const looks = async (count: number) => {
    for (let at = 0; at < count; at++) await Deno.stat(folder.path);
  };
  // A lock that is waited for keeps a process going; a promise alone does not.
  const going = setInterval(() => undefined, 1_000);
  const patience = { waitMs: 0, turns: 100 };
  assert.equal(await lockSoon({ lock: () => looks(30) }, folder.path, patience), true);
  const { promise, resolve } = Promise.withResolvers<void>();
  assert.equal(await lockSoon({ lock: () => promise }, folder.path, patience), false);
  resolve();
  clearInterval(going);
});
