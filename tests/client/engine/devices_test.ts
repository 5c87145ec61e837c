import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { type DeviceFacts, message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

async function exchange(from: Engine, text: string, everybody: readonly Engine[], name: string) {
  await from.send(to(name), text);
  for (const each of everybody) await message(each, text);
}

/** What a device's store says of its only conversation. */
function stored(facts: DeviceFacts) {
  const database = openDatabase(`${facts.folder}/profile.db`, { migrations: profileMigrations });
  try {
    return database.prepare(
      "SELECT epoch, sent_since_commit AS sent, pending IS NOT NULL AS pending FROM threads WHERE conversation IS NOT NULL",
    ).get<{ epoch: number; sent: number; pending: number }>();
  } finally {
    database.close();
  }
}

const test = storiesOf("several devices");

test("a second device joins its account's conversations by itself, and both get what comes", async (village) => {
  const alice = await village.online("alice");
  const laptop = await village.online("bobby");
  await exchange(alice, "before", [laptop], "bobby");

  const noticed = nextEvent(
    alice,
    (event) => event.kind === "warning" && /bobby uses a new device/.test(event.text),
  );
  const phone = await village.online("bobby");
  await noticed;
  await exchange(alice, "to both", [laptop, phone], "bobby");
  await exchange(phone, "from the phone", [alice, laptop], "alice");
  const own = await message(laptop, "from the phone");
  assert.ok(own.own && own.read && own.state !== "queued");
  await exchange(laptop, "from the laptop", [alice, phone], "alice");
  // What was said before it was there comes from the account's archive.
  await laptop.archive.settled(patience());
  await phone.archive.settled(patience());
  const shown = (await phone.history({ target: to("alice") })).map(({ text }) => text);
  assert.deepEqual(shown, ["before", "to both", "from the phone", "from the laptop"]);
});

test("that an archive holds nothing is known when it was looked at, and from then on", async (village) => {
  const facts = await village.device("bobby0");
  const bobby = village.engine(facts);
  assert.equal(bobby.archive.isHere(), false);
  const told = nextEvent(bobby, (event) => event.kind === "archive");
  await bobby.start({ receive: true, keepTrying: false });
  const event = await told;
  assert.deepEqual(event, { kind: "archive", progress: { have: 0, total: 0, complete: true } });
  assert.ok(bobby.archive.isHere());
  await bobby.stop();
  const again = village.engine(facts);
  assert.ok(again.archive.isHere());
});

test("a conversation begins with all devices of both accounts", async (village) => {
  const [a1, a2] = [await village.online("alice2"), await village.online("alice2")];
  const [b1, b2] = [await village.online("bobby2"), await village.online("bobby2")];
  await exchange(a1, "hello", [a2, b1, b2], "bobby2");
  await exchange(b2, "hello back", [a1, a2, b1], "alice2");
});

test("a device that came after its account was last looked up is no stranger: the conversation begins with it", async (village) => {
  const [alice, bobby] = [await village.online("alice11"), await village.online("bobby11")];
  // What the server says of bobby is known from now on, and not asked again for a while.
  const asked = alice.groups.create("team", ["bobby11", "nobody"]);
  await assert.rejects(asked, { code: "no_such_user" });
  const phone = await village.online("bobby11");
  await exchange(alice, "hello", [bobby], "bobby11");
  await exchange(bobby, "hello back", [alice, phone], "alice11");
});

test("what one device has read counts as read on the account's other device", async (village) => {
  const alice = await village.online("alice3");
  const [b1, b2] = [await village.online("bobby3"), await village.online("bobby3")];
  await exchange(alice, "read me", [b1, b2], "bobby3");
  const read = nextEvent(b2, (event) => event.kind === "changed" && event.message.read);
  await b1.markRead(await message(b1, "read me"));
  await read;
  assert.equal((await b2.unread()).length, 0);
});

test("a revoked device can neither send nor read, and is taken out of the group", async (village) => {
  const alice = await village.online("alice4");
  const keptFacts = await village.device("bobby4");
  const kept = await village.open(keptFacts);
  const lostFacts = await village.device("bobby4");
  const lost = await village.open(lostFacts);
  await exchange(alice, "to both", [kept, lost], "bobby4");

  const out = nextEvent(
    lost,
    (event) => event.kind === "connection" && event.state.kind === "stopped",
  );
  const before = stored(keptFacts)?.epoch ?? 0;
  await kept.revokeDevice(lost.self.device);
  const stopped = await out;
  assert.ok(stopped.kind === "connection" && stopped.state.kind === "stopped");
  assert.equal(stopped.state.code, "device_revoked");
  assert.ok((stored(keptFacts)?.epoch ?? 0) > before, "a commit has removed it");

  await exchange(alice, "not for the lost one", [kept], "bobby4");
  const attempt = await lost.send(to("alice4"), "from the lost one");
  const again = village.engine(lostFacts);
  await assert.rejects(again.start({ receive: true, keepTrying: false }), {
    code: "device_revoked",
  });
  await exchange(kept, "still here", [alice], "alice4");
  const texts = (await alice.history({})).map(({ text }) => text);
  assert.ok(!texts.includes("from the lost one"));
  assert.equal((await lost.history({})).find(({ id }) => id === attempt.id)?.state, "queued");
  assert.ok(!(await lost.history({})).some(({ text }) => text === "not for the lost one"));
});

test("a device without single-use keys is welcomed by its last resort, and makes fresh keys at once", async (village) => {
  const facts = await village.device("bobby5");
  const bobby = await village.open(facts, { keyPackages: 0 });
  const alice = await village.online("alice5");
  await exchange(alice, "hello", [bobby], "bobby5");
  // Alice's first epoch is 1; bobby's own commit leads to 2, and she can read what he says in it.
  await exchange(bobby, "hello back", [alice], "alice5");
  await until(() => stored(facts)?.epoch === 2);
});

test("after a hundred own messages a device makes fresh keys, and nothing is lost", async (village) => {
  const facts = await village.device("alice6");
  const alice = await village.open(facts);
  const bobby = await village.online("bobby6");
  for (let at = 0; at < 300; at++) await alice.send(to("bobby6"), `number ${at}`);
  await message(bobby, "number 299");
  const texts = (await bobby.history({ target: to("alice6") })).map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 300 }, (_, at) => `number ${at}`));
  const after = stored(facts);
  assert.ok(after !== undefined && after.epoch > 1 && after.sent < 250);
  await exchange(bobby, "all there", [alice], "alice6");
});

