/** The archive: what a new device gets, what two devices make of it together, and what a server cannot hide. */
import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { openBatch } from "../../../client/engine/archive/codec.ts";
import { recordsOf } from "../../../client/engine/archive/records.ts";
import { Contacts } from "../../../client/store/contacts.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { concat, fromBase64url } from "../../../lib/base/bytes.ts";
import { archiveBatchKey } from "../../../lib/crypto/archive_key.ts";
import { connect, openDatabase } from "../../../lib/sql/open.ts";
import { type Bend, EvilServer } from "./evil.ts";
import { startChild } from "./children.ts";
import { type DeviceFacts, message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const texts = async (engine: Engine, name: string) =>
  (await engine.history({ target: to(name) })).map(({ text }) => text);

/** Says something and waits until `everybody` has it. */
async function say(from: Engine, name: string, text: string, everybody: readonly Engine[]) {
  await from.send(to(name), text);
  for (const each of everybody) await message(each, text);
}

/** Everything that this engine has is in the archive, and the other way round. */
const settled = (engine: Engine) => engine.archive.settled(patience());

interface Part {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** Something else in the place of the archive's first part, wherever that stands in an answer. */
const withFirstPart = (change: (part: Part) => Part): Bend => (arrived) => {
  const { message, body } = arrived;
  if (message.type !== "archive.fetch.ok") return arrived;
  let at = 0;
  const parts = message.batches.map(({ position, revision, length }) => {
    const part = { revision, bytes: body.slice(at, at += length) };
    return { position, ...(position === 1 ? change(part) : part) };
  });
  const bent = concat(...parts.map(({ bytes }) => bytes));
  const batches = parts.map(({ position, revision, bytes }) => ({
    position,
    revision,
    length: bytes.length,
  }));
  return { message: { ...message, batches, body: bent.length }, body: bent };
};

const test = storiesOf("the archive, on one server");

test("a new device gets the whole history, in its order and without doubles, and says how much", async (village) => {
  const alice = await village.online("alice");
  const laptop = await village.online("bobby");
  for (let at = 0; at < 5; at++) await say(alice, "bobby", `${at} from alice`, [laptop]);
  for (let at = 0; at < 5; at++) await say(laptop, "alice", `${at} from bobby`, [alice]);
  await laptop.markRead(await message(laptop, "4 from alice"));
  await settled(laptop);
  const before = await texts(laptop, "alice");

  const facts = await village.device("bobby");
  const phone = village.engine(facts);
  assert.equal(phone.archive.isHere(), false);
  const told = nextEvent(phone, (event) => event.kind === "archive" && event.progress.complete);
  await phone.start({ receive: true, keepTrying: false });
  const event = await told;
  assert.ok(event.kind === "archive");
  assert.deepEqual(event.progress, { have: 10, total: 10, complete: true });
  assert.ok(phone.archive.isHere());
  await phone.caughtUp(patience());
  assert.deepEqual(await texts(phone, "alice"), before);
  const shown = await phone.history({ target: to("alice") });
  assert.deepEqual(shown.map(({ own }) => own), before.map((text) => text.includes("bobby")));
  assert.ok(shown.every(({ read }) => read));
  await say(alice, "bobby", "to both", [laptop, phone]);
  await settled(phone);
  await settled(laptop);
  assert.deepEqual(await texts(phone, "alice"), [...before, "to both"]);
  const { have, total, complete } = phone.archive.status();
  assert.deepEqual([have, total, complete], [11, 11, true]);
});

test("two devices that archive at the same time make one archive, with nothing twice and nothing missing", async (village) => {
  const alice = await village.online("alice2");
  const [one, two] = [await village.online("bobby2"), await village.online("bobby2")];
  for (let round = 0; round < 4; round++) {
    await say(alice, "bobby2", `round ${round}`, [one, two]);
    await say(one, "alice2", `one ${round}`, [alice, two]);
    await say(two, "alice2", `two ${round}`, [alice, one]);
    await Promise.all([settled(one), settled(two)]);
  }
  await Promise.all([settled(one), settled(two)]);
  const three = await village.online("bobby2");
  assert.deepEqual((await settled(three)).total, 12);
  assert.deepEqual(await texts(three, "alice2"), await texts(one, "alice2"));
});

test("what is archived survives all devices: the next one has it", async (village) => {
  const alice = await village.online("alice3");
  const bobby = await village.online("bobby3");
  await say(alice, "bobby3", "remember this", [bobby]);
  await bobby.content.react((await message(bobby, "remember this")).id, "👍");
  await alice.stop();
  // Whatever time it takes here, it archives before it ends.
  await bobby.stop({ drainMs: 60_000 });
  const next = await village.online("bobby3");
  await settled(next);
  const [shown] = await next.history({ target: to("alice3") });
  assert.equal(shown?.text, "remember this");
  assert.equal(shown?.reactions?.[0]?.emoji, "👍");
});

test("a conversation whose archive is turned off is taken out of it, on all devices, until it is turned on again", async (village) => {
  const [alice, carol] = [await village.online("alice4"), await village.online("carol4")];
  const [one, two] = [await village.online("bobby4"), await village.online("bobby4")];
  await say(alice, "bobby4", "secret", [one, two]);
  await say(carol, "bobby4", "not secret", [one, two]);
  await Promise.all([settled(one), settled(two)]);
  assert.deepEqual(await one.archive.keep(to("alice4"), false), { messages: 1, done: true });
  await say(alice, "bobby4", "another secret", [one, two]);
  await Promise.all([settled(one), settled(two)]);
  assert.deepEqual(two.archive.status().off, ["alice4"]);
  assert.equal(two.archive.status().total, 1);
  const three = await village.online("bobby4");
  await settled(three);
  assert.deepEqual(await texts(three, "alice4"), []);
  assert.deepEqual(await texts(three, "carol4"), ["not secret"]);
  await two.archive.keep(to("alice4"), true);
  await settled(three);
  assert.deepEqual(await texts(three, "alice4"), ["secret", "another secret"]);
});

test("an archive that is older than it was is noticed, and what is missing is archived again", async (village) => {
  const alice = await village.online("alice5");
  const facts = await village.device("bobby5");
  await using evil = EvilServer.start(village, facts);
  const bobby = await village.open(facts, { port: evil.port });
  await say(alice, "bobby5", "one", [bobby]);
  await settled(bobby);
  await say(alice, "bobby5", "two", [bobby]);
  await settled(bobby);
  await bobby.stop();

  // The server claims that there is no archive.
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "archive.head.ok") return arrived;
    return { ...arrived, message: { ...message, position: 0, revision: 0 } };
  };
  const again = village.engine(facts, { port: evil.port });
  const warned = nextEvent(
    again,
    (event) => event.kind === "warning" && /another archive than before/.test(event.text),
  );
  await again.start({ receive: true, keepTrying: false });
  await warned;
  evil.bend = (arrived) => arrived;
  await again.stop({ drainMs: 0 });
  const healed = await village.open(facts);
  const { have, total } = await settled(healed);
  assert.deepEqual([have, total], [2, 2]);
});

