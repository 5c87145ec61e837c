import assert from "node:assert/strict";
import { Window } from "../../../client/engine/files/window.ts";
import { fileLimits } from "../../../lib/base/limits.ts";

const { chunkBytes, windowBytes } = fileLimits;

/** Sends `rounds` pieces that each take `ms`; the limit then. */
async function limitAfter(ms: number, rounds: number): Promise<number> {
  let now = 0;
  const window = new Window<void>({ monotonic: () => now });
  for (let round = 0; round < rounds; round++) {
    const answers: (() => void)[] = [];
    while (window.fits(chunkBytes)) {
      window.add(chunkBytes, new Promise((resolve) => answers.push(resolve)));
    }
    while (window.size > 0) {
      now += ms;
      answers.shift()?.();
      await window.next();
    }
  }
  return window.limit;
}

Deno.test("a fast line gets a full window, a slow one a single piece at a time", async () => {
  assert.equal(await limitAfter(5, 10), windowBytes);
  assert.equal(await limitAfter(1000, 10), chunkBytes);
  const middling = await limitAfter(60, 10);
  assert.ok(middling > chunkBytes && middling < windowBytes, String(middling));
});

Deno.test("one piece always fits, and a failure comes where its answer is awaited", async () => {
  const window = new Window<number>({ monotonic: () => 0 });
  assert.ok(window.fits(10 * windowBytes));
  window.add(1, Promise.resolve(7));
  window.add(1, Promise.reject(new Error("gone")));
  assert.equal(await window.next(), 7);
  await assert.rejects(window.next(), /gone/);
  assert.equal(await window.next(), undefined);
});
