/** Six people and their groups, over the one-shot commands and one window. */
import assert from "node:assert/strict";
import { type Person, Town, untilSo } from "../kit/story.ts";

type Json = Record<string, unknown>;

async function texts(person: Person, group: string): Promise<unknown[]> {
  const all = await person.json(["history", group]);
  return all.filter(({ kind }) => kind === "text").map(({ text }) => text);
}

async function members(person: Person, group: string): Promise<string> {
  const all: Json[] = await person.json(["group", "members", group]);
  return all.map(({ name, role }) => `${name} ${role}`).sort().join(", ");
}

Deno.test("six people, two groups of one name, roles, invitations, goodbyes", async (t) => {
  await using town = await Town.make({ flags: ["--consent", "all"] });
  const [olga, adam, mia, max, kim, eve] = [
    await town.resident("olga"),
    await town.resident("adam"),
    await town.resident("mia"),
    await town.resident("max"),
    await town.resident("kim"),
    await town.resident("eve"),
  ];

  await t.step("a group is made, and those in it are asked first", async () => {
    const [made] = await olga.json(["group", "create", "Team", "adam", "mia", "max"]);
    assert.equal(made?.["conversation"], "#Team");
    assert.equal(made?.["role"], "owner");
    const waiting = (await adam.json(["unread"])).find(({ type }) => type === "group");
    assert.deepEqual([waiting?.["conversation"], waiting?.["by"], waiting?.["request"]], [
      "#Team",
      "olga",
      true,
    ]);
    const early = await adam.once(["send", "#team", "too early"]);
    assert.equal(early.code, 4, early.err);
    for (const one of [adam, mia]) await one.lines(["group", "accept", "Team"]);
    await max.lines(["group", "decline", "team"]);
  });

  await t.step("what is said reaches everybody who has accepted", async () => {
    assert.equal((await olga.once(["send", "#team", "hello all"])).code, 0);
    assert.equal((await adam.once(["send", "#TEAM", "hello olga"])).code, 0);
    assert.deepEqual(await texts(mia, "#team"), ["hello all", "hello olga"]);
    assert.deepEqual(await texts(olga, "#team"), ["hello all", "hello olga"]);
    assert.equal(await members(mia, "Team"), "adam member, mia member, olga owner");
    const [unread] = await mia.json(["read", "#team"]);
    assert.equal(unread?.["conversation"], "#Team");
  });

  await t.step("only those who may change members and roles do", async () => {
    for (
      const args of [
        ["group", "add", "team", "kim"],
        ["group", "remove", "team", "olga"],
        ["group", "promote", "team", "mia"],
        ["group", "rename", "team", "mine"],
        ["group", "dissolve", "team"],
      ]
    ) assert.equal((await mia.once(args)).code, 4, args.join(" "));
    await olga.lines(["group", "promote", "team", "adam"]);
    const [changed] = await adam.json(["group", "add", "team", "kim"]);
    assert.equal((changed?.["members"] as unknown[]).length, 4);
    await kim.lines(["group", "accept", "team"]);
    assert.equal(await members(kim, "team"), "adam admin, kim member, mia member, olga owner");
    assert.deepEqual(await texts(kim, "#team"), []);
  });

  await t.step("a slip does nothing, and says what was wrong", async () => {
    for (
      const [args, code] of [
        [["group", "add", "team", "nobody.there"], 6],
        [["group", "remove", "team", "eve"], 6],
        [["group", "members", "nothing"], 6],
        [["group", "add", "team"], 2],
        [["group", "create", "two words"], 2],
        [["group", "create", "lobby"], 2],
        [["group", "frobnicate"], 2],
        [["group", "leave", "team"], 4],
        [["send", "#nothing", "x"], 6],
      ] as const
    ) {
      const ended = await olga.once([...args]);
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.err}`);
      assert.equal(ended.out, "");
    }
  });

  await t.step("two groups of one name are told apart by their ids", async () => {
    await eve.json(["group", "create", "team", "mia"]);
    await mia.lines(["group", "accept", "team"]);
    const both = (await mia.json(["group", "list"])).filter(({ standing }) =>
      standing === "active"
    );
    assert.equal(both.length, 2);
    const unclear = await mia.once(["send", "#team", "to whom?"]);
    assert.equal(unclear.code, 6);
    const named = both.map(({ id }) => `#team~${String(id).slice(0, 4)}`);
    for (const one of named) assert.ok(unclear.err.includes(one), unclear.err);
    const [eves] = both.filter(({ members }) => (members as unknown[]).length === 2);
    const address = `#team~${String(eves?.["id"]).slice(0, 4)}`;
    assert.equal((await mia.once(["send", address, "only for eve"])).code, 0);
    assert.deepEqual(await texts(eve, "#team"), ["only for eve"]);
    await mia.lines(["group", "leave", address]);
  });

  await t.step("in a window a group is made, written in and left by its name", async () => {
    await using chat = await olga.online();
    await chat.waitForLine("#Team", await chat.type("/group list"));
    await chat.waitForLine("adam  admin", await chat.type("/members #team"));
    await chat.type("#team from the window");
    await seen(mia, "#team", "from the window");
    await chat.waitForRemark("#crew", await chat.type("/group rename team crew"));
    await chat.type("/to #crew");
    await chat.type("by the new name");
    await seen(mia, "#crew", "by the new name");
    assert.equal((await chat.finish()).code, 0);
  });

  await t.step("whoever is removed or leaves reads nothing further", async () => {
    await adam.lines(["group", "remove", "crew", "kim"]);
    await mia.lines(["group", "leave", "crew"]);
    assert.equal((await olga.once(["send", "#crew", "without kim and mia"])).code, 0);
    assert.equal(await members(adam, "crew"), "adam admin, olga owner");
    assert.deepEqual(await texts(adam, "#crew").then((all) => all.at(-1)), "without kim and mia");
    for (const one of [kim, mia]) {
      assert.ok(!(await texts(one, "#crew")).includes("without kim and mia"));
      assert.equal((await one.once(["send", "#crew", "let me in"])).code, 6);
    }
    const lines = await kim.lines(["history", "#crew"]);
    assert.ok(lines.some((line) => line.endsWith("you were removed by adam")), lines.join("\n"));
  });

  await t.step("a blocked person's words in a shared group are hidden, and come back", async () => {
    await olga.lines(["block", "adam"]);
    assert.deepEqual((await olga.json(["blocked"])).map(({ name }) => name), ["adam"]);
    assert.equal((await adam.once(["send", "#crew", "do you hear me"])).code, 0);
    assert.ok(!(await texts(olga, "#crew")).includes("do you hear me"));
    assert.deepEqual(await olga.json(["unread"]), []);
    assert.notEqual((await adam.once(["group", "create", "other", "olga"])).code, 0);
    await olga.lines(["unblock", "adam"]);
    assert.ok((await texts(olga, "#crew")).includes("do you hear me"));
  });

  await t.step("the end of a group is seen by all", async () => {
    await olga.lines(["group", "dissolve", "crew"]);
    const [end] = (await adam.json(["group", "list"])).filter(({ name }) => name === "crew");
    assert.equal(end?.["standing"], "removed");
    const [own] = (await olga.json(["group", "list"])).filter(({ name }) => name === "crew");
    assert.equal(own?.["standing"], "dissolved");
  });
});

/** Until the person has it; the window that says it, or gives the group its new name, needs a moment. */
async function seen(person: Person, group: string, text: string): Promise<void> {
  await untilSo(async () => {
    const { code, out } = await person.once(["history", group]);
    assert.ok(code === 0 || code === 6, out);
    return out.split("\n").some((line) => line.endsWith(` ${text}`));
  }, `${person.name} reads "${text}"`);
}
