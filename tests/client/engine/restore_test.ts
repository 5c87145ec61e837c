/** A profile that is put back from an old copy, or copied to a second machine. */
import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { type DeviceFacts, message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

async function say(from: Engine, name: string, text: string, everybody: readonly Engine[]) {
  await from.send(to(name), text);
  for (const each of everybody) await message(each, text);
}

/** Copies a device's folder; its engine must have stopped. */
async function copy(facts: DeviceFacts): Promise<DeviceFacts> {
  const folder = `${facts.folder}-copy-${crypto.randomUUID()}`;
  await Deno.mkdir(folder);
  for await (const { name } of Deno.readDir(facts.folder)) {
    await Deno.copyFile(`${facts.folder}/${name}`, `${folder}/${name}`);
  }
  return { ...facts, folder, instance: crypto.randomUUID() };
}

const putBack = (engine: Engine) =>
  nextEvent(engine, (event) => event.kind === "warning" && /put back/.test(event.text));

async function texts(engine: Engine, name: string): Promise<string[]> {
  const lines = await engine.history({ target: to(name) });
  return lines.filter(({ kind }) => kind === "text").map(({ text }) => text);
}

/** Lines that say that something is or may be missing. */
async function doubts(engine: Engine, name: string): Promise<string[]> {
  const lines = await engine.history({ target: to(name) });
  return lines.filter(({ kind }) => kind === "unreadable").map(({ text }) => text);
}

const test = storiesOf("profiles that are put back");

test("a profile put back to before it sent something notices, joins again, and gets back what it lost", async (village) => {
  const facts = await village.device("bobby");
  const bobby = await village.open(facts);
  const alice = await village.online("alice");
  await say(alice, "bobby", "one", [bobby]);
  await bobby.archive.settled(patience());
  await bobby.stop();
  const old = await copy(facts);
  const later = await village.open(facts);
  await say(later, "alice", "two", [alice]);
  await say(later, "alice", "three", [alice]);
  await later.archive.settled(patience());
  await later.stop();

  const restored = village.engine(old);
  const noticed = putBack(restored);
  await restored.start({ receive: true, keepTrying: false });
  await restored.caughtUp(patience());
  await noticed;
  await say(restored, "alice", "four", [alice]);
  await say(alice, "bobby", "five", [restored]);
  await restored.archive.settled(patience());
  assert.deepEqual(await texts(restored, "alice"), ["one", "two", "three", "four", "five"]);
  assert.deepEqual(await doubts(restored, "alice"), []);
});

test("a profile put back to before it received something notices too", async (village) => {
  const facts = await village.device("bobby2");
  const bobby = await village.open(facts);
  const alice = await village.online("alice2");
  await say(alice, "bobby2", "one", [bobby]);
  await bobby.archive.settled(patience());
  await bobby.stop();
  const old = await copy(facts);
  const later = await village.open(facts);
  await say(alice, "bobby2", "two", [later]);
  await later.archive.settled(patience());
  await later.stop();

  const restored = village.engine(old);
  const noticed = putBack(restored);
  await restored.start({ receive: true, keepTrying: false });
  await restored.caughtUp(patience());
  await noticed;
  await say(alice, "bobby2", "three", [restored]);
  await restored.archive.settled(patience());
  assert.deepEqual(await texts(restored, "alice2"), ["one", "two", "three"]);
  assert.deepEqual(await doubts(restored, "alice2"), []);
});

test("a profile that was only stopped, or copied where nothing happened since, is not taken for an old one", async (village) => {
  const facts = await village.device("bobby3");
  const alice = await village.online("alice3");
  const bobby = await village.open(facts);
  await say(alice, "bobby3", "one", [bobby]);
  await bobby.stop();
  let current = facts;
  for (let round = 0; round < 3; round++) {
    current = await copy(current);
    const again = village.engine(current);
    const warnings: string[] = [];
    again.subscribe((event) => event.kind === "warning" && warnings.push(event.text));
    await again.start({ receive: true, keepTrying: false });
    await again.caughtUp(patience());
    await say(again, "alice3", `back ${round}`, [alice]);
    await say(alice, "bobby3", `answer ${round}`, [again]);
    await again.stop();
    assert.deepEqual(warnings, []);
  }
});

test("two copies of a profile on two machines: whichever comes second is refused, and told why", async (village) => {
  const alice = await village.online("alice4");
  const original = await village.device("bobby4");
  const bobby = await village.open(original);
  await say(alice, "bobby4", "one", [bobby]);
  await bobby.stop();
  const second = await copy(original);
  for (const [first, other] of [[original, second], [second, original]] as const) {
    const here = await village.open(first);
    const there = village.engine(other);
    await assert.rejects(there.start({ receive: true, keepTrying: false }), {
      code: "already_logged_in",
    });
    await say(alice, "bobby4", `to ${first.folder}`, [here]);
    await here.stop();
    // When the first has gone the other may come; it finds out that it is behind, and goes on with keys of its own.
    const now = await village.open(other);
    await say(now, "alice4", `from ${other.folder}`, [alice]);
    await now.stop();
  }
});
