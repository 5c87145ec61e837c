import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { EvilServer } from "./evil.ts";
import { message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const group = (name: string) => ({ kind: "group", name }) as const;

/** Waits until a group as this engine knows it is as it should be. */
async function until(
  engine: Engine,
  name: string,
  fits: (info: Awaited<ReturnType<Engine["groups"]["info"]>>) => boolean,
  what = "the group",
) {
  const deadline = patience();
  for (;;) {
    const found = (await engine.groups.list()).find((one) => one.name === name);
    if (found !== undefined && fits(found)) return found;
    if (deadline.aborted) throw new Error(`${what} did not come to be: ${JSON.stringify(found)}`);
    await new Promise<void>((resolve) => {
      const stop = engine.subscribe(() => (stop(), resolve()));
      setTimeout(() => (stop(), resolve()), 200);
    });
  }
}

const names = (info: { members: readonly { name: string }[] }) =>
  info.members.map(({ name }) => name).sort().join();

async function say(from: Engine, to: readonly Engine[], text: string, name = "team") {
  await from.send(group(name), text);
  for (const each of [from, ...to]) {
    const got = await message(each, text);
    assert.equal(got.conversation, `#${name}`);
  }
}

const lines = async (engine: Engine, name = "team") =>
  (await engine.history({ target: group(name) })).filter(({ kind }) => kind === "notice")
    .map(({ text }) => text);

const test = storiesOf("groups");

test("a group of three: named, written in by all, read by all", async (village) => {
  const [alice, bobby, carol] = [
    await village.online("alice"),
    await village.online("bobby"),
    await village.online("carol"),
  ];
  const made = await alice.groups.create("Team", ["bobby", "Carol", "bobby"]);
  assert.equal(names(made), "alice,bobby,carol");
  for (const each of [bobby, carol]) await until(each, "Team", ({ named }) => named);
  await alice.send(group("team"), "hello");
  for (const each of [bobby, carol]) {
    const got = await message(each, "hello");
    assert.deepEqual([got.conversation, got.from], ["#Team", "alice"]);
  }
  await carol.send(group("TEAM"), "hello from carol");
  for (const each of [alice, bobby]) await message(each, "hello from carol");
  assert.deepEqual(await lines(alice), ["you created the group", "you added bobby and carol"]);
  assert.deepEqual(await lines(bobby), ["alice added you"]);

  // Delivered and read are what everybody else has done.
  const sent = await bobby.send(group("team"), "read me");
  await bobby.waitFor(sent.id, "delivered", patience());
  const at = await message(alice, "read me");
  await alice.markRead(at);
  await until(bobby, "Team", () => true);
  const one = await nextEvent(
    bobby,
    (event) =>
      (event.kind === "changed" || event.kind === "message") && event.message.id === sent.id &&
      event.message.readBy?.count === 1,
    { after: 0, what: "read by one" },
  );
  assert.ok(one.kind === "changed" || one.kind === "message");
  assert.deepEqual(one.message.readBy, { count: 1, of: 2 });
  assert.equal(one.message.state, "delivered");
  await carol.markRead(await message(carol, "read me"));
  assert.deepEqual((await bobby.waitFor(sent.id, "read", patience())).readBy, { count: 2, of: 2 });
});

test("members come and go: who is added reads nothing of before, who is removed nothing after", async (village) => {
  const [alice, bobby, carol] = [
    await village.online("alice2"),
    await village.online("bobby2"),
    await village.online("carol2"),
  ];
  await alice.groups.create("team", ["bobby2"]);
  await until(bobby, "team", ({ named }) => named);
  await say(alice, [bobby], "before carol");
  assert.deepEqual(await alice.groups.add(group("team"), ["carol2", "bobby2"]), ["carol2"]);
  assert.deepEqual(await alice.groups.add(group("team"), ["carol2"]), []);
  await until(carol, "team", ({ named }) => named);
  await say(bobby, [alice, carol], "with carol");
  assert.deepEqual(
    (await carol.history({ target: group("team") })).map(({ text }) => text),
    ["alice2 added you", "with carol"],
  );
  await assert.rejects(carol.groups.remove(group("team"), ["bobby2"]), { code: "not_allowed" });
  await assert.rejects(alice.groups.remove(group("team"), ["nobody2"]), { code: "not_found" });

  assert.deepEqual(await alice.groups.remove(group("team"), ["Carol2"]), ["carol2"]);
  const out = await until(carol, "team", ({ standing }) => standing === "removed");
  assert.equal(out.by, "alice2");
  await say(alice, [bobby], "without carol");
  assert.deepEqual(await lines(carol), ["alice2 added you", "you were removed by alice2"]);
  assert.ok(!(await carol.history({})).some(({ text }) => text === "without carol"));
  await assert.rejects(carol.send(group("team"), "too late"), { code: "not_a_member" });
  assert.equal(names(await bobby.groups.info(group("team"))), "alice2,bobby2");
});

test("roles, names, leaving and dissolving", async (village) => {
  const [alice, bobby, carol] = [
    await village.online("alice3"),
    await village.online("bobby3"),
    await village.online("carol3"),
  ];
  await alice.groups.create("team", ["bobby3", "carol3"]);
  for (const each of [bobby, carol]) await until(each, "team", ({ named }) => named);
  await assert.rejects(bobby.groups.rename(group("team"), "mine"), { code: "not_allowed" });
  await assert.rejects(alice.groups.rename(group("team"), "two words"), { code: "invalid_name" });
  await assert.rejects(alice.groups.leave(group("team")), { code: "last_owner" });

  await alice.groups.setRole(group("team"), "bobby3", "admin");
  await until(bobby, "team", ({ role }) => role === "admin");
  await bobby.groups.rename(group("team"), "crew");
  for (const each of [alice, carol]) await until(each, "crew", () => true);
  assert.ok((await lines(carol, "crew")).includes("bobby3 named the group #crew"));
  await assert.rejects(bobby.groups.dissolve(group("crew")), { code: "not_allowed" });

  await carol.groups.leave(group("crew"));
  await until(alice, "crew", (info) => names(info) === "alice3,bobby3");
  await until(carol, "crew", ({ standing }) => standing === "left");
  // Who has said farewell is not listed; the line comes with the change of keys.
  await message(alice, "carol3 left");
  assert.ok((await lines(carol, "crew")).includes("you left"));
  await say(bobby, [alice], "two of us", "crew");

  await alice.groups.create("short", ["bobby3"]);
  await until(bobby, "short", ({ named }) => named);
  await alice.groups.dissolve(group("short"));
  await until(bobby, "short", ({ standing }) => standing === "dissolved");
  await until(alice, "short", ({ standing }) => standing === "dissolved");
  assert.ok((await lines(bobby, "short")).includes("alice3 dissolved the group"));
});

test("a second device joins its account's groups, learns their name, and both go on", async (village) => {
  const [alice, bobby] = [await village.online("alice4"), await village.online("bobby4")];
  await alice.groups.create("team", ["bobby4"]);
  await until(bobby, "team", ({ named }) => named);
  await say(alice, [bobby], "before the phone");
  const phone = await village.online("bobby4");
  await until(phone, "team", ({ named }) => named);
  await say(phone, [alice, bobby], "from the phone");
  await say(alice, [bobby, phone], "to the phone");
  assert.ok((await lines(alice)).includes("bobby4 came with a new device"));
});

test("a member that was away for 50 epochs comes back and follows", async (village) => {
  const alice = await village.online("alice5");
  const facts = await village.device("bobby5");
  const bobby = await village.open(facts);
  await alice.groups.create("team", ["bobby5"]);
  await until(bobby, "team", ({ named }) => named);
  await bobby.stop();
  for (let epoch = 0; epoch < 50; epoch++) await alice.rekey(group("team"));
  await alice.send(group("team"), "after fifty epochs");
  const again = await village.open(facts);
  await message(again, "after fifty epochs");
  await say(again, [alice], "back again");
});

test("answers that are lost while a group is made and changed: it is made once, and changed once", async (village) => {
  await village.briefly(await village.device("bobby6"));
  await village.briefly(await village.device("carol6"));
  const facts = await village.device("alice6");
  await using evil = EvilServer.start(village, facts);
  const lost = new Set<string>();
  evil.bend = (arrived) => {
    const { type } = arrived.message;
    const first = !lost.has(type);
    if (!first || (type !== "conversation.create.ok" && type !== "conversation.commit.ok")) {
      return arrived;
    }
    lost.add(type);
    throw new AppError("timeout", { text: "the line breaks" });
  };
  const alice = village.engine(facts, { port: evil.port });
  await alice.start({ receive: true, keepTrying: true });
  await alice.caughtUp(patience());
  await alice.groups.create("team", ["bobby6"]).catch((thrown) =>
    assert.ok(thrown instanceof AppError)
  );
  await until(alice, "team", ({ members }) => members.length === 2);
  await alice.caughtUp(patience());
  await alice.groups.add(group("team"), ["carol6"]).catch((thrown) =>
    assert.ok(thrown instanceof AppError)
  );
  await until(alice, "team", ({ members }) => members.length === 3);
  assert.equal(lost.size, 2);
  assert.equal((await alice.groups.list()).length, 1);
  const bobby = await village.open(await village.device("bobby6"));
  await until(bobby, "team", (info) => info.named && info.members.length === 3);
  await say(alice, [bobby], "all is well");
});
