/** Groups with members on several linked servers. */
import assert from "node:assert/strict";
import {
  arrives,
  eventually,
  group,
  groupAs,
  heard,
  members,
  Neighbours,
} from "../kit/neighbours.ts";
import { spoiltCommit } from "../client/engine/repair_kit.ts";

/** Where everybody lives. */
const homes = { sam: "mill", zoe: "yard", rae: "office", ned: "office" } as const;
type Name = keyof typeof homes;

/** What `who` is called where `by` lives. */
const named = (who: Name, by: Name) => homes[who] === homes[by] ? who : `${who}@${homes[who]}`;

/** The same of several, in order. */
const all = (by: Name, ...who: Name[]) => who.map((one) => named(one, by)).sort().join(" ");

Deno.test("a group with members of linked servers lives on its creator's", async (t) => {
  await using town = await Neighbours.make([...new Set(Object.values(homes))], "--consent", "none");
  const sam = await town.online(`sam@${homes.sam}`);
  const rae = await town.online(`rae@${homes.rae}`);
  const zoe = await town.online(`zoe@${homes.zoe}`);
  const ned = await town.online(`ned@${homes.ned}`);

  await t.step("made with members of all three, under addresses", async () => {
    await sam.groups.create("trio", [named("rae", "sam"), named("zoe", "sam")]);
    const seen = { [sam.self.name]: sam, [rae.self.name]: rae, [zoe.self.name]: zoe };
    const names: Record<string, string> = {};
    for (const [name, engine] of Object.entries(seen)) {
      names[name] = members(await groupAs(engine, "trio", ({ named }) => named));
    }
    assert.deepEqual(names, {
      sam: all("sam", "sam", "rae", "zoe"),
      rae: all("rae", "sam", "rae", "zoe"),
      zoe: all("zoe", "sam", "rae", "zoe"),
    });
  });
  await t.step("everybody hears everybody", async () => {
    await heard(sam, group("trio"), "one", [[rae, named("sam", "rae")], [
      zoe,
      named("sam", "zoe"),
    ]]);
    await heard(rae, group("trio"), "two", [[sam, named("rae", "sam")], [
      zoe,
      named("rae", "zoe"),
    ]]);
    await heard(zoe, group("trio"), "three", [[sam, named("zoe", "sam")], [
      rae,
      named("zoe", "rae"),
    ]]);
  });
  await t.step("roles, a new name, and a member whom an admin of another server adds", async () => {
    await sam.groups.setRole(group("trio"), named("rae", "sam"), "admin");
    await groupAs(rae, "trio", ({ role }) => role === "admin");
    assert.deepEqual(await rae.groups.add(group("trio"), [named("ned", "rae")]), [
      named("ned", "rae"),
    ]);
    await groupAs(ned, "trio", ({ named }) => named);
    await groupAs(
      zoe,
      "trio",
      (info) => info.members.some(({ name }) => name === named("ned", "zoe")),
    );
    await rae.groups.rename(group("trio"), "quartet");
    for (const each of [sam, zoe, ned]) await groupAs(each, "quartet", ({ named }) => named);
    await heard(ned, group("quartet"), "four", [[sam, named("ned", "sam")], [
      rae,
      named("ned", "rae"),
    ], [zoe, named("ned", "zoe")]]);
  });
  await t.step("commits of three servers at once: all of them count in the end", async () => {
    await Promise.all([sam, rae, zoe, ned].map((each) => each.rekey(group("quartet"))));
    await heard(zoe, group("quartet"), "after the race", [[sam, named("zoe", "sam")], [
      rae,
      named("zoe", "rae"),
    ], [ned, named("zoe", "ned")]]);
  });
  await t.step("one leaves, one is removed, and both hear nothing more", async () => {
    await zoe.groups.leave(group("quartet"));
    await groupAs(sam, "quartet", (info) => !members(info).includes("zoe"));
    await groupAs(zoe, "quartet", ({ standing }) => standing === "left");
    assert.deepEqual(await sam.groups.remove(group("quartet"), [named("ned", "sam")]), [
      named("ned", "sam"),
    ]);
    await groupAs(
      ned,
      "quartet",
      ({ standing, by }) => standing === "removed" && by === named("sam", "ned"),
    );
    await heard(rae, group("quartet"), "the two of us", [[sam, named("rae", "sam")]]);
    await assert.rejects(ned.send(group("quartet"), "me too"), { code: "not_a_member" });
    for (const each of [zoe, ned]) {
      assert.equal((await each.history({})).some(({ text }) => text === "the two of us"), false);
    }
  });
  await t.step("whoever comes again hears what is said then", async () => {
    await sam.groups.add(group("quartet"), [named("zoe", "sam")]);
    await groupAs(zoe, "quartet", ({ standing }) => standing === "active");
    await heard(sam, group("quartet"), "welcome back", [[zoe, named("sam", "zoe")], [
      rae,
      named("sam", "rae"),
    ]]);
    const missed = await zoe.history({});
    assert.equal(missed.some(({ text }) => text === "the two of us"), false);
  });
  await t.step("dissolved by its owner, it is over for all", async () => {
    await sam.groups.dissolve(group("quartet"));
    for (const each of [rae, zoe]) {
      await groupAs(each, "quartet", ({ standing }) => standing === "dissolved");
    }
    await eventually(
      sam,
      async () => (await sam.groups.list()).find(({ standing }) => standing === "dissolved"),
      "its end",
    );
  });
  await t.step("nobody was warned of anything", async () => {
    assert.deepEqual([...town.warnings.values()].flat(), []);
    assert.equal((await arrives(rae, "one")).conversation, "#quartet");
  });
});

Deno.test("a commit from another server that nobody can apply is taken back on all of them", async () => {
  await using town = await Neighbours.make(["mill", "office"], "--consent", "none");
  const sam = await town.online("sam@mill");
  const ned = await town.online("ned@office");
  const facts = await town.device("rae@office");
  const rae = await town.open(facts);
  await sam.groups.create("trio", ["rae@office", "ned@office"]);
  await heard(sam, group("trio"), "before", [[rae, "sam@mill"], [ned, "sam@mill"]]);
  await rae.stop();
  await spoiltCommit({ pinned: await town.house("office").server.pinned() }, facts);
  for (const each of [sam, ned]) {
    await eventually(
      each,
      () => town.warnings.get(each)?.find((text) => /was taken back/.test(text)),
      "the roll-back",
    );
  }
  const again = await town.open(facts);
  await heard(again, group("trio"), "after", [[sam, "rae@office"], [ned, "rae"]]);
  await heard(ned, group("trio"), "and back", [[sam, "ned@office"], [again, "ned"]]);
});
