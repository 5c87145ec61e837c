/** People of two linked servers who write to each other: strangers, friends, links that go and come. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import {
  arrives,
  direct,
  eventually,
  group,
  groupAs,
  heard,
  Neighbours,
  next,
} from "../kit/neighbours.ts";

Deno.test("a private conversation between two servers", async (t) => {
  await using town = await Neighbours.make(["mill", "office"]);
  const sam = await town.online("sam@mill");
  const rae = await town.online("rae@office");

  await t.step("the first message of a stranger of another server is a request", async () => {
    const { id } = await sam.send(direct("rae@office"), "hello from the mill");
    const got = await arrives(rae, "hello from the mill");
    assert.deepEqual([got.from, got.conversation, got.request], ["sam@mill", "sam@mill", true]);
    await assert.rejects(rae.send(direct("sam@mill"), "who?"), { code: "not_permitted_now" });
    assert.equal((await sam.waitFor(id, "sent")).state, "sent");
  });
  await t.step("accepted, it is a conversation like any other", async () => {
    await rae.requests.answer(direct("sam@mill"), "accept");
    await heard(rae, direct("sam@mill"), "hello from the office", [[sam, "rae@office"]]);
    await heard(sam, direct("RAE@Office"), "how are you?", [[rae, "sam@mill"]]);
  });
  await t.step("each side sees how far its messages have got", async () => {
    const { id } = await sam.send(direct("rae@office"), "read this");
    const got = await arrives(rae, "read this");
    await sam.waitFor(id, "delivered", AbortSignal.timeout(60_000));
    await rae.markRead(got);
    await sam.waitFor(id, "read", AbortSignal.timeout(60_000));
    const answer = await rae.send(direct("sam@mill"), "done");
    // Their server orders the conversation: what it has taken has reached it.
    await rae.waitFor(answer.id, "reached", AbortSignal.timeout(60_000));
    await sam.markRead(await arrives(sam, "done"));
    await rae.waitFor(answer.id, "read", AbortSignal.timeout(60_000));
  });
  await t.step("edits, reactions, replies and deletions cross too", async () => {
    const { id } = await sam.send(direct("rae@office"), "a tpyo");
    await arrives(rae, "a tpyo");
    await sam.content.edit(id, "a typo");
    const seen = await arrives(rae, "a typo");
    assert.equal(seen.edited, true);
    await rae.content.react(id, "👍");
    const marked = await eventually(
      sam,
      async () => (await sam.history({})).find((one) => one.id === id && one.reactions?.length),
      "the reaction",
    );
    assert.deepEqual(marked.reactions, [{ from: "rae@office", emoji: "👍" }]);
    await rae.content.reply(id, "no matter");
    const reply = await arrives(sam, "no matter");
    assert.deepEqual(reply.replyTo, { id, from: "sam", quote: "a typo" });
    await sam.content.remove(id);
    await eventually(
      rae,
      async () => (await rae.history({})).find((one) => one.id === id && one.deleted),
      "the deletion",
    );
  });
  await t.step("a whole server can be blocked: what its people write does not come", async () => {
    assert.equal(await rae.requests.block("@mill"), "@mill");
    assert.deepEqual((await rae.requests.blocked()).map(({ name }) => name), ["@mill"]);
    const { id } = await sam.send(direct("rae@office"), "can you hear me?");
    // At her own server, which keeps it from her: she decides there.
    await sam.waitFor(id, "reached", AbortSignal.timeout(60_000));
    const fin = await town.online("fin@mill");
    const first = await fin.send(direct("rae@office"), "I am new here");
    const refused = await fin.waitFor(first.id, "sent", AbortSignal.timeout(60_000));
    assert.deepEqual([refused.state, refused.problemCode], ["failed", "not_accepted"]);
    assert.equal(await rae.requests.unblock("@mill"), "@mill");
    // She has to be asked again, as by a stranger: but this conversation was hers already.
    await heard(sam, direct("rae@office"), "and now?", [[rae, "sam@mill"]]);
    assert.equal((await rae.history({})).some(({ text }) => text === "can you hear me?"), false);
  });
  await t.step(
    "whom one declines or blocks elsewhere is not heard, and not told of it",
    async () => {
      const zoe = await town.online("zoe@mill");
      await zoe.send(direct("rae@office"), "buy tulips");
      assert.equal((await arrives(rae, "buy tulips")).request, true);
      await rae.requests.answer(direct("zoe@mill"), "decline");
      const more = await zoe.send(direct("rae@office"), "and roses");
      assert.equal((await zoe.waitFor(more.id, "sent", AbortSignal.timeout(60_000))).state, "sent");
      await rae.requests.block("SAM@mill");
      const { id } = await sam.send(direct("rae@office"), "are you still there?");
      // At her own server, which keeps it from her: she decides there.
      assert.equal((await sam.waitFor(id, "reached", AbortSignal.timeout(60_000))).state, "sent");
      assert.deepEqual((await rae.requests.blocked()).map(({ name }) => name), ["sam@mill"]);
      await rae.requests.unblock("sam@mill");
      await heard(sam, direct("rae@office"), "and today?", [[rae, "sam@mill"]]);
      const texts = (await rae.history({})).map(({ text }) => text);
      assert.deepEqual(texts.filter((text) => /roses|still there/.test(text)), []);
    },
  );
  await t.step("nobody was warned of anything yet", () => {
    assert.deepEqual([...town.warnings.values()].flat(), []);
  });
  await t.step(
    "while their server is away messages wait where they can, and go by themselves",
    async () => {
      const away = [sam, rae].map((each) => next(each, (event) => event.kind === "link"));
      await town.link("mill", "office", false);
      assert.deepEqual(
        (await Promise.all(away)).map((event) =>
          event.kind === "link" && [event.server, event.linked]
        ),
        [["office", false], ["mill", false]],
      );
      // The hub is the mill: it takes what sam says, and keeps it for the office.
      const { id } = await sam.send(direct("rae@office"), "when you are back");
      await sam.waitFor(id, "sent", AbortSignal.timeout(60_000));
      const waiting = await rae.send(direct("sam@mill"), "from far away");
      const seen = await eventually(
        rae,
        async () => (await rae.history({})).find((one) => one.id === waiting.id && one.away),
        "the reason to wait",
      );
      assert.deepEqual([seen.state, seen.away], ["queued", "mill"]);
      await eventually(
        rae,
        () => town.warnings.get(rae)?.find((text) => /the server mill cannot be/.test(text)),
        "the warning",
      );
      assert.equal((await rae.history({})).some(({ text }) => text === "when you are back"), false);
      await town.link("mill", "office", true);
      await arrives(sam, "from far away");
      await arrives(rae, "when you are back");
      const gone = await rae.waitFor(waiting.id, "delivered", AbortSignal.timeout(60_000));
      assert.equal(gone.away, undefined);
      assert.equal((await sam.waitFor(id, "reached", AbortSignal.timeout(60_000))).id, id);
    },
  );
});

Deno.test("two people who write to each other for the first time at once have one conversation to look at", async () => {
  await using town = await Neighbours.make(["mill", "office"], "--consent", "none");
  const pairs = [];
  for (const name of ["ann", "bea", "cleo"]) {
    pairs.push(
      [
        await town.online(`${name}@mill`),
        await town.online(`${name}@office`),
      ] as const,
    );
  }
  const other = (engine: Engine, house: string) => direct(`${engine.self.name}@${house}`);
  // Each server makes a conversation, or one hears of the other's in time.
  await Promise.all(pairs.flatMap(([here, there]) => [
    here.send(other(there, "office"), "from the mill"),
    there.send(other(here, "mill"), "from the office"),
  ]));
  for (const [here, there] of pairs) {
    for (const each of [here, there]) {
      await arrives(each, "from the mill");
      await arrives(each, "from the office");
    }
    await heard(here, other(there, "office"), "and again", [[there, `${here.self.name}@mill`]]);
    await heard(there, other(here, "mill"), "and back", [[here, `${there.self.name}@office`]]);
    for (const [each, house] of [[here, "office"], [there, "mill"]] as const) {
      const [only, ...more] = (await each.conversations()).filter(({ target }) =>
        target.kind === "direct"
      );
      assert.equal(more.length, 0);
      assert.equal(only?.conversation, `${each.self.name}@${house}`);
      const texts = (await each.history({ target: other(each, house) })).map(({ text }) => text);
      assert.deepEqual(texts.sort(), ["and again", "and back", "from the mill", "from the office"]);
      assert.equal(only?.unread, 2);
      const last = (await each.unread(other(each, house))).at(-1);
      if (last !== undefined) await each.markRead(last);
      assert.deepEqual(await each.unread(other(each, house)), []);
    }
  }
});

Deno.test("devices that come and go on either side of a link", async (t) => {
  await using town = await Neighbours.make(["mill", "office"], "--consent", "none");
  const sam = await town.online("sam@mill");
  const rae = await town.online("rae@office");
  await sam.groups.create("pair", ["rae@office"]);
  await groupAs(rae, "pair", ({ named }) => named);
  await heard(sam, direct("rae@office"), "before", [[rae, "sam@mill"]]);
  await heard(rae, direct("sam@mill"), "indeed", [[sam, "rae@office"]]);
  await rae.archive.settled(AbortSignal.timeout(60_000));

  const second = await town.online("rae@office");
  await t.step(
    "a new device has the history and hears what comes, here and in the group",
    async () => {
      const texts = async () =>
        (await second.history({ target: direct("sam@mill") })).map((
          { from, text },
        ) => [from, text]);
      await eventually(
        second,
        async () => (await texts()).length === 2 || undefined,
        "the history",
      );
      assert.deepEqual(await texts(), [["sam@mill", "before"], ["rae", "indeed"]]);
      await heard(sam, direct("rae@office"), "for both", [[rae, "sam@mill"], [second, "sam@mill"]]);
      await heard(second, direct("sam@mill"), "from the new one", [[sam, "rae@office"], [
        rae,
        "rae",
      ]]);
      await heard(sam, group("pair"), "all of us", [[rae, "sam@mill"], [second, "sam@mill"]]);
      assert.match(warned(town, sam), /rae@office uses a new device/);
    },
  );
  await t.step("a device that is removed hears nothing more, and the others are told", async () => {
    await second.devices.revoke(rae.self.device);
    await eventually(
      sam,
      () => gone("rae@office").test(warned(town, sam)) || undefined,
      "the removal",
    );
    await heard(sam, direct("rae@office"), "without the old one", [[second, "sam@mill"]]);
    await heard(sam, group("pair"), "nor here", [[second, "sam@mill"]]);
    const old = (await rae.history({})).map(({ text }) => text);
    assert.deepEqual(old.filter((text) => ["without the old one", "nor here"].includes(text)), []);
  });
  await t.step(
    "a device that comes while the other server is away enters when it is back",
    async () => {
      await town.link("mill", "office", false);
      const isIn = await entering(sam, "rae@office came with a new device");
      const third = await town.online("rae@office");
      await town.link("mill", "office", true);
      await heard(sam, direct("rae@office"), "for the third", [[second, "sam@mill"]]);
      await isIn();
      await heard(third, direct("sam@mill"), "it is here", [[sam, "rae@office"], [second, "rae"]]);
      await heard(sam, group("pair"), "and in the group", [[third, "sam@mill"]]);
      // That the group has a name by now is told with its latest line, where one has come since the device is there.
      await groupAs(third, "pair", ({ named }) => named);
      await second.devices.revoke(third.self.device);
    },
  );
  await t.step("the same on the side that orders the conversation", async () => {
    const isIn = await entering(second, "sam@mill came with a new device");
    const another = await town.online("sam@mill");
    await isIn();
    await heard(second, direct("sam@mill"), "to both of you", [[sam, "rae@office"], [
      another,
      "rae@office",
    ]]);
    await heard(second, group("pair"), "to whoever is new", [[another, "rae@office"]]);
    await groupAs(another, "pair", ({ named }) => named);
    await heard(another, group("pair"), "hello from the new one", [[second, "sam@mill"]]);
    await another.devices.revoke(sam.self.device);
    await eventually(
      second,
      () => gone("sam@mill").test(warned(town, second)) || undefined,
      "the removal",
    );
    await heard(second, group("pair"), "the end", [[another, "rae@office"]]);
  });
});

/** What waits until there is one more line of this text than there is now. */
async function entering(engine: Engine, text: string): Promise<() => Promise<unknown>> {
  const lines = async () => (await engine.history({})).filter((one) => one.text === text).length;
  const before = await lines();
  return () => eventually(engine, async () => await lines() > before || undefined, text);
}

// Any member may come to take it out of the conversation, and is told then which conversation that was.
const gone = (name: string) =>
  new RegExp(`a device (of ${name} was removed|was removed from the conversation with ${name})`);

const warned = (town: Neighbours, engine: Engine) => town.warnings.get(engine)?.join("; ") ?? "";
