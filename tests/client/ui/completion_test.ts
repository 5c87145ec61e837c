import assert from "node:assert/strict";
import { complete, type Vocabulary } from "../../../client/ui/completion.ts";
import { TempFolder } from "../../kit/folder.ts";

const vocabulary: Vocabulary = {
  people: ["bob", "Bella", "eve"],
  groups: ["Team", "tulips"],
  requests: ["@eve", "#tulips"],
  members: (group) =>
    Promise.resolve(group === "Team" || group === undefined ? ["bob", "mia"] : []),
  files: () => Promise.resolve(["3", "12"]),
  messages: (own) => Promise.resolve(own ? ["9"] : ["9", "a2"]),
  devices: () => Promise.resolve(["Zm9v"]),
  blocked: () => Promise.resolve(["mallory"]),
  expand: (path) => path,
};

async function words(before: string): Promise<readonly string[] | undefined> {
  const completion = await complete(before, vocabulary);
  return completion?.words.map((word) =>
    before.slice(0, before.length - completion.replaces) + word
  );
}

Deno.test("commands complete at the beginning of a line, and nothing does in the middle of nowhere", async () => {
  assert.deepEqual(await words("/ver"), ["/verify "]);
  assert.deepEqual(await words("/un"), ["/unblock ", "/unread "]);
  assert.equal(await words(""), undefined);
  assert.equal(await words("hello "), undefined);
  assert.equal(await words("b"), undefined, "a first word is hardly ever a name");
});

Deno.test("names complete whatever their case, those of the group at hand too", async () => {
  assert.deepEqual(await words("@b"), ["@Bella ", "@bob "]);
  assert.deepEqual(await words("ask @m"), ["ask @mia "]);
  assert.deepEqual(await words("as mi"), ["as mia "]);
  assert.deepEqual(await words("#T"), ["#Team ", "#tulips "]);
  assert.deepEqual(await words("/msg BE"), ["/msg Bella "]);
  assert.deepEqual(await words("/to #l"), ["/to #lobby "]);
});

Deno.test("each place of a command completes by what it takes", async () => {
  assert.deepEqual(await words("/group a"), ["/group accept ", "/group add "]);
  assert.deepEqual(await words("/group add Te"), ["/group add Team "]);
  assert.deepEqual(await words("/group add Team "), [
    "/group add Team Bella ",
    "/group add Team eve ",
  ]);
  assert.deepEqual(await words("/group remove Team mi"), ["/group remove Team mia "]);
  assert.deepEqual(await words("/accept "), ["/accept #tulips "]);
  assert.deepEqual(await words("/decline @"), ["/decline @eve "]);
  assert.deepEqual(await words("/unblock "), ["/unblock mallory "]);
  assert.deepEqual(await words("/reply "), ["/reply 9: ", "/reply a2: "]);
  assert.deepEqual(await words("/delete "), ["/delete 9: "]);
  assert.deepEqual(await words("/save "), ["/save 12 ", "/save 3 "]);
  assert.deepEqual(await words("/devices re"), ["/devices rename ", "/devices revoke "]);
  assert.deepEqual(await words("/devices revoke "), ["/devices revoke Zm9v "]);
  assert.deepEqual(await words("/expire bob 1"), ["/expire bob 1d ", "/expire bob 1h "]);
  assert.deepEqual(await words("/users --"), ["/users --all "]);
});

Deno.test("paths complete where a command takes one, with spaces in them", async () => {
  await using temp = await TempFolder.make();
  await Deno.writeTextFile(`${temp.path}/a plan.pdf`, "x");
  assert.deepEqual(await words(`/file @bob ${temp.path}/a`), [
    `/file @bob ${temp.path}/a plan.pdf`,
  ]);
  assert.deepEqual(await words(`/export ${temp.path}/`), [`/export ${temp.path}/a plan.pdf`]);
});
