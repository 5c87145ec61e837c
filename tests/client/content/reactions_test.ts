import assert from "node:assert/strict";
import { message, patience } from "../engine/kit.ts";
import { Village } from "../engine/village.ts";
import { changed, to } from "./kit.ts";

Deno.test("a reaction shows at its message on both sides, once, and can be taken back", async () => {
  await using village = await Village.make();
  const [alice, bobby] = [await village.online("alice"), await village.online("bobby")];
  const sent = await alice.send(to("bobby"), "hello");
  const got = await message(bobby, "hello");
  await bobby.markRead(got);
  await bobby.content.react(got.id, "👍");
  const twice = await bobby.content.react(got.id, "👍");
  await bobby.content.settled(twice.id, patience());
  const shown = await changed(alice, sent.id, ({ reactions }) => reactions !== undefined);
  assert.deepEqual(shown.reactions, [{ from: "bobby", emoji: "👍" }]);
  await bobby.content.react(got.id, "👍", { remove: true });
  await changed(alice, sent.id, ({ reactions }) => reactions === undefined);

  assert.equal((await alice.unread()).length, 0, "a reaction is nothing unread");
  for (const engine of [alice, bobby]) {
    assert.deepEqual((await engine.history({})).map(({ text }) => text), ["hello"]);
    assert.equal((await engine.exportSigned({})).length, 1);
    const lasts = (await engine.conversations()).map(({ last }) => last?.text);
    assert.ok(lasts.includes("hello"));
  }
  const none = alice.content.react(crypto.randomUUID(), "👍");
  await assert.rejects(none, { code: "not_found" });
  await assert.rejects(alice.content.react(sent.id, "no emoji"), { code: "malformed" });
});
