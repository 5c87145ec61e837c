/** A server that tells of what does not exist cannot make a client deaf for what comes later. */
import assert from "node:assert/strict";
import type { Arrived } from "../../../lib/wire/messages.ts";
import { EvilServer } from "./evil.ts";
import { message, nextEvent } from "./kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const lobby = { kind: "lobby" } as const;

/** Alice, and bobby behind a server that lies; they have talked. */
async function talking(village: Village) {
  const facts = await village.device("bobby");
  const evil = EvilServer.start(village, facts);
  const bobby = await village.open(facts, { port: evil.port });
  const alice = await village.online("alice");
  await alice.send(to("bobby"), "one");
  await message(bobby, "one");
  return { facts, evil, bobby, alice };
}

/** Rows of messages lie so much further than they do. */
const later = (by: number) => (arrived: Arrived): Arrived => {
  const { message } = arrived;
  if (message.type !== "message") return arrived;
  return { ...arrived, message: { ...message, seq: message.seq + by } };
};

Deno.test("a row far beyond the end of its log ends the connection, and the true one is read afterwards", async () => {
  await using village = await Village.make();
  const { evil, bobby, alice } = await talking(village);
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

Deno.test("a cursor that a lie has moved beyond the end of the log goes back when the log is listed", async () => {
  await using village = await Village.make();
  const { facts, evil, bobby, alice } = await talking(village);
  await using _ = evil;
  evil.bend = later(50_000);
  await alice.send(to("bobby"), "two");
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
  await alice.send(to("bobby"), "three");
  await message(honest, "three");
  const texts = (await honest.history({ target: to("alice") })).map(({ text }) => text);
  assert.deepEqual(texts, ["one", "two", "three"]);
});

Deno.test("a lobby that is said to be longer than it is hides no post for good", async () => {
  await using village = await Village.make();
  const facts = await village.device("bobby");
  await using evil = EvilServer.start(village, facts);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "lobby.fetch.ok") return arrived;
    return { ...arrived, message: { ...message, head: message.head + 1_000_000_000 } };
  };
  const alice = await village.online("alice");
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

Deno.test("who tells the truth is never accused: messages by hundreds, reconnects, two devices", async () => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const [first, second] = [await village.device("bobby"), await village.device("bobby")];
  for (const facts of [first, second]) await village.briefly(facts);
  for (let at = 0; at < 300; at++) await alice.send(to("bobby"), `message ${at}`);
  for (const facts of [first, second, first]) {
    const bobby = village.engine(facts);
    const warnings: string[] = [];
    bobby.subscribe((event) => {
      if (event.kind === "warning") warnings.push(event.text);
    });
    await bobby.start({ receive: true, keepTrying: false });
    await bobby.caughtUp(AbortSignal.timeout(60_000));
    for (let at = 0; at < 20; at++) await bobby.send(to("alice"), `answer ${at}`);
    await bobby.send(lobby, "hello");
    await bobby.stop();
    assert.deepEqual(warnings.filter((text) => /lied|cannot be there/.test(text)), []);
  }
});
