import assert from "node:assert/strict";
import type { ConnectionState, Engine } from "../../../client/engine/api.ts";
import { message, nextEvent, patience } from "./kit.ts";
import { FaultProxy } from "./proxy.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

function enters(engine: Engine, kind: ConnectionState["kind"]) {
  return nextEvent(engine, (event) => event.kind === "connection" && event.state.kind === kind, {
    what: `connection ${kind}`,
  });
}

const test = storiesOf("connections");

test("a copy of the profile on another machine is told that it is in use, and stops trying", async (village) => {
  const facts = await village.device("alice");
  const alice = await village.open(facts);
  const copy = village.engine({ ...facts, instance: crypto.randomUUID() });
  await assert.rejects(copy.start({ receive: true, keepTrying: false }), {
    code: "already_logged_in",
  });
  const later = village.engine({ ...facts, instance: crypto.randomUUID() });
  const stopped = enters(later, "stopped");
  await later.start({ receive: true, keepTrying: true });
  await stopped;
  assert.equal(later.connection().kind, "stopped");
  assert.equal(alice.connection().kind, "online");
});

test("when the server stops and starts again, both come back and nothing is lost", async (village) => {
  const [alice, bobby] = [await village.online("alice2"), await village.online("bobby2")];
  await alice.send(to("bobby2"), "before");
  await message(bobby, "before");
  const offline = Promise.all([enters(alice, "offline"), enters(bobby, "offline")]);
  await village.server.stop();
  await offline;
  const queued = await alice.send(to("bobby2"), "meanwhile");
  assert.equal(queued.state, "queued");
  const online = Promise.all([enters(alice, "online"), enters(bobby, "online")]);
  await village.restart();
  await online;
  await message(bobby, "meanwhile");
  await alice.waitFor(queued.id, "delivered", patience());
  const texts = (await bobby.history({ target: to("alice2") })).map(({ text }) => text);
  assert.deepEqual(texts, ["before", "meanwhile"]);
});

test("without a server the first connection is refused at once, or tried until there is one", async (village) => {
  const facts = await village.device("alice3");
  await village.server.stop();
  const hasty = village.engine(facts);
  await assert.rejects(hasty.start({ receive: true, keepTrying: false }), { code: "timeout" });
  const patient = village.engine(facts);
  await patient.start({ receive: true, keepTrying: true });
  const online = enters(patient, "online");
  await village.restart();
  await online;
});

test("a line that breaks again and again only delays what is said", async (village) => {
  await using proxy = await FaultProxy.start(village.pinned.port);
  const alice = await village.online("alice4");
  const facts = await village.device("bobby4");
  const bobby = await village.open(facts, { port: proxy.port });
  for (let at = 0; at < 10; at++) {
    await alice.send(to("bobby4"), `number ${at}`);
    await bobby.send({ kind: "lobby" }, `post ${at}`);
    if (at % 2 === 0) proxy.cutNow();
  }
  await message(bobby, "number 9");
  await message(alice, "post 9");
  const numbers = (await bobby.history({ target: to("alice4") })).map(({ text }) => text);
  assert.deepEqual(numbers, Array.from({ length: 10 }, (_, at) => `number ${at}`));
  const posts = (await alice.history({ target: { kind: "lobby" } })).map(({ text }) => text);
  assert.deepEqual(posts.toSorted(), Array.from({ length: 10 }, (_, at) => `post ${at}`));
});

test("a listener that comes later is told everything from where it left off", async (village) => {
  const [alice, bobby] = [await village.online("alice5"), await village.online("bobby5")];
  for (const text of ["one", "two", "three"]) await alice.send(to("bobby5"), text);
  const { local } = await message(bobby, "two");
  await message(bobby, "three");
  const shown: string[] = [];
  const stop = bobby.subscribe((event) => {
    if (event.kind === "message") shown.push(`${event.message.text} ${event.live}`);
  }, { after: local });
  await alice.send(to("bobby5"), "four");
  await message(bobby, "four");
  stop();
  assert.deepEqual(shown, ["three false", "four true"]);
});

test("waiting for a message ends when the one who waits has had enough", async (village) => {
  const facts = await village.device("alice6");
  const alice = village.engine(facts);
  const { id } = await alice.send(to("bobby6"), "nobody is connected");
  const enough = new AbortController();
  const waiting = alice.waitFor(id, "sent", enough.signal);
  enough.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("texts that are empty or too long are refused before anything is stored", async (village) => {
  const alice = village.engine(await village.device("alice7"));
  await assert.rejects(alice.send(to("bobby7"), ""), { code: "malformed" });
  await assert.rejects(alice.send(to("bobby7"), "x".repeat(64 * 1024 + 1)), { code: "too_large" });
  await assert.rejects(alice.send({ kind: "lobby" }, "ü".repeat(8 * 1024 + 1)), {
    code: "too_large",
  });
  assert.deepEqual(await alice.history({}), []);
});

test("the longest text arrives whole", async (village) => {
  const [alice, bobby] = [await village.online("alice8"), await village.online("bobby8")];
  const text = "long ".repeat(64 * 1024 / 5);
  await alice.send(to("bobby8"), text);
  assert.equal((await message(bobby, text)).text.length, text.length);
});
