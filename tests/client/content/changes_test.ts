import assert from "node:assert/strict";
import { fromBase64url, toHex } from "../../../lib/base/bytes.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { message, patience } from "../engine/kit.ts";
import { storiesOf } from "../engine/stories.ts";
import { changed, to } from "./kit.ts";

const test = storiesOf("what is changed");

test("an edited message shows its new text on both sides, and a receipt proves that", async (village) => {
  const [alice, bobby] = [await village.online("alice"), await village.online("bobby")];
  const sent = await alice.send(to("bobby"), "lunch at one");
  const got = await message(bobby, "lunch at one");
  const { id } = await alice.content.edit(sent.id, "lunch at two");
  await alice.content.settled(id, patience());
  const shown = await changed(bobby, got.id, ({ text }) => text === "lunch at two");
  assert.deepEqual([shown.edited, shown.own, shown.id], [true, false, sent.id]);
  for (const engine of [alice, bobby]) {
    const [line, ...more] = await engine.history({});
    assert.deepEqual([line?.text, line?.edited, more.length], ["lunch at two", true, 0]);
    const [receipt = ""] = await engine.exportSigned({});
    const { content } = JSON.parse(receipt);
    const said = JSON.parse(new TextDecoder().decode(fromBase64url(content)));
    assert.deepEqual([said.kind, said.text], ["edit", "lunch at two"]);
  }
  const foreign = bobby.content.edit(got.id, "lunch is on you");
  await assert.rejects(foreign, { code: "not_permitted_now" });
  await assert.rejects(bobby.content.remove(got.id), { code: "not_permitted_now" });
});

test("a deleted message leaves no trace in either profile, nor in what quotes it", async (village) => {
  const facts = { alice: await village.device("alice2"), bobby: await village.device("bobby2") };
  const alice = await village.open(facts.alice);
  const bobby = await village.open(facts.bobby);
  const long = "a secret that is longer than a page of the database ".repeat(150);
  const sent = await alice.send(to("bobby2"), long);
  const got = await message(bobby, long);
  await bobby.content.react(got.id, "👀");
  const reply = await bobby.content.reply(got.id, "really?");
  const heard = await message(alice, "really?");
  assert.deepEqual([heard.replyTo?.id, heard.replyTo?.from], [sent.id, "alice2"]);
  assert.match(heard.replyTo?.quote ?? "", /^a secret .*…$/);
  await changed(alice, sent.id, ({ reactions }) => reactions?.length === 1);
  const before = [
    sealedRows(facts.alice.folder, sent.id),
    sealedRows(facts.bobby.folder, sent.id),
  ];
  const quotes = [
    sealedRows(facts.alice.folder, reply.id),
    sealedRows(facts.bobby.folder, reply.id),
  ];

  for (const { folder } of [facts.alice, facts.bobby]) {
    assert.ok(
      before.some((sealed) => filesHold(folder, sealed).length > 0),
      "it was there before",
    );
  }

  alice.desk.keepLine(`@bobby ${long}`);
  const typed = sealedLine(facts.alice.folder);
  assert.ok(filesHold(facts.alice.folder, typed).length > 0, "what was typed was there, too");

  const { id } = await alice.content.remove(sent.id);
  await alice.content.settled(id, patience());
  const gone = await changed(bobby, got.id, ({ deleted }) => deleted === true);
  assert.deepEqual([gone.text, gone.reactions, gone.from], ["", undefined, "alice2"]);
  assert.equal((await bobby.unread()).some(({ id }) => id === got.id), false);
  const [, answer] = await alice.history({});
  assert.deepEqual(answer?.replyTo, { id: sent.id, from: "alice2" });
  await assert.rejects(alice.content.edit(sent.id, "again"), { code: "not_permitted_now" });
  await assert.rejects(bobby.content.react(got.id, "👍"), { code: "not_permitted_now" });
  assert.deepEqual(filesHold(facts.alice.folder, typed), [], "what was typed");
  [facts.alice, facts.bobby].forEach(({ folder }, index) => {
    for (const [what, sealed] of Object.entries({ said: before[index], quoted: quotes[index] })) {
      assert.ok(sealed !== undefined && sealed.length > 100);
      assert.deepEqual(filesHold(folder, sealed), [], `${what}, side ${index}`);
    }
  });
});

