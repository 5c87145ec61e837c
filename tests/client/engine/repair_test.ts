import assert from "node:assert/strict";
import { startChild } from "./children.ts";
import { message, nextEvent, patience } from "./kit.ts";
import { latestCommit, refuse, spoiltCommit, threadOf } from "./repair_kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const warned = (text: RegExp) => (event: { readonly kind: string; readonly text?: string }) =>
  event.kind === "warning" && text.test(event.text ?? "");

Deno.test("a commit that two devices cannot apply is taken back by itself, and everybody goes on", async () => {
  await using village = await Village.make();
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

Deno.test("whoever had applied a commit that is taken back returns, and sends again what was said since", async () => {
  await using village = await Village.make();
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const [laptopFacts, phoneFacts] = [await village.device("sam"), await village.device("sam")];
  const laptop = await village.open(laptopFacts);
  await village.briefly(phoneFacts);
  await erik.send(to("sam"), "before");
  await message(laptop, "before");
  await laptop.stop();
  await village.briefly(phoneFacts);

  await erik.rekey(to("sam"));
  const said = await erik.send(to("sam"), "in an epoch that will not have been");
  await erik.waitFor(said.id, "sent");
  const { epoch } = threadOf(erikFacts);
  const commit = await latestCommit(village, laptopFacts);
  const back = nextEvent(erik, warned(/your change .* devices of sam .* taken back/));
  await refuse(village, laptopFacts, commit);
  assert.equal((await refuse(village, phoneFacts, commit)).rolledBack, true);
  await back;
  await erik.send(to("sam"), "after");

  // They had not even looked at it: the commit and what was sent after it are passed over, and come anew.
  for (const facts of [laptopFacts, phoneFacts]) {
    const engine = await village.open(facts);
    await message(engine, "after");
    const texts = (await engine.history({ target: to("erik") })).map(({ text }) => text);
    assert.deepEqual(texts.filter((text) => !text.startsWith("a message")), [
      "before",
      "in an epoch that will not have been",
      "after",
    ]);
  }
  assert.equal(threadOf(erikFacts).epoch, epoch - 1);
});

Deno.test("when there is nobody to second it, the one device that cannot apply a commit enters the group anew", async () => {
  await using village = await Village.make();
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const sam = await village.online("sam");
  await erik.send(to("sam"), "before");
  await message(sam, "before");
  await erik.stop();
  await spoiltCommit(village, erikFacts);
  const again = await village.open(erikFacts);
  await again.send(to("sam"), "after");
  await message(sam, "after");
  await sam.send(to("erik"), "and back");
  await message(again, "and back");
  assert.equal(threadOf(erikFacts).incarnation, 0);
});

Deno.test("a group that nobody can enter any more is made anew in the same conversation", async () => {
  await using village = await Village.make();
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const samFacts = await village.device("sam");
  const sam = await village.open(samFacts, { random: () => 0 });
  await erik.send(to("sam"), "before");
  await message(sam, "before");
  const { conversation } = threadOf(erikFacts);
  await erik.stop();

  await spoiltCommit(village, erikFacts, { groupInfo: true });
  const again = await village.open(erikFacts);
  await sam.send(to("erik"), "after");
  await message(again, "after");
  await again.send(to("sam"), "and back");
  await message(sam, "and back");
  for (const facts of [erikFacts, samFacts]) {
    const thread = threadOf(facts);
    assert.deepEqual([thread.conversation, thread.incarnation], [conversation, 1]);
  }
});

Deno.test("members of a group take back what they cannot apply, and the group goes on with everybody", async () => {
  await using village = await Village.make();
  const aliceFacts = await village.device("alice");
  const alice = await village.open(aliceFacts);
  const bobbyFacts = await village.device("bobby");
  const [bobby, carol] = [await village.open(bobbyFacts), await village.online("carol")];
  await village.online("david");
  const team = { kind: "group", name: "team" } as const;
  await alice.groups.create("team", ["bobby", "carol"]);
  await alice.send(team, "before");
  for (const each of [bobby, carol]) await message(each, "before");
  await alice.stop();

  const back = [bobby, carol].map((each) => nextEvent(each, warned(/was taken back/)));
  await spoiltCommit(village, aliceFacts);
  await Promise.all(back);
  assert.equal(threadOf(bobbyFacts).incarnation, 1);

  const again = await village.open(aliceFacts);
  await again.groups.add(team, ["david"]);
  await again.send(team, "after");
  for (const each of [bobby, carol]) await message(each, "after");
  await carol.send(team, "and back");
  for (const each of [again, bobby]) await message(each, "and back");
});

Deno.test("what a commit did that is taken back is told by name, and done again or asked for", async () => {
  await using village = await Village.make();
  const [alice, bobby] = [await village.online("alice"), await village.device("bobby")];
  const [carol, eve] = [await village.device("carol"), await village.online("eve")];
  await village.online("david");
  for (const facts of [bobby, carol]) await village.briefly(facts);
  const team = { kind: "group", name: "team" } as const;
  await alice.groups.create("team", ["bobby", "carol", "eve"]);
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

  await alice.groups.add(team, ["david"]);
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
      "a change was taken back: david is not in the group after all (again: /group add team david)",
    ),
    own.join("\n"),
  );
  await nextEvent(
    eve,
    ({ kind, ...event }) =>
      kind === "message" && "message" in event &&
      event.message.text === "a change was taken back: david is not in the group after all",
    { after: 0, what: "the line" },
  );

  // A removal is done once more by itself.
  await village.briefly(carol);
  await village.briefly(bobby);
  await alice.groups.remove(team, ["eve"]);
  await takeBack();
  await nextEvent(
    alice,
    ({ kind, ...event }) =>
      kind === "message" && "message" in event &&
      /^a change was taken back: eve is in the group again, and/.test(event.message.text),
    { after: 0, what: "the line" },
  );
  for (;;) {
    const { members } = await alice.groups.info(team);
    if (!members.some(({ name }) => name === "eve")) break;
    await nextEvent(alice, () => true);
  }
});

Deno.test("a device that was killed while it stood before such a commit goes on with that when it is back", async () => {
  await using village = await Village.make();
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const [laptopFacts, phoneFacts] = [await village.device("sam"), await village.device("sam")];
  for (const facts of [laptopFacts, phoneFacts]) await village.briefly(facts);
  await erik.send(to("sam"), "before");
  await erik.waitFor((await erik.send(to("sam"), "and this")).id, "sent");
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
  await laptop.send(to("erik"), "after");
  await message(phone, "after");
});
