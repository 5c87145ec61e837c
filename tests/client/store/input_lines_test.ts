import assert from "node:assert/strict";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { InputLines } from "../../../client/store/input_lines.ts";
import { TempFolder } from "../../kit/folder.ts";
import { lightProfile, someIdentity } from "../entrance/light_profile.ts";

const identity = someIdentity({ name: "sam", serverKey: generateSigningKey().publicKey });

Deno.test("lines of other windows and earlier times are given back in order, without the own ones", async () => {
  await using temp = await TempFolder.make();
  using profile = lightProfile(temp.path, identity);
  const [one, two] = [new InputLines(profile), new InputLines(profile)];
  one.add("first");
  two.add("second");
  two.add("second");
  one.add("third");
  assert.deepEqual(one.others(), ["second"]);
  assert.deepEqual(two.others(), ["first", "third"]);
  assert.deepEqual(new InputLines(profile).others(), ["first", "second", "third"]);
});

Deno.test("only the latest lines are kept, and none in the clear", async () => {
  await using temp = await TempFolder.make();
  using profile = lightProfile(temp.path, identity);
  const lines = new InputLines(profile, { most: 20 });
  for (let index = 0; index <= 20; index++) lines.add(`marker line ${index}`);
  const later = new InputLines(profile).others();
  assert.equal(later.length, 20);
  assert.equal(later[0], "marker line 1");
  profile.database.checkpoint();
  const file = new TextDecoder("latin1").decode(await Deno.readFile(profile.path));
  assert.ok(!file.includes("marker line"));
});

Deno.test("a line that was taken away is given to no window again", async () => {
  await using temp = await TempFolder.make();
  using profile = lightProfile(temp.path, identity);
  const [one, two] = [new InputLines(profile), new InputLines(profile)];
  one.add("@bob the secret");
  one.add("the secret");
  one.add("/users");
  one.add("not the secrets");
  assert.deepEqual(two.others(), ["@bob the secret", "the secret", "/users", "not the secrets"]);
  one.forget("the secret");
  assert.deepEqual(two.others(), ["/users", "not the secrets"]);
  one.add("more");
  assert.deepEqual(two.others(), ["/users", "not the secrets", "more"]);
});
