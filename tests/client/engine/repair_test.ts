import assert from "node:assert/strict";
import { startChild } from "./children.ts";
import { message, nextEvent, patience, until } from "./kit.ts";
import { latestCommit, refuse, spoiltCommit, threadOf } from "./repair_kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const warned = (text: RegExp) => (event: { readonly kind: string; readonly text?: string }) =>
  event.kind === "warning" && text.test(event.text ?? "");

const test = storiesOf("what cannot be applied");

test("a commit that two devices cannot apply is taken back by itself, and everybody goes on", async (village) => {
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const laptopFacts = await village.device("sam");
  const [laptop, phone] = [await village.open(laptopFacts), await village.online("sam")];
  await erik.send(to("sam"), "before");
  for (const each of [laptop, phone]) await message(each, "before");
  await erik.stop();

  const back = [laptop, phone].map((each) => nextEvent(each, warned(/was taken back/)));
  await spoiltCommit(village, erikFacts);
  await Promise.all(back);

  const again = await village.open(erikFacts);
  await again.send(to("sam"), "after");
  for (const each of [laptop, phone]) await message(each, "after");
  await laptop.send(to("erik"), "and back");
  await message(again, "and back");
  assert.equal(threadOf(laptopFacts).incarnation, 1);
});

test("whoever had applied a commit that is taken back returns, and sends again what was said since", async (village) => {
  const erikFacts = await village.device("erik2");
  const erik = await village.open(erikFacts);
  const [laptopFacts, phoneFacts] = [await village.device("sam2"), await village.device("sam2")];
  const laptop = await village.open(laptopFacts);
  await village.briefly(phoneFacts);
  await erik.send(to("sam2"), "before");
  await message(laptop, "before");
  await laptop.stop();
  await village.briefly(phoneFacts);

  await erik.rekey(to("sam2"));
  const said = await erik.send(to("sam2"), "in an epoch that will not have been");
  await erik.waitFor(said.id, "sent");
  const { epoch } = threadOf(erikFacts);
  const commit = await latestCommit(village, laptopFacts);
  const back = nextEvent(erik, warned(/your change .* devices of sam2 .* taken back/));
  await refuse(village, laptopFacts, commit);
  assert.equal((await refuse(village, phoneFacts, commit)).rolledBack, true);
  await back;
  await erik.send(to("sam2"), "after");

  // They had not even looked at it: the commit and what was sent after it are passed over, and come anew.
  for (const facts of [laptopFacts, phoneFacts]) {
    const engine = await village.open(facts);
    await message(engine, "after");
    const texts = (await engine.history({ target: to("erik2") })).map(({ text }) => text);
    assert.deepEqual(texts.filter((text) => !text.startsWith("a message")), [
      "before",
      "in an epoch that will not have been",
      "after",
    ]);
  }
  assert.equal(threadOf(erikFacts).epoch, epoch - 1);
});

test("when there is nobody to second it, the one device that cannot apply a commit enters the group anew", async (village) => {
  const erikFacts = await village.device("erik3");
  const erik = await village.open(erikFacts);
  const sam = await village.online("sam3");
  await erik.send(to("sam3"), "before");
  await message(sam, "before");
  await erik.stop();
  await spoiltCommit(village, erikFacts);
  const again = await village.open(erikFacts);
  await again.send(to("sam3"), "after");
  await message(sam, "after");
  await sam.send(to("erik3"), "and back");
  await message(again, "and back");
  assert.equal(threadOf(erikFacts).incarnation, 0);
});

test("a group that nobody can enter any more is made anew in the same conversation", async (village) => {
  const erikFacts = await village.device("erik4");
  const erik = await village.open(erikFacts);
  const samFacts = await village.device("sam4");
  const sam = await village.open(samFacts, { random: () => 0 });
  await erik.send(to("sam4"), "before");
  await message(sam, "before");
  const { conversation } = threadOf(erikFacts);
  await erik.stop();

  await spoiltCommit(village, erikFacts, { groupInfo: true });
  const again = await village.open(erikFacts);
  await sam.send(to("erik4"), "after");
  await message(again, "after");
  await again.send(to("sam4"), "and back");
  await message(sam, "and back");
  for (const facts of [erikFacts, samFacts]) {
    const thread = threadOf(facts);
    assert.deepEqual([thread.conversation, thread.incarnation], [conversation, 1]);
  }
});

