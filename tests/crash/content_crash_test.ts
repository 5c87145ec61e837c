/** `kill -9` of a client while content that makes no line is on its way: in the end it has done its work exactly once. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import { startChild } from "../client/engine/children.ts";
import { message, patience } from "../client/engine/kit.ts";
import { Village } from "../client/engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const killed = 137;
const thumb = [{ from: "alice", emoji: "👍" }];

async function lines(engine: Engine, name: string) {
  return (await engine.history({ target: to(name) })).map(({ text, reactions = [] }) => ({
    text,
    reactions,
  }));
}

for (const point of ["queued", "encrypted", "sealed", "accepted"]) {
  Deno.test(`a reaction of a client killed at "${point}" arrives exactly once in the end`, async () => {
    await using village = await Village.make();
    const facts = await village.device("alice");
    const bobby = await village.online("bobby");
    await using first = await startChild(facts, ["send", "bobby", "1", "before"]);
    assert.equal((await first.ended).code, 0, first.err.join("\n"));
    await message(bobby, "before0");

    const crashAt = `client:${point}`;
    await using dying = await startChild(facts, ["react", "👍"], { crashAt });
    assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

    const alice = await village.open(facts);
    const last = await alice.send(to("bobby"), "after");
    await message(bobby, "after");
    await alice.waitFor(last.id, "delivered", patience());
    const expected = [{ text: "before0", reactions: thumb }, { text: "after", reactions: [] }];
    assert.deepEqual(await lines(bobby, "alice"), expected);
    assert.deepEqual(await lines(alice, "bobby"), expected);
  });
}

for (const point of ["decrypted", "stored"]) {
  Deno.test(`a receiver killed at "${point}" has taken a reaction in exactly once in the end`, async () => {
    await using village = await Village.make();
    const alice = await village.online("alice");
    const facts = await village.device("bobby");
    await village.briefly(facts);
    const sent = await alice.send(to("bobby"), "before");
    await alice.waitFor(sent.id, "sent", patience());
    await village.briefly(facts);

    await using dying = await startChild(facts, ["listen"], { crashAt: `client:${point}` });
    await dying.waitForLine("ready");
    const { id } = await alice.content.react(sent.id, "👍");
    await alice.content.settled(id, patience());
    assert.equal((await dying.ended).code, killed, dying.err.join("\n"));

    const bobby = await village.open(facts);
    const last = await alice.send(to("bobby"), "after");
    await message(bobby, "after");
    await alice.waitFor(last.id, "delivered", patience());
    const expected = [{ text: "before", reactions: thumb }, { text: "after", reactions: [] }];
    assert.deepEqual(await lines(bobby, "alice"), expected);
    assert.deepEqual(await lines(alice, "bobby"), expected);
  });
}
