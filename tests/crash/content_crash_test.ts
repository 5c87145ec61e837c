/** `kill -9` of a client while content that makes no line is on its way: in the end it has done its work exactly once. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import { startChild } from "../client/engine/children.ts";
import { message, patience } from "../client/engine/kit.ts";
import { Village } from "../client/engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const killed = 137;
const thumb = [{ from: "alice", emoji: "👍" }];

/** The last two lines, and how many there are. */
async function ending(engine: Engine, name: string) {
  const all = await engine.history({ target: to(name) });
  const last = all.slice(-2).map(({ text, reactions = [] }) => ({ text, reactions }));
  return { count: all.length, last };
}

/** Both have `count` lines; the last but one bears the reaction, once. */
async function bothHave(alice: Engine, bobby: Engine, count: number, point: string): Promise<void> {
  const last = [{ text: point, reactions: thumb }, { text: `after ${point}`, reactions: [] }];
  assert.deepEqual(await ending(bobby, "alice"), { count, last });
  assert.deepEqual(await ending(alice, "bobby"), { count, last });
}

Deno.test("a reaction of a client killed at any point arrives exactly once in the end", async (t) => {
  await using village = await Village.make();
  const facts = await village.device("alice");
  const bobby = await village.online("bobby");
  let count = 0;
  for (const point of ["queued", "encrypted", "sealed", "accepted"]) {
    await t.step(point, async () => {
      const before = await village.open(facts);
      const { id } = await before.send(to("bobby"), point);
      await before.waitFor(id, "delivered", patience());
      await before.stop();

      const crashAt = `client:${point}`;
      await using dying = await startChild(facts, ["react", "👍"], { crashAt });
      assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

      const alice = await village.open(facts);
      const last = await alice.send(to("bobby"), `after ${point}`);
      await message(bobby, last.text);
      await alice.waitFor(last.id, "delivered", patience());
      await bothHave(alice, bobby, count += 2, point);
      await alice.stop();
    });
  }
});

Deno.test("a receiver killed at any point has taken a reaction in exactly once in the end", async (t) => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const facts = await village.device("bobby");
  await village.briefly(facts);
  let count = 0;
  for (const point of ["decrypted", "stored"]) {
    await t.step(point, async () => {
      const sent = await alice.send(to("bobby"), point);
      await alice.waitFor(sent.id, "sent", patience());
      await village.briefly(facts);
      // Else the crash point would be reached with this one.
      await alice.waitFor(sent.id, "delivered", patience());

      await using dying = await startChild(facts, ["listen"], { crashAt: `client:${point}` });
      await dying.waitForLine("ready");
      const { id } = await alice.content.react(sent.id, "👍");
      await alice.content.settled(id, patience());
      assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

      const bobby = await village.open(facts);
      const last = await alice.send(to("bobby"), `after ${point}`);
      await message(bobby, last.text);
      await alice.waitFor(last.id, "delivered", patience());
      await bothHave(alice, bobby, count += 2, point);
      await bobby.stop();
    });
  }
});