test("a new device that is given a changed, misplaced or foreign part of the archive says so", async (village) => {
  const alice = await village.online("alice6");
  const laptop = await village.online("bobby6");
  const many = 70;
  for (let at = 0; at < many; at++) await alice.send(to("bobby6"), `number ${at}`);
  await message(laptop, `number ${many - 1}`);
  await settled(laptop);
  const facts = await village.device("bobby6");
  await using evil = EvilServer.start(village, facts);
  evil.bend = withFirstPart(({ revision, bytes }) => {
    const changed = bytes.slice();
    changed[100] = (changed[100] ?? 0) ^ 1;
    return { revision, bytes: changed };
  });
  const phone = village.engine(facts, { port: evil.port });
  const warned = nextEvent(
    phone,
    (event) => event.kind === "warning" && /1 part of the archive/.test(event.text),
  );
  await phone.start({ receive: true, keepTrying: false });
  await warned;
  // How much is here depends on what later parts say again of the same messages.
  const { have, total, damaged } = phone.archive.status();
  assert.deepEqual([total, damaged], [many, 1]);
  const got = await texts(phone, "alice6");
  assert.ok(have <= total && got.every((text) => /^number \d+$/.test(text)), `${have}: ${got}`);
});

/** The server's bytes of an archive, for whoever has its key. */
function archiveText(village: Village, facts: { accountSeed: string; account: string }): string {
  const database = connect(`${village.server.data}/sealpost.db`, { readOnly: true });
  try {
    const key = archiveBatchKey(fromBase64url(facts.accountSeed));
    const { account } = facts;
    return database.prepare(
      `SELECT position, revision, bytes FROM archive_batches b JOIN accounts a ON a.key = b.account
       WHERE a.account = ?`,
    ).all<{ position: number; revision: number; bytes: Uint8Array }>(account)
      .map(({ position, revision, bytes }) =>
        JSON.stringify(recordsOf(openBatch(key, { account, position, revision }, bytes)))
      ).join("\n");
  } finally {
    database.close();
  }
}