/** The beginning of the sealed row of a message, as it stands in the file. */
function sealedRows(folder: string, id: string): Uint8Array {
  const database = openDatabase(`${folder}/profile.db`, { migrations: profileMigrations });
  try {
    const row = database.prepare("SELECT content FROM messages WHERE id = ?")
      .get<{ content: Uint8Array }>(id);
    return row?.content.slice(0, 400) ?? new Uint8Array();
  } finally {
    database.close();
  }
}

/** The same of the latest line of input. */
function sealedLine(folder: string): Uint8Array {
  const database = openDatabase(`${folder}/profile.db`, { migrations: profileMigrations });
  try {
    const row = database.prepare("SELECT line FROM input_lines ORDER BY id DESC LIMIT 1")
      .get<{ line: Uint8Array }>();
    return row?.line.slice(0, 400) ?? new Uint8Array();
  } finally {
    database.close();
  }
}

function filesHold(folder: string, needle: Uint8Array): string[] {
  // A page of the file may cut it anywhere: its middle is looked for.
  const middle = toHex(needle.subarray(40, 72));
  return ["profile.db", "profile.db-wal"].filter((name) => {
    try {
      return toHex(Deno.readFileSync(`${folder}/${name}`)).includes(middle);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  });
}

test("a message that was never sent just goes when it is deleted", async (village) => {
  const alice = village.engine(await village.device("alice3"));
  const queued = await alice.send(to("bobby3"), "not yet");
  await alice.content.remove(queued.id);
  assert.deepEqual(await alice.history({}), []);
  await alice.content.settled(queued.id);
});

test("every device of the author may edit, and both devices show the same in the end", async (village) => {
  const first = await village.online("alice4");
  const second = await village.online("alice4");
  const bobby = await village.online("bobby4");
  const sent = await first.send(to("bobby4"), "one");
  await message(second, "one");
  const got = await message(bobby, "one");
  const edits = [
    await first.content.edit(sent.id, "two"),
    await second.content.edit(sent.id, "three"),
  ];
  await first.content.settled(edits[0]?.id ?? "", patience());
  await second.content.settled(edits[1]?.id ?? "", patience());
  const after = await first.send(to("bobby4"), "done");
  await message(bobby, "done");
  await message(second, "done");
  await first.waitFor(after.id, "delivered", patience());
  const last = (await bobby.history({}))[0]?.text;
  assert.ok(last === "two" || last === "three");
  await changed(first, sent.id, ({ text }) => text === last);
  await changed(second, sent.id, ({ text }) => text === last);
  assert.equal((await bobby.history({}))[0]?.id, got.id);
});

test("a message is found by its id, by the beginning of it, and by its number", async (village) => {
  const alice = village.engine(await village.device("alice5"));
  const queued = await alice.send(to("bobby5"), "this one");
  const { content } = alice;
  assert.equal((await content.find(queued.id)).text, "this one");
  assert.equal((await content.find(queued.id.slice(0, 13), to("bobby5"))).text, "this one");
  assert.equal((await content.find(String(queued.local))).text, "this one");
  for (const nobody of ["0", "01", "ffff", "%", crypto.randomUUID(), "999999"]) {
    await assert.rejects(content.find(nobody), { code: "not_found" }, nobody);
  }
  await assert.rejects(content.find(queued.id, { kind: "lobby" }), { code: "not_found" });
});

test("a deleted file message takes its file back from the server, and cannot be edited before", async (village) => {
  const [alice, bobby] = [await village.online("alice6"), await village.online("bobby6")];
  const path = `${village.folder}/plan.txt`;
  await Deno.writeTextFile(path, "the plan");
  const { id } = await alice.files.send({ target: to("bobby6"), path });
  await alice.waitFor(id, "delivered", patience());
  const stored = () => [...Deno.readDirSync(`${village.server.data}/files`)].length;
  assert.equal(stored(), 1);
  await assert.rejects(alice.content.edit(id, "a text"), { code: "not_permitted_now" });
  await alice.content.remove(id);
  const gone = await changed(bobby, id, ({ deleted }) => deleted === true);
  assert.equal(gone.file, undefined);
  assert.deepEqual(await bobby.files.list(), []);
  const late = patience();
  while (stored() > 0) {
    late.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});