test("members of a group take back what they cannot apply, and the group goes on with everybody", async (village) => {
  const aliceFacts = await village.device("alice5");
  const alice = await village.open(aliceFacts);
  const bobbyFacts = await village.device("bobby5");
  const [bobby, carol] = [await village.open(bobbyFacts), await village.online("carol5")];
  await village.online("david5");
  const team = { kind: "group", name: "team" } as const;
  await alice.groups.create("team", ["bobby5", "carol5"]);
  await alice.send(team, "before");
  for (const each of [bobby, carol]) await message(each, "before");
  await alice.stop();

  const back = [bobby, carol].map((each) => nextEvent(each, warned(/was taken back/)));
  await spoiltCommit(village, aliceFacts);
  await Promise.all(back);
  assert.equal(threadOf(bobbyFacts).incarnation, 1);

  const again = await village.open(aliceFacts);
  await again.groups.add(team, ["david5"]);
  await again.send(team, "after");
  for (const each of [bobby, carol]) await message(each, "after");
  await carol.send(team, "and back");
  for (const each of [again, bobby]) await message(each, "and back");
});

test("what a commit did that is taken back is told by name, and done again or asked for", async (village) => {
  const [alice, bobby] = [await village.online("alice6"), await village.device("bobby6")];
  const [carol, eve] = [await village.device("carol6"), await village.online("eve6")];
  await village.online("david6");
  for (const facts of [bobby, carol]) await village.briefly(facts);
  const team = { kind: "group", name: "team" } as const;
  await alice.groups.create("team", ["bobby6", "carol6", "eve6"]);
  await eve.caughtUp();
  for (const facts of [bobby, carol]) await village.briefly(facts);
  const said = await alice.send(team, "before");
  await message(eve, "before");
  const takeBack = async () => {
    const commit = await latestCommit(village, bobby);
    await refuse(village, bobby, commit);
    assert.equal((await refuse(village, carol, commit)).rolledBack, true);
  };
  const lines = async (engine: typeof alice) =>
    (await engine.history({ target: team })).map(({ text }) => text);

  await alice.groups.add(team, ["david6"]);
  await alice.content.settled((await alice.content.react(said.id, "👍")).id, patience());
  await alice.content.settled((await alice.content.edit(said.id, "edited")).id, patience());
  const back = nextEvent(alice, warned(/was taken back/));
  await takeBack();
  await back;
  // What was said of a message in that epoch comes once more, to those who had not read it either.
  const late = await village.open(bobby);
  await nextEvent(
    late,
    (event) =>
      "message" in event && event.message.id === said.id && event.message.text === "edited" &&
      event.message.reactions?.[0]?.emoji === "👍",
    { after: 0, what: "the edit and the reaction" },
  );
  await late.stop();
  const own = await lines(alice);
  assert.ok(
    own.includes(
      "a change was taken back: david6 is not in the group after all (again: /group add team david6)",
    ),
    own.join("\n"),
  );
  await nextEvent(
    eve,
    ({ kind, ...event }) =>
      kind === "message" && "message" in event &&
      event.message.text === "a change was taken back: david6 is not in the group after all",
    { after: 0, what: "the line" },
  );

  // A removal is done once more by itself.
  await village.briefly(carol);
  await village.briefly(bobby);
  await alice.groups.remove(team, ["eve6"]);
  await takeBack();
  await nextEvent(
    alice,
    ({ kind, ...event }) =>
      kind === "message" && "message" in event &&
      /^a change was taken back: eve6 is in the group again, and/.test(event.message.text),
    { after: 0, what: "the line" },
  );
  await until(alice, "eve is out", async () => {
    const { members } = await alice.groups.info(team);
    return !members.some(({ name }) => name === "eve6");
  });
});

test("a device that was killed while it stood before such a commit goes on with that when it is back", async (village) => {
  const erikFacts = await village.device("erik7");
  const erik = await village.open(erikFacts);
  const [laptopFacts, phoneFacts] = [await village.device("sam7"), await village.device("sam7")];
  for (const facts of [laptopFacts, phoneFacts]) await village.briefly(facts);
  await erik.send(to("sam7"), "before");
  await erik.waitFor((await erik.send(to("sam7"), "and this")).id, "sent");
  for (const facts of [laptopFacts, phoneFacts]) await village.briefly(facts);
  await erik.stop();
  const commit = await spoiltCommit(village, erikFacts);

  await using dying = await startChild(laptopFacts, ["listen"], { crashAt: "client:stored" });
  assert.equal((await dying.ended).code, 137);
  const laptop = await village.open(laptopFacts);
  const back = nextEvent(laptop, warned(/was taken back/));
  assert.equal((await refuse(village, phoneFacts, commit)).rolledBack, true);
  await back;
  const phone = await village.open(phoneFacts);
  await laptop.send(to("erik7"), "after");
  await message(phone, "after");
});