test("what is edited, deleted or disappears leaves nothing in the archive, also in older parts of it", async (village) => {
  const alice = await village.online("alice7");
  const facts = await village.device("bobby7");
  const bobby = await village.open(facts);
  await say(bobby, "alice7", "first draft", [alice]);
  await say(bobby, "alice7", "never said", [alice]);
  const draft = await message(bobby, "first draft");
  const regret = await message(bobby, "never said");
  for (let at = 0; at < 70; at++) await bobby.send(to("alice7"), `filler ${at}`);
  await message(alice, "filler 69");
  await settled(bobby);
  assert.ok(archiveText(village, facts).includes("never said"));

  const edit = await bobby.content.edit(draft.id, "final version");
  const removal = await bobby.content.remove(regret.id);
  const timer = await bobby.content.expire(to("alice7"), 24 * 60 * 60 * 1000);
  for (const { id } of [edit, removal, timer]) await bobby.content.settled(id, patience());
  await say(bobby, "alice7", "gone tomorrow", [alice]);
  await settled(bobby);
  const text = archiveText(village, facts);
  assert.ok(text.includes("final version"));
  for (const gone of ["first draft", "never said", "gone tomorrow"]) {
    assert.ok(!text.includes(gone), gone);
  }
  const phone = await village.online("bobby7");
  await settled(phone);
  const shown = await texts(phone, "alice7");
  assert.equal(shown[0], "final version");
  assert.ok(!shown.includes("never said"));
});

test("a device that is killed while history comes goes on where it was, and one killed while it archives writes nothing twice", async (village) => {
  const alice = await village.online("alice8");
  const laptopFacts = await village.device("bobby8");
  const laptop = await village.open(laptopFacts);
  const many = 200;
  for (let at = 0; at < many; at++) await alice.send(to("bobby8"), `number ${at}`);
  await message(laptop, `number ${many - 1}`);
  await settled(laptop);
  await alice.send(to("bobby8"), "one more");
  await message(laptop, "one more");
  await laptop.stop({ drainMs: 0 });
  const phoneFacts = await village.device("bobby8");
  for (const pass of [1, 2]) {
    const crashAt = `client:restored:${pass}`;
    await using child = await startChild(phoneFacts, ["listen"], { crashAt });
    assert.equal((await child.ended).code, 137);
  }
  {
    await using child = await startChild(laptopFacts, ["listen"], { crashAt: "client:archived" });
    assert.equal((await child.ended).code, 137);
  }
  const again = await village.open(laptopFacts);
  assert.equal((await settled(again)).total, many + 1);
  const phone = await village.open(phoneFacts);
  const { have, total } = await settled(phone);
  assert.deepEqual([have, total], [many + 1, many + 1]);
  const expected = [...Array.from({ length: many }, (_, at) => `number ${at}`), "one more"];
  assert.deepEqual(await texts(phone, "alice8"), expected);
});

test("an older revision of a part is not taken for the part", async (village) => {
  const alice = await village.online("alice9");
  const laptopFacts = await village.device("bobby9");
  const laptop = await village.open(laptopFacts);
  await say(laptop, "alice9", "to be regretted", [alice]);
  for (let at = 0; at < 70; at++) await laptop.send(to("alice9"), `filler ${at}`);
  await message(alice, "filler 69");
  await settled(laptop);
  const database = connect(`${village.server.data}/sealpost.db`, { readOnly: true });
  const old = database.prepare(
    `SELECT revision, bytes FROM archive_batches b JOIN accounts a ON a.key = b.account
     WHERE a.account = ? AND position = 1`,
  ).get<{ revision: number; bytes: Uint8Array }>(laptopFacts.account);
  database.close();
  assert.ok(old !== undefined);
  const { id } = await laptop.content.remove((await message(laptop, "to be regretted")).id);
  await laptop.content.settled(id, patience());
  await settled(laptop);

  const facts = await village.device("bobby9");
  await using evil = EvilServer.start(village, facts);
  evil.bend = withFirstPart(() => old);
  const phone = village.engine(facts, { port: evil.port });
  const warned = nextEvent(
    phone,
    (event) => event.kind === "warning" && /1 part of the archive/.test(event.text),
  );
  await phone.start({ receive: true, keepTrying: false });
  await warned;
  assert.ok(!(await texts(phone, "alice9")).includes("to be regretted"));
});

