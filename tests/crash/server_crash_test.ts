/** `kill -9` of the server at every point of a message's way: nothing acknowledged is lost, nothing is shown twice. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import { message, patience } from "../client/engine/kit.ts";
import { Village } from "../client/engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

async function textsOf(engine: Engine, name: string): Promise<string[]> {
  return (await engine.history({ target: to(name) })).map(({ text }) => text);
}

const points = ["received", "appended", "committed", "replied", "pushed", "acked"] as const;
Deno.test("a server killed at any point loses nothing and repeats nothing", async (t) => {
  await using village = await Village.make();
  const [aliceFacts, bobbyFacts] = [await village.device("alice"), await village.device("bobby")];
  await village.briefly(bobbyFacts);
  const before = await village.open(aliceFacts);
  const first = await before.send(to("bobby"), "before");
  await before.waitFor(first.id, "sent", patience());
  await before.stop();
  await village.briefly(bobbyFacts);
  const expected = ["before"];

  for (const point of points) {
    await t.step(point, async () => {
      await village.server.stop();
      await village.restart({ SEALPOST_TEST_HOOKS: "1", SEALPOST_CRASH_AT: `server:${point}` });
      const dying = village.server;
      const alice = village.engine(aliceFacts);
      const bobby = village.engine(bobbyFacts);
      for (const engine of [alice, bobby]) {
        await engine.start({ receive: true, keepTrying: false });
        await engine.caughtUp(patience());
      }
      const sent = await alice.send(to("bobby"), point);
      assert.equal((await dying.process.ended).code, 137);

      await village.restart();
      await message(bobby, point);
      await alice.waitFor(sent.id, "delivered", patience());
      const last = await alice.send(to("bobby"), `after ${point}`);
      await message(bobby, last.text);
      await alice.waitFor(last.id, "delivered", patience());
      expected.push(point, last.text);
      assert.deepEqual(await textsOf(bobby, "alice"), expected);
      assert.deepEqual(await textsOf(alice, "bobby"), expected);
      await alice.stop();
      await bobby.stop();
    });
  }
});
