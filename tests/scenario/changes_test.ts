/** Changing what was said, by one-shot commands and in the chat, with a real server and real clients. */
import assert from "node:assert/strict";
import { Town } from "../kit/story.ts";

Deno.test("edit, delete, react, reply, expire", async (t) => {
  await using town = await Town.make();
  const [sam, erik] = [await town.resident("sam"), await town.resident("erik")];
  const sent = async (text: string) => {
    const [message] = await sam.json(["send", "erik", text]);
    return String(message?.["id"]);
  };
  const seen = async (id: string) =>
    (await erik.json(["history", "sam"])).find((message) => message["id"] === id);

  await t.step("an edit by a script, from standard input, shows at the other side", async () => {
    const id = await sent("lunch at one");
    const [edited] = await sam.json(["edit", id], "lunch at two\n");
    assert.deepEqual([edited?.["text"], edited?.["edited"]], ["lunch at two", true]);
    const there = await seen(id);
    assert.deepEqual([there?.["text"], there?.["edited"]], ["lunch at two", true]);
    assert.equal((await erik.once(["edit", id, "lunch is on you"])).code, 4);
    assert.equal((await sam.once(["edit", crypto.randomUUID(), "nothing"])).code, 6);
  });

  await t.step("a reaction and an answer name what they are about", async () => {
    const id = await sent("shall we?");
    await seen(id);
    await erik.lines(["react", id, "👍"]);
    assert.equal((await erik.once(["react", id, "not one"])).code, 2);
    await erik.lines(["send", "sam", "we shall", "--reply-to", id]);
    const history = await sam.json(["history", "erik"]);
    const asked = history.find((message) => message["id"] === id);
    assert.deepEqual(asked?.["reactions"], [{ from: "erik", emoji: "👍" }]);
    const replyTo = history.at(-1)?.["replyTo"];
    assert.deepEqual(replyTo, { id, from: "sam", quote: "shall we?" });
    await erik.lines(["react", id, "👍", "--remove"]);
    const [after] = (await sam.json(["history", "erik"])).filter((each) => each["id"] === id);
    assert.equal(after?.["reactions"], undefined);
  });

  await t.step("in the chat the last message is meant, or the one with that number", async () => {
    await using chat = await sam.online();
    await using other = await erik.online();
    let after = await chat.type("/to erik", "first", "second");
    await other.waitForLine(/sam: @erik second$/);
    after = await chat.type("/edit the second");
    await other.waitForRemark(/sam in sam: "second" is now: the second/);
    await other.type("/to sam", "/react 🎉");
    await chat.waitForRemark(/"the second" got 🎉 erik/, after);
    await other.type("/reply fine");
    await chat.waitForLine(/erik: @sam \[to sam: "the second"\] fine$/, after);
    after = await chat.type("/history erik");
    const line = await chat.waitForLine(/sam: @erik first.* \(\d+\)$/, after);
    const number = /\((\d+)\)$/.exec(line)?.[1] ?? "";
    await chat.type(`/delete ${number}`);
    await other.waitForRemark(/sam in sam: "first" was deleted/);
    after = await chat.type("/history erik");
    await chat.waitForLine(/sam: @erik \[deleted\]/, after);
    await chat.type("/reply");
    await chat.waitForRemark(/Usage: \/reply/);
    assert.equal((await chat.finish()).code, 0);
    assert.equal((await other.finish()).code, 0);
  });

  await t.step("a deleted message is gone from both histories", async () => {
    const id = await sent("a slip of the pen");
    assert.equal((await seen(id))?.["text"], "a slip of the pen");
    const [gone] = await sam.json(["delete", id]);
    assert.deepEqual([gone?.["text"], gone?.["deleted"]], ["", true]);
    assert.deepEqual([(await seen(id))?.["text"], (await seen(id))?.["deleted"]], ["", true]);
    assert.equal((await sam.once(["delete", id])).code, 4);
  });

  await t.step("a timer is set, told, and taken away", async () => {
    assert.equal((await sam.once(["expire", "erik", "yesterday"])).code, 2);
    const [set] = await sam.json(["expire", "erik", "1h"]);
    assert.deepEqual([set?.["conversation"], set?.["after"]], ["@erik", 3_600_000]);
    const id = await sent("for an hour");
    const there = await seen(id);
    assert.equal(typeof there?.["expiresAt"], "number");
    assert.match((await erik.lines(["expire", "sam"]))[0] ?? "", /disappear 1h after/);
    assert.match((await erik.lines(["expire", "sam", "off"]))[0] ?? "", /stay/);
    assert.equal((await sam.once(["expire", "#lobby", "1h"])).code, 4);
  });
});
