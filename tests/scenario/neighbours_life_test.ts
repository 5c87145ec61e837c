/** What happens to a conversation in its life, with one person on its hub and one on a server that follows. */
import assert from "node:assert/strict";
import type { Engine } from "../../client/engine/api.ts";
import type { DeviceFacts } from "../client/engine/kit.ts";
import { spoiltCommit, threadOf } from "../client/engine/repair_kit.ts";
import { arrives, direct, eventually, heard, Neighbours } from "../kit/neighbours.ts";

/** Always the shortest pause. */
const hasty = { random: () => 0 };

const patience = () => AbortSignal.timeout(60_000);

const readable = async (engine: Engine) =>
  (await engine.history({})).flatMap(({ kind, text }) => kind === "text" ? [text] : []);

/** Copies a device's folder; its engine must have stopped. */
async function copy(facts: DeviceFacts): Promise<DeviceFacts> {
  const folder = `${facts.folder}-copy`;
  await Deno.mkdir(folder);
  for await (const { name } of Deno.readDir(facts.folder)) {
    await Deno.copyFile(`${facts.folder}/${name}`, `${folder}/${name}`);
  }
  return { ...facts, folder, instance: crypto.randomUUID() };
}

Deno.test("what can happen to a conversation of two happens across servers too", async (t) => {
  await using town = await Neighbours.make(["mill", "office"], "--consent", "none");
  const pinned = (house: string) => town.house(house).server.pinned();
  const samFacts = await town.device("sam@mill");
  const raeFacts = await town.device("rae@office");
  let [sam, rae] = [await town.open(samFacts, hasty), await town.open(raeFacts, hasty)];
  const [toRae, toSam] = [direct("rae@office"), direct("sam@mill")];
  const bothTalk = async (text: string) => {
    await heard(sam, toRae, `${text}, from the mill`, [[rae, "sam@mill"]]);
    await heard(rae, toSam, `${text}, from the office`, [[sam, "rae@office"]]);
  };
  await bothTalk("hello");

  await t.step("fresh keys from either side", async () => {
    const { epoch } = threadOf(samFacts);
    await rae.rekey(toSam);
    await bothTalk("rekeyed by the office");
    await sam.rekey(toRae);
    await bothTalk("rekeyed by the mill");
    assert.equal(threadOf(samFacts).epoch, epoch + 2);
    assert.equal(threadOf(raeFacts).epoch, epoch + 2);
  });

  for (
    const [name, facts, other] of [
      ["follower", raeFacts, samFacts],
      ["hub", samFacts, raeFacts],
    ] as const
  ) {
    await t.step(`what could not be read is said again by whoever is at the ${name}`, async () => {
      const house = name === "hub" ? "mill" : "office";
      const [to, back] = name === "hub" ? [toRae, toSam] : [toSam, toRae];
      await Promise.all([sam.stop(), rae.stop()]);
      await spoiltCommit({ pinned: await pinned(house) }, facts);
      const author = await town.open(facts, hasty);
      const said = await author.send(to, `words of the ${name} that were lost`);
      await author.waitFor(said.id, "sent", patience());
      const reader = await town.open(other, hasty);
      const got = await arrives(reader, `words of the ${name} that were lost`);
      assert.deepEqual([got.id, got.kind, got.sentAt], [said.id, "text", said.sentAt]);
      await heard(reader, back, `thanks to the ${name}`, [[
        author,
        name === "hub" ? "rae@office" : "sam@mill",
      ]]);
      [sam, rae] = name === "hub" ? [author, reader] : [reader, author];
      await bothTalk(`after the ${name}`);
    });
    await t.step(`made anew after whoever is at the ${name} spoilt it`, async () => {
      const house = name === "hub" ? "mill" : "office";
      const { conversation, incarnation } = threadOf(facts);
      await (name === "hub" ? sam : rae).stop();
      await spoiltCommit({ pinned: await pinned(house) }, facts, { groupInfo: true });
      const again = await town.open(facts, hasty);
      if (name === "hub") sam = again;
      else rae = again;
      await bothTalk(`anew after the ${name}`);
      for (const each of [samFacts, raeFacts]) {
        const thread = threadOf(each);
        assert.deepEqual([thread.conversation, thread.incarnation], [
          conversation,
          incarnation + 1,
        ]);
      }
    });
  }

  await t.step("a profile that is put back joins again and gets back what it lost", async () => {
    for (const side of ["office", "mill"] as const) {
      const facts = side === "office" ? raeFacts : samFacts;
      const engine = side === "office" ? rae : sam;
      await engine.archive.settled(patience());
      await engine.stop();
      const old = await copy(facts);
      const later = await town.open(facts, hasty);
      if (side === "office") rae = later;
      else sam = later;
      await bothTalk(`not in the copy of the ${side}`);
      await later.archive.settled(patience());
      const before = await readable(later);
      await later.stop();
      const restored = await town.open(old, hasty);
      if (side === "office") rae = restored;
      else sam = restored;
      await eventually(
        restored,
        () => town.warnings.get(restored)?.find((text) => /put back/.test(text)),
        "the warning",
      );
      await bothTalk(`after the copy of the ${side}`);
      await restored.archive.settled(patience());
      const texts = await readable(restored);
      assert.deepEqual(texts.slice(0, before.length), before);
      assert.equal(texts.length, before.length + 2);
    }
  });

  await t.step("blocked and let in again", async () => {
    await rae.requests.block("sam@mill");
    const lost = await sam.send(toRae, "can you hear me?");
    // At her own server, which keeps it from her: she decides there.
    await sam.waitFor(lost.id, "reached", patience());
    await rae.requests.unblock("sam@mill");
    await bothTalk("unblocked");
    assert.equal((await readable(rae)).includes("can you hear me?"), false);
    await sam.requests.block("rae@office");
    const unheard = await rae.send(toSam, "and you?");
    await rae.waitFor(unheard.id, "sent", patience());
    await sam.requests.unblock("rae@office");
    await bothTalk("unblocked again");
    assert.equal((await readable(sam)).includes("and you?"), false);
  });

  await t.step("disappearing messages", async () => {
    const set = await rae.content.expire(toSam, 60_000);
    await rae.content.settled(set.id, patience());
    await arrives(sam, "rae@office made messages disappear 1 min after they are read");
    const sent = await sam.send(toRae, "this goes");
    const got = await arrives(rae, "this goes");
    await rae.markRead(got);
    assert.ok((await rae.content.find(got.id)).expiresAt);
    assert.ok((await sam.content.find(sent.id)).expiresAt);
    const off = await sam.content.expire(toRae, 0);
    await sam.content.settled(off.id, patience());
  });

  await t.step("a file that is on its way while both servers are started anew", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const whole = new Uint8Array(4 * 1024 * 1024 + 77).map((_, at) => bytes[at % 65_521] ?? 0);
    const { path: home } = town.house("mill").home;
    await Deno.writeFile(`${home}/plan.txt`, whole);
    const { id } = await sam.files.send({ target: toRae, path: `${home}/plan.txt` });
    await eventually(rae, async () => (await rae.files.list()).find((one) => one.id === id), "it");
    const restart = async (name: string) => {
      await town.house(name).kill();
      await town.house(name).again();
    };
    let restarted: Promise<unknown> | undefined;
    const seen: number[] = [];
    const saved = await rae.files.get({ id, place: { kind: "folder", path: home } }, {
      onProgress: ({ done }) => {
        seen.push(done);
        restarted ??= Promise.all([restart("office"), restart("mill")]);
      },
    });
    await restarted;
    assert.deepEqual(await Deno.readFile(saved.path), whole);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b), "what was here is not fetched again");
  });

  await t.step("whoever asks before its server is linked again waits for that", async () => {
    await bothTalk("after all that");
  });

  await t.step("a device that comes now has everything but what disappears", async () => {
    await rae.archive.settled(patience());
    const before = (await readable(rae)).filter((text) => text !== "this goes");
    const next = await town.online("rae@office", hasty);
    await next.archive.fetched(patience());
    assert.deepEqual(await readable(next), before);
    await heard(sam, toRae, "for both", [[rae, "sam@mill"], [next, "sam@mill"]]);
  });
});
