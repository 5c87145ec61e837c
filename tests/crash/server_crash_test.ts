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
for (const point of points) {
  Deno.test(`a server killed at "${point}" loses nothing and repeats nothing`, async () => {
    await using village = await Village.make();
    const [aliceFacts, bobbyFacts] = [await village.device("alice"), await village.device("bobby")];
    await village.briefly(bobbyFacts);
    const before = await village.open(aliceFacts);
    const first = await before.send(to("bobby"), "before");
    await before.waitFor(first.id, "sent", patience());
    await before.stop();
    await village.briefly(bobbyFacts);
    await village.server.stop();

    const hooks = { SEALPOST_TEST_HOOKS: "1", SEALPOST_CRASH_AT: `server:${point}` };
    await village.restart(hooks);
    const dying = village.server;
    const alice = village.engine(aliceFacts);
    const bobby = village.engine(bobbyFacts);
    for (const engine of [alice, bobby]) {
      await engine.start({ receive: true, keepTrying: false });
      await engine.caughtUp(patience());
    }
    const sent = await alice.send(to("bobby"), "crash");
    assert.equal((await dying.process.ended).code, 137);

    await village.restart();
    await message(bobby, "crash");
    await alice.waitFor(sent.id, "delivered", patience());
    const last = await alice.send(to("bobby"), "after");
    await message(bobby, "after");
    await alice.waitFor(last.id, "delivered", patience());
    assert.deepEqual(await textsOf(bobby, "alice"), ["before", "crash", "after"]);
    assert.deepEqual(await textsOf(alice, "bobby"), ["before", "crash", "after"]);
  });
}
