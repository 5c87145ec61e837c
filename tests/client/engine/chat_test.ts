import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { message, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

async function texts(engine: Engine, name: string): Promise<string[]> {
  return (await engine.history({ target: to(name) })).map(({ from, text }) => `${from}: ${text}`);
}

const test = storiesOf("two people talk");

test("two people talk live, both ways, and see how far their messages got", async (village) => {
  const [alice, bobby] = [await village.online("alice"), await village.online("bobby")];
  const sent = await alice.send(to("bobby"), "hello");
  assert.equal(sent.state, "queued");
  const got = await message(bobby, "hello");
  assert.deepEqual([got.from, got.conversation, got.kind, got.own], [
    "alice",
    "alice",
    "text",
    false,
  ]);
  assert.equal((await alice.waitFor(sent.id, "delivered", patience())).state, "delivered");
  await bobby.send(to("ALICE"), "hi");
  await message(alice, "hi");
  assert.equal((await bobby.unread(to("alice"))).length, 1);
  await bobby.markRead(got);
  assert.equal((await bobby.unread(to("alice"))).length, 0);
  const read = await alice.waitFor(sent.id, "read", patience());
  assert.ok(read.deliveredAt !== undefined && read.readAt !== undefined);
  assert.deepEqual(await texts(alice, "bobby"), ["alice: hello", "bobby: hi"]);
  assert.deepEqual(await texts(bobby, "alice"), ["alice: hello", "bobby: hi"]);
});

test("a message to somebody who is away waits at the server", async (village) => {
  const alice = await village.online("alice2");
  const facts = await village.device("bobby2");
  await village.briefly(facts);
  const sent = await alice.send(to("bobby2"), "for later");
  await alice.waitFor(sent.id, "sent", patience());
  const bobby = await village.open(facts, { receive: true });
  const got = await message(bobby, "for later");
  assert.equal(got.read, false);
  await alice.waitFor(sent.id, "delivered", patience());
});

test("a message written while offline goes out with the next connection", async (village) => {
  const facts = await village.device("alice3");
  const bobby = await village.online("bobby3");
  const alice = village.engine(facts);
  const queued = await alice.send(to("bobby3"), "written offline");
  await alice.start({ receive: false, keepTrying: false });
  await alice.waitFor(queued.id, "sent", patience());
  await message(bobby, "written offline");
});

test("a message to nobody fails with the reason, and can be tried again", async (village) => {
  const alice = await village.online("alice4");
  const sent = await alice.send(to("nobody4"), "hello?");
  const failed = await alice.waitFor(sent.id, "sent", patience());
  assert.equal(failed.state, "failed");
  assert.match(failed.problem ?? "", /no such user/);
  const nobody = await village.online("nobody4");
  await alice.retry(sent.id);
  await message(nobody, "hello?");
});

test("notes to oneself are sent, and count as read", async (village) => {
  const alice = await village.online("alice5");
  const sent = await alice.send(to("alice5"), "buy milk");
  const read = await alice.waitFor(sent.id, "read", patience());
  assert.equal(read.conversation, "alice5");
  assert.equal((await alice.unread()).length, 0);
});

test("what is said in the lobby reaches everybody, also those who come later, once each", async (village) => {
  const alice = await village.online("alice6");
  const bobby = await village.online("bobby6");
  for (const text of ["one", "two", "three"]) await alice.send({ kind: "lobby" }, text);
  await message(bobby, "three");
  await bobby.send({ kind: "lobby" }, "four");
  await message(alice, "four");
  const carol = await village.online("carol6");
  await carol.caughtUp(patience());
  for (const each of [alice, bobby, carol]) {
    const shown = await each.history({ target: { kind: "lobby" } });
    assert.deepEqual(shown.map(({ text }) => text).toSorted(), ["four", "one", "three", "two"]);
    assert.ok(shown.every(({ kind }) => kind === "text"));
  }
});

test("both begin the conversation at the same moment, and it becomes one", async (village) => {
  const [alice, bobby] = [await village.online("alice7"), await village.online("bobby7")];
  const sent = await Promise.all([
    alice.send(to("bobby7"), "from alice"),
    bobby.send(to("alice7"), "from bobby"),
  ]);
  await alice.waitFor(sent[0].id, "delivered", patience());
  await bobby.waitFor(sent[1].id, "delivered", patience());
  await message(alice, "from bobby");
  await message(bobby, "from alice");
});
