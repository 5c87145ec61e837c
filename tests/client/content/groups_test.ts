import assert from "node:assert/strict";
import { type Engine } from "../../../client/engine/api.ts";
import { message, patience } from "../engine/kit.ts";
import { Village } from "../engine/village.ts";
import { changed } from "./kit.ts";

const team = { kind: "group", name: "team" } as const;
const hour = 3_600_000;

async function lines(engine: Engine) {
  return (await engine.history({ target: team })).filter(({ kind }) => kind === "text");
}

Deno.test("in a group each member changes only what is its own, and owners set the timer", async () => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const bobby = await village.online("bobby");
  const carol = await village.online("carol");
  await alice.groups.create("team", ["bobby", "carol"]);
  const sent = await alice.send(team, "hello all");
  for (const each of [bobby, carol]) await message(each, "hello all");
  await bobby.content.react(sent.id, "👍");
  await carol.content.react(sent.id, "👍");
  const liked = await changed(alice, sent.id, ({ reactions }) => reactions?.length === 2);
  assert.deepEqual(liked.reactions?.map(({ from }) => from).sort(), ["bobby", "carol"]);
  await assert.rejects(bobby.content.edit(sent.id, "mine now"), { code: "not_permitted_now" });
  await assert.rejects(bobby.content.expire(team, hour), { code: "not_permitted_now" });

  await alice.content.edit(sent.id, "hello everybody");
  for (const each of [bobby, carol]) {
    await changed(each, sent.id, ({ text }) => text === "hello everybody");
  }
  const reply = await carol.content.reply(sent.id, "hello alice");
  const heard = await message(bobby, "hello alice");
  await message(alice, "hello alice");
  const quote = { id: sent.id, from: "alice", quote: "hello everybody" };
  assert.deepEqual([heard.replyTo, heard.target.kind], [quote, "group"]);
  await changed(carol, reply.id, ({ state }) => state !== "queued");

  const { id } = await alice.content.expire(team, hour);
  await alice.content.settled(id, patience());
  for (const each of [bobby, carol]) {
    await message(each, "alice made messages disappear 1 h after they are read");
    assert.equal(await each.content.lifetime(team), hour);
  }
  await bobby.send(team, "not for long");
  const got = await message(carol, "not for long");
  assert.ok(got.expiresAt);
  await alice.content.remove(sent.id);
  for (const each of [alice, bobby, carol]) {
    await changed(each, sent.id, ({ deleted }) => deleted === true);
    const shown = (await lines(each)).map(({ text, replyTo }) => [text, replyTo?.quote]);
    assert.deepEqual(shown[0], ["", undefined]);
    assert.deepEqual(shown[1], ["hello alice", undefined]);
  }
});
