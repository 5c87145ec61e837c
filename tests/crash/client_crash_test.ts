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

const sending = ["queued", "encrypted", "sealed", "sent", "accepted"] as const;
for (const point of sending) {
  Deno.test(`a sender killed at "${point}" has sent its message exactly once in the end`, async () => {
    await using village = await Village.make();
    const facts = await village.device("alice");
    const bobby = await village.online("bobby");
    await using first = await startChild(facts, ["send", "bobby", "1", "before"]);
    assert.equal((await first.ended).code, 0, first.err.join("\n"));
    await message(bobby, "before0");

    const crashAt = `client:${point}`;
    await using dying = await startChild(facts, ["send", "bobby", "1", "crash"], { crashAt });
    assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

    const alice = await village.open(facts);
    const [, own] = await alice.history({ target: to("bobby") });
    assert.ok(own);
    await alice.waitFor(own.id, "delivered", patience());
    const last = await alice.send(to("bobby"), "after");
    await message(bobby, "after");
    await alice.waitFor(last.id, "delivered", patience());
    assert.deepEqual(await textsOf(bobby, "alice"), ["before0", "crash0", "after"]);
    assert.deepEqual(await textsOf(alice, "bobby"), ["before0", "crash0", "after"]);
  });
}

const receiving = ["received", "decrypted", "stored", "acknowledged"] as const;
for (const point of receiving) {
  Deno.test(`a receiver killed at "${point}" shows the message exactly once in the end`, async () => {
    await using village = await Village.make();
    const alice = await village.online("alice");
    const facts = await village.device("bobby");
    await village.briefly(facts);
    // On the server, and taken by the device: else the crash point would be reached with this one.
    const before = await alice.send(to("bobby"), "before");
    await alice.waitFor(before.id, "sent", patience());
    await village.briefly(facts);
    await alice.waitFor(before.id, "delivered", patience());

    await using dying = await startChild(facts, ["listen"], { crashAt: `client:${point}` });
    await dying.waitForLine("ready");
    const sent = await alice.send(to("bobby"), "crash");
    assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

    const bobby = await village.open(facts);
    await message(bobby, "crash");
    await alice.waitFor(sent.id, "delivered", patience());
    const last = await alice.send(to("bobby"), "after");
    await message(bobby, "after");
    await alice.waitFor(last.id, "delivered", patience());
    assert.deepEqual(await textsOf(bobby, "alice"), ["before", "crash", "after"]);
    assert.deepEqual(await textsOf(alice, "bobby"), ["before", "crash", "after"]);
  });
}
