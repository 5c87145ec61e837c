import assert from "node:assert/strict";
import { message, shown } from "./kit.ts";
import { spoiltCommit } from "./repair_kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const test = storiesOf("what could not be read");

test("what could not be read is asked for by itself, and comes as it was said", async (village) => {
  const erikFacts = await village.device("erik");
  const erik = await village.open(erikFacts);
  const samFacts = await village.device("sam");
  const sam = await village.open(samFacts, { random: () => 0 });
  await erik.send(to("sam"), "before");
  await message(sam, "before");
  await Promise.all([erik.stop(), sam.stop()]);

  // Sam cannot follow the commit, and so has no keys for what comes after it.
  await spoiltCommit(village, erikFacts);
  const again = await village.open(erikFacts, { random: () => 0 });
  const said = await again.send(to("sam"), "words that were lost");
  await again.waitFor(said.id, "sent");
  const back = await village.open(samFacts, { random: () => 0 });
  const found = await message(back, "words that were lost");
  assert.deepEqual([found.id, found.from, found.own, found.sentAt], [
    said.id,
    "erik",
    false,
    said.sentAt,
  ]);
  const texts = (await back.history({})).map(({ kind, text }) => [kind, text]);
  assert.deepEqual(texts.filter(([kind]) => kind === "text"), [["text", "before"], [
    "text",
    "words that were lost",
  ]]);
  assert.ok(!texts.some(([, text]) => text?.startsWith("waiting for keys")));
});

test("while its author is away, what could not be read is shown as waiting for keys", async (village) => {
  const erikFacts = await village.device("erik2");
  const erik = await village.open(erikFacts);
  const samFacts = await village.device("sam2");
  const sam = await village.open(samFacts, { random: () => 0 });
  await erik.send(to("sam2"), "before");
  await message(sam, "before");
  await Promise.all([erik.stop(), sam.stop()]);
  await spoiltCommit(village, erikFacts);
  const again = await village.open(erikFacts, { random: () => 0 });
  const said = await again.send(to("sam2"), "words that wait");
  await again.waitFor(said.id, "sent");
  await again.stop();

  const back = await village.open(samFacts, { random: () => 0 });
  const waiting = await shown(back, ({ id }) => id === said.id, "the line in its place");
  assert.deepEqual([waiting.kind, waiting.read], ["unreadable", false]);
  assert.match(waiting.text, /^waiting for keys: .*it is asked for again$/);
  await village.open(erikFacts, { random: () => 0 });
  assert.equal((await message(back, "words that wait")).id, said.id);
});
