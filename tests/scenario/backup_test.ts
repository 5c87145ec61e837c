/** A server that was honestly put back to an old backup: clients refuse it until a person says so, and keep what they know. */
import assert from "node:assert/strict";
import { Town } from "../kit/story.ts";

/** Copies a folder with everything in it. */
async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  assert.ok(success);
}

Deno.test("a directory put back from a backup is refused with exit code 5 until a person accepts it", async () => {
  await using town = await Town.make();
  const erik = await town.resident("erik");
  await town.resident("sam");
  const [before] = await erik.json(["key", "sam"]);
  await town.server.stop();
  await copy(town.data, `${town.folder}/backup`);
  await town.restart();
  await town.resident("zoe");
  await erik.lines(["key", "zoe"]);
  assert.deepEqual((await erik.json(["directory"])).map(({ alarms }) => alarms), [[]]);
  await town.server.stop();
  await Deno.rename(town.data, `${town.folder}/lost`);
  await copy(`${town.folder}/backup`, town.data);
  await town.restart();

  const refused = await erik.once(["key", "sam"]);
  assert.equal(refused.code, 5, refused.err);
  assert.match(refused.err, /taken back part of its directory/);
  assert.match(refused.err, /sealpost client directory trust/);
  const [shown] = await erik.json(["directory"]);
  const [alarm] = shown?.["alarms"] as { text: string; evidence: Record<string, string> }[];
  assert.match(alarm?.text ?? "", /taken back/);
  assert.deepEqual(Object.keys(alarm?.evidence ?? {}).sort(), ["here", "there"]);

  const nobody = await erik.once(["directory", "trust"]);
  assert.equal(nobody.code, 5, "never without a person's word");
  assert.equal((await erik.once(["key", "sam"])).code, 5);
  const accepted = await erik.once(["directory", "trust", "--yes"]);
  assert.equal(accepted.code, 0, accepted.err);
  assert.match(accepted.err, /begins anew/);
  const [after] = await erik.json(["key", "sam"]);
  assert.deepEqual(after, { ...before, logSize: after?.["logSize"] });
  assert.deepEqual((await erik.json(["directory"])).map(({ alarms }) => alarms), [[]]);
  assert.equal((await erik.once(["key", "zoe"])).code, 6, "what the backup does not have is gone");
});
