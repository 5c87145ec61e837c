/** `kill -9` of a client at every point of a message's way: in the end it is shown exactly once on each side. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import { startChild } from "../client/engine/children.ts";
import { message, patience } from "../client/engine/kit.ts";
import { Village } from "../client/engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const killed = 137;

async function textsOf(engine: Engine, name: string): Promise<string[]> {
  return (await engine.history({ target: to(name) })).map(({ text }) => text);
}

/** Both have the same, in this order. */
async function bothHave(alice: Engine, bobby: Engine, expected: readonly string[]): Promise<void> {
  assert.deepEqual(await textsOf(bobby, "alice"), expected);
  assert.deepEqual(await textsOf(alice, "bobby"), expected);
}

const sending = ["queued", "encrypted", "sealed", "sent", "accepted"] as const;
Deno.test("a sender killed at any point has sent its message exactly once in the end", async (t) => {
  await using village = await Village.make();
  const facts = await village.device("alice");
  const bobby = await village.online("bobby");
  const first = await village.open(facts);
  const { id } = await first.send(to("bobby"), "before");
  await first.waitFor(id, "delivered", patience());
  await first.stop();
  const expected = ["before"];

  for (const point of sending) {
    await t.step(point, async () => {
      const crashAt = `client:${point}`;
      const command = ["send", "bobby", "1", point];
      await using dying = await startChild(facts, command, { crashAt });
      assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

      const alice = await village.open(facts);
      const own = (await alice.history({ target: to("bobby") })).at(-1);
      assert.equal(own?.text, `${point}0`);
      await alice.waitFor(own.id, "delivered", patience());
      const last = await alice.send(to("bobby"), `after ${point}`);
      await message(bobby, last.text);
      await alice.waitFor(last.id, "delivered", patience());
      expected.push(own.text, last.text);
      await bothHave(alice, bobby, expected);
      await alice.stop();
    });
  }
});

const receiving = ["received", "decrypted", "stored", "acknowledged"] as const;
Deno.test("a receiver killed at any point shows the message exactly once in the end", async (t) => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const facts = await village.device("bobby");
  await village.briefly(facts);
  // On the server, and taken by the device: else the crash point would be reached with this one.
  const before = await alice.send(to("bobby"), "before");
  await alice.waitFor(before.id, "sent", patience());
  await village.briefly(facts);
  await alice.waitFor(before.id, "delivered", patience());
  const expected = ["before"];

  for (const point of receiving) {
    await t.step(point, async () => {
      await using dying = await startChild(facts, ["listen"], { crashAt: `client:${point}` });
      await dying.waitForLine("ready");
      const sent = await alice.send(to("bobby"), point);
      assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

      const bobby = await village.open(facts);
      await message(bobby, point);
      await alice.waitFor(sent.id, "delivered", patience());
      const last = await alice.send(to("bobby"), `after ${point}`);
      await message(bobby, last.text);
      await alice.waitFor(last.id, "delivered", patience());
      expected.push(point, last.text);
      await bothHave(alice, bobby, expected);
      await bobby.stop();
    });
  }
});
