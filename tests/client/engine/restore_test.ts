/** A profile that is put back from an old copy, or copied to a second machine. */
import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { type DeviceFacts, message, nextEvent, patience } from "./kit.ts";
import { Village } from "./village.ts";

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

async function texts(engine: Engine): Promise<string[]> {
  const lines = await engine.history({ target: to("alice") });
  return lines.filter(({ kind }) => kind === "text").map(({ text }) => text);
}

/** Lines that say that something is or may be missing. */
async function doubts(engine: Engine): Promise<string[]> {
  const lines = await engine.history({ target: to("alice") });
  return lines.filter(({ kind }) => kind === "unreadable").map(({ text }) => text);
}

Deno.test("a profile put back to before it sent something notices, joins again, and gets back what it lost", async () => {
  await using village = await Village.make();
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
  assert.deepEqual(await texts(restored), ["one", "two", "three", "four", "five"]);
  assert.deepEqual(await doubts(restored), []);
});

Deno.test("a profile put back to before it received something notices too", async () => {
  await using village = await Village.make();
  const facts = await village.device("bobby");
  const bobby = await village.open(facts);
  const alice = await village.online("alice");
  await say(alice, "bobby", "one", [bobby]);
  await bobby.archive.settled(patience());
  await bobby.stop();
  const old = await copy(facts);
  const later = await village.open(facts);
  await say(alice, "bobby", "two", [later]);
  await later.archive.settled(patience());
  await later.stop();

  const restored = village.engine(old);
  const noticed = putBack(restored);
  await restored.start({ receive: true, keepTrying: false });
  await restored.caughtUp(patience());
  await noticed;
  await say(alice, "bobby", "three", [restored]);
  await restored.archive.settled(patience());
  assert.deepEqual(await texts(restored), ["one", "two", "three"]);
  assert.deepEqual(await doubts(restored), []);
});

Deno.test("a profile that was only stopped, or copied where nothing happened since, is not taken for an old one", async () => {
  await using village = await Village.make();
  const facts = await village.device("bobby");
  const alice = await village.online("alice");
  const bobby = await village.open(facts);
  await say(alice, "bobby", "one", [bobby]);
  await bobby.stop();
  let current = facts;
  for (let round = 0; round < 3; round++) {
    current = await copy(current);
    const again = village.engine(current);
    const warnings: string[] = [];
    again.subscribe((event) => event.kind === "warning" && warnings.push(event.text));
    await again.start({ receive: true, keepTrying: false });
    await again.caughtUp(patience());
    await say(again, "alice", `back ${round}`, [alice]);
    await say(alice, "bobby", `answer ${round}`, [again]);
    await again.stop();
    assert.deepEqual(warnings, []);
  }
});

Deno.test("two copies of a profile on two machines: whichever comes second is refused, and told why", async () => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const original = await village.device("bobby");
  const bobby = await village.open(original);
  await say(alice, "bobby", "one", [bobby]);
  await bobby.stop();
  const second = await copy(original);
  for (const [first, other] of [[original, second], [second, original]] as const) {
    const here = await village.open(first);
    const there = village.engine(other);
    await assert.rejects(there.start({ receive: true, keepTrying: false }), {
      code: "already_logged_in",
    });
    await say(alice, "bobby", `to ${first.folder}`, [here]);
    await here.stop();
    // When the first has gone the other may come; it finds out that it is behind, and goes on with keys of its own.
    const now = await village.open(other);
    await say(now, "alice", `from ${other.folder}`, [alice]);
    await now.stop();
  }
});
