/** Strangers, where the operator wants everybody to be asked first. */
import assert from "node:assert/strict";
import { Town } from "../kit/story.ts";

Deno.test("with --consent all a stranger asks first, is answered, and can be blocked", async (t) => {
  await using town = await Town.make({ flags: ["--consent", "all"] });
  const olga = await town.resident("olga");
  const eve = await town.resident("eve");
  const sam = await town.resident("sam");

  await t.step(
    "the first message is a request: listed and flagged, handed to no script",
    async () => {
      assert.equal((await eve.once(["send", "olga", "buy my tulips"])).code, 0);
      const [asked] = await olga.json(["unread"]);
      assert.deepEqual([asked?.["text"], asked?.["request"]], ["buy my tulips", true]);
      assert.deepEqual(await olga.json(["read"]), []);
      const [line] = await olga.lines(["unread"]);
      assert.match(line ?? "", /buy my tulips \(request: accept or decline it\)$/);
      const early = await olga.once(["send", "eve", "hello?"]);
      assert.equal(early.code, 4);
      assert.match(early.err, /accept or decline that first/);
    },
  );

  await t.step("declined, nothing more comes, and the stranger is not told", async () => {
    await olga.lines(["group", "decline", "@eve"]);
    assert.equal((await eve.once(["send", "olga", "and roses"])).code, 0);
    assert.deepEqual(await olga.json(["unread"]), []);
  });

  await t.step("somebody who is accepted is a stranger no more", async () => {
    await sam.lines(["send", "olga", "it is me"]);
    await olga.lines(["group", "accept", "sam"]);
    assert.equal((await olga.json(["read"])).length, 1);
    await olga.lines(["send", "sam", "welcome"]);
    assert.equal((await sam.json(["read"])).at(-1)?.["text"], "welcome");
    await sam.lines(["group", "create", "pair", "olga"]);
    const [group] = await olga.json(["group", "list"]);
    assert.equal(group?.["standing"], "active");
  });

  await t.step("a window says who waits, and answers", async () => {
    await eve.lines(["group", "create", "tulips", "olga"]);
    await using chat = await olga.online();
    await chat.waitForRemark("#tulips is declined", await chat.type("/decline #tulips"));
    await chat.waitForRemark("eve is blocked", await chat.type("/block eve"));
    await chat.waitForLine("eve  since", await chat.type("/block"));
    await chat.waitForRemark("no requests", await chat.type("/accept"));
    assert.equal((await chat.finish()).code, 0);
    const refused = await eve.once(["group", "create", "roses", "olga"]);
    assert.equal(refused.code, 4, refused.err);
  });

  await t.step("whoever writes to somebody whose request was declined takes it up", async () => {
    await olga.lines(["unblock", "eve"]);
    const { code, err } = await olga.once(["send", "eve", "tulips after all", "--timeout", "60"]);
    assert.equal(code, 0, err);
    assert.equal((await eve.json(["read"])).at(-1)?.["text"], "tulips after all");
    await eve.lines(["send", "olga", "yellow ones?"]);
    assert.equal((await olga.json(["read"])).at(-1)?.["text"], "yellow ones?");
  });

  await t.step("what was declined can be accepted after all, and is read then", async () => {
    const nina = await town.resident("nina");
    await nina.lines(["send", "olga", "tulips?"]);
    await olga.lines(["group", "decline", "nina"]);
    await olga.lines(["group", "accept", "nina"]);
    // What she sends before she has seen that olga is in again has to be said again to her.
    await nina.lines(["read"]);
    await nina.lines(["send", "olga", "and daisies"]);
    assert.equal((await olga.json(["read"])).at(-1)?.["text"], "and daisies");
    const again = await olga.once(["group", "accept", "nina"]);
    assert.equal(again.code, 6, again.err);
    assert.match(again.err, /no request/);
  });
});