test("both change the group at the same moment, and both go on", async (village) => {
  const [alice, bobby] = [await village.online("alice7"), await village.online("bobby7")];
  await exchange(alice, "hello", [bobby], "bobby7");
  for (let at = 0; at < 240; at++) {
    await Promise.all([
      alice.send(to("bobby7"), `from alice7 ${at}`),
      bobby.send(to("alice7"), `from bobby7 ${at}`),
    ]);
  }
  await message(alice, "from bobby7 239");
  await message(bobby, "from alice7 239");
  for (const [engine, name] of [[alice, "bobby7"], [bobby, "alice7"]] as const) {
    const all = await engine.history({ target: to(name) });
    assert.equal(all.length, 481);
    assert.ok(all.every(({ kind }) => kind === "text"));
    const theirs = all.filter(({ own }) => !own).map(({ text }) => text)
      .filter((text) => text !== "hello");
    assert.deepEqual(theirs, Array.from({ length: 240 }, (_, at) => `from ${name} ${at}`));
  }
});

test("a device whose store is an old copy does not go on with old keys, but joins again", async (village) => {
  const facts = await village.device("bobby8");
  const bobby = await village.open(facts);
  const alice = await village.online("alice8");
  await exchange(alice, "one", [bobby], "bobby8");
  // From the archive it would have again what it had, and there would be no gap.
  assert.equal((await bobby.archive.keep(to("alice8"), false)).done, true);
  await bobby.stop();
  const database = `${facts.folder}/profile.db`;
  await Deno.copyFile(database, `${database}.old`);
  const later = await village.open(facts);
  await exchange(alice, "two", [later], "bobby8");
  await exchange(later, "three", [alice], "alice8");
  await later.stop();
  for (const end of ["-wal", "-shm"]) {
    await Deno.remove(`${database}${end}`).catch(() => undefined);
  }
  await Deno.copyFile(`${database}.old`, database);

  const restored = await village.open({ ...facts, instance: crypto.randomUUID() });
  await exchange(alice, "four", [restored], "bobby8");
  await exchange(restored, "five", [alice], "alice8");
  const shown = await restored.history({ target: to("alice8") });
  assert.ok(shown.some(({ kind }) => kind === "unreadable"), "the gap is shown");
});

for (
  const [when, away] of [["while others are there", false], ["whoever was away", true]] as const
) {
  test(`an account whose only device was removed comes back on a new one, into its conversations, ${when}`, async (village) => {
    const [her, his] = away ? ["alice10", "bobby10"] : ["alice9", "bobby9"];
    const aliceFacts = await village.device(her);
    const alice = await village.open(aliceFacts);
    const lost = await village.online(his);
    await exchange(alice, "before", [lost], his);
    await lost.archive.settled(patience());
    if (away) await alice.stop();
    const removed = away ? undefined : nextEvent(
      alice,
      (event) => event.kind === "warning" && /a device (of \w+ )?was removed/.test(event.text),
    );
    await lost.revokeDevice(lost.self.device).catch(() => undefined);
    await removed;

    const back = await village.online(his);
    await back.archive.settled(patience());
    const friend = away ? await village.open(aliceFacts) : alice;
    await exchange(back, "back again", [friend], her);
    await exchange(friend, "welcome back", [back], his);
    const shown = (await back.history({ target: to(her) })).map(({ text }) => text);
    assert.deepEqual(shown, ["before", "back again", "welcome back"]);
  });
}

async function until(holds: () => boolean): Promise<void> {
  const late = patience();
  while (!holds()) {
    if (late.aborted) throw new Error("it did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
