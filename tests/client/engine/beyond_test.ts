/** A server that tells of what does not exist cannot make a client deaf for what comes later. */
import assert from "node:assert/strict";
import type { Arrived } from "../../../lib/wire/messages.ts";
import { EvilServer } from "./evil.ts";
import { message, nextEvent } from "./kit.ts";
import { storiesOf } from "./stories.ts";
import type { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const lobby = { kind: "lobby" } as const;

/** Alice, and bobby behind a server that lies; they have talked. */
async function talking(village: Village, names: readonly [string, string]) {
  const facts = await village.device(names[1]);
  const evil = EvilServer.start(village, facts);
  const bobby = await village.open(facts, { port: evil.port });
  const alice = await village.online(names[0]);
  await alice.send(to(names[1]), "one");
  await message(bobby, "one");
  return { facts, evil, bobby, alice };
}

/** Rows of messages lie so much further than they do. */
const later = (by: number) => (arrived: Arrived): Arrived => {
  const { message } = arrived;
  if (message.type !== "message") return arrived;
  return { ...arrived, message: { ...message, seq: message.seq + by } };
};

const test = storiesOf("rows that cannot be");

test("a row far beyond the end of its log ends the connection, and the true one is read afterwards", async (village) => {
  const { evil, bobby, alice } = await talking(village, ["alice", "bobby"]);
  await using _ = evil;
  evil.bend = later(1_000_000_000);
  const warned = nextEvent(
    bobby,
    (event) => event.kind === "warning" && /cannot be there/.test(event.text),
  );
  await alice.send(to("bobby"), "two");
  await warned;
  evil.bend = (arrived) => arrived;
  await message(bobby, "two");
  await alice.send(to("bobby"), "three");
  await message(bobby, "three");
});

test("a cursor that a lie has moved beyond the end of the log goes back when the log is listed", async (village) => {
  const { facts, evil, bobby, alice } = await talking(village, ["alice2", "bobby2"]);
  await using _ = evil;
  evil.bend = later(50_000);
  await alice.send(to("bobby2"), "two");
  await message(bobby, "two");
  await bobby.stop();
  const honest = village.engine(facts);
  const warned = nextEvent(
    honest,
    (event) => event.kind === "warning" && /ends before what it showed/.test(event.text),
  );
  await honest.start({ receive: true, keepTrying: false });
  await warned;
  await honest.caughtUp(AbortSignal.timeout(60_000));
  await alice.send(to("bobby2"), "three");
  await message(honest, "three");
  const texts = (await honest.history({ target: to("alice2") })).map(({ text }) => text);
  assert.deepEqual(texts, ["one", "two", "three"]);
});

test("a lobby that is said to be longer than it is hides no post for good", async (village) => {
  const facts = await village.device("bobby3");
  await using evil = EvilServer.start(village, facts);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "lobby.fetch.ok") return arrived;
    return { ...arrived, message: { ...message, head: message.head + 1_000_000_000 } };
  };
  const alice = await village.online("alice3");
  await alice.send(lobby, "good morning");
  await message(alice, "good morning");
  const bobby = await village.open(facts, { port: evil.port });
  await message(bobby, "good morning");
  evil.bend = (arrived) => arrived;
  // Within the same session, and in the next one.
  await alice.send(lobby, "good day");
  await message(bobby, "good day");
  await bobby.stop();
  const again = await village.open(facts);
  await alice.send(lobby, "good evening");
  await message(again, "good evening");
  const texts = (await again.history({ target: lobby })).map(({ text }) => text);
  assert.deepEqual(texts, ["good morning", "good day", "good evening"]);
});

test("who tells the truth is never accused: messages by hundreds, reconnects, two devices", async (village) => {
  const alice = await village.online("alice4");
  const [first, second] = [await village.device("bobby4"), await village.device("bobby4")];
  for (const facts of [first, second]) await village.briefly(facts);
  for (let at = 0; at < 300; at++) await alice.send(to("bobby4"), `message ${at}`);
  for (const facts of [first, second, first]) {
    const bobby = village.engine(facts);
    const warnings: string[] = [];
    bobby.subscribe((event) => {
      if (event.kind === "warning") warnings.push(event.text);
    });
    await bobby.start({ receive: true, keepTrying: false });
    await bobby.caughtUp(AbortSignal.timeout(60_000));
    for (let at = 0; at < 20; at++) await bobby.send(to("alice4"), `answer ${at}`);
    await bobby.send(lobby, "hello");
    await bobby.stop();
    assert.deepEqual(warnings.filter((text) => /lied|cannot be there/.test(text)), []);
  }
});