/** The contacts in a device's store. */
function withContacts<T>(facts: DeviceFacts, use: (contacts: Contacts) => T): T {
  const database = openDatabase(`${facts.folder}/profile.db`, { migrations: profileMigrations });
  try {
    return use(new Contacts({ database, ...sealerOf(fromBase64url(facts.profileKey)) }));
  } finally {
    database.close();
  }
}

test("whom one device has verified is verified on the account's others, and so is taking that back", async (village) => {
  const alice = await village.online("alice10");
  const [oneFacts, twoFacts] = [await village.device("bobby10"), await village.device("bobby10")];
  const [one, two] = [await village.open(oneFacts), await village.open(twoFacts)];
  await say(alice, "bobby10", "hello", [one, two]);
  await Promise.all([settled(one), settled(two)]);
  for (const verified of [true, false, true]) {
    withContacts(oneFacts, (contacts) => {
      const contact = contacts.byName("alice10");
      assert.ok(contact !== undefined);
      contacts.put({ ...contact, verified });
    });
    await settled(one);
    await settled(two);
    assert.equal(withContacts(twoFacts, (all) => all.byName("alice10")?.verified), verified);
  }
  const threeFacts = await village.device("bobby10");
  await settled(await village.open(threeFacts));
  assert.equal(withContacts(threeFacts, (all) => all.byName("alice10")?.verified), true);
});

test("a new device gets what was said in groups, and says something there itself", async (village) => {
  const alice = await village.online("alice11");
  const laptop = await village.online("bobby11");
  const made = nextEvent(laptop, (event) => event.kind === "message");
  const { target } = await alice.groups.create("team", ["bobby11"]);
  await made;
  await alice.send(target, "in the team");
  await message(laptop, "in the team");
  await settled(laptop);
  const phone = await village.online("bobby11");
  await settled(phone);
  const [group] = (await phone.conversations()).filter(({ target }) => target.kind === "group");
  assert.ok(group !== undefined);
  const said = async () =>
    (await phone.history({ target: group.target })).filter(({ kind }) => kind === "text")
      .map(({ text }) => text);
  assert.deepEqual(await said(), ["in the team"]);
  await phone.send(group.target, "from the phone");
  await message(alice, "from the phone");
  await message(laptop, "from the phone");
  await settled(phone);
  assert.deepEqual(await said(), ["in the team", "from the phone"]);
});

test("a new device that is shown an older archive than another one saw is told so by that one", async (village) => {
  const alice = await village.online("alice12");
  const laptop = await village.online("bobby12");
  await say(alice, "bobby12", "one", [laptop]);
  await settled(laptop);

  const facts = await village.device("bobby12");
  await using evil = EvilServer.start(village, facts);
  // To the new device alone the server claims that there is no archive.
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "archive.head.ok") return arrived;
    return { ...arrived, message: { ...message, position: 0, revision: 0 } };
  };
  const phone = village.engine(facts, { port: evil.port });
  const warned = nextEvent(
    phone,
    (event) => event.kind === "warning" && /an older archive than another device/.test(event.text),
  );
  await phone.start({ receive: true, keepTrying: false });
  await warned;
  await phone.stop({ drainMs: 0 });

  // One that is shown the true one is told nothing.
  const tablet = village.engine(await village.device("bobby12"));
  const warnings: string[] = [];
  tablet.subscribe((event) => event.kind === "warning" && void warnings.push(event.text));
  await tablet.start({ receive: true, keepTrying: false });
  await tablet.caughtUp(patience());
  await say(alice, "bobby12", "two", [laptop, tablet]);
  await settled(tablet);
  assert.deepEqual(warnings.filter((text) => /archive/.test(text)), []);
});
