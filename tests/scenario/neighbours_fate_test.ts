/** What servers of a conversation go through: one dies while both sides change its keys, or is put back to a backup. */
import assert from "node:assert/strict";
import { threadOf } from "../client/engine/repair_kit.ts";
import { arrives, direct, eventually, heard, Neighbours } from "../kit/neighbours.ts";
import { run } from "../kit/program.ts";
import type { House } from "../server/federation/kit.ts";

const hasty = { random: () => 0 };

/** Keeps what the house has now; the result puts it back and starts it, as its operator would. */
async function backup(house: House): Promise<() => Promise<void>> {
  const { path: home } = house.home;
  const file = `${home}/kept.backup`;
  const kept = await run(["server", "backup", file], { home });
  assert.equal(kept.code, 0, kept.err);
  return async () => {
    await house.kill();
    await Deno.rename(house.server.data, `${home}/before`);
    const restored = await run(["server", "restore", file], { home });
    assert.equal(restored.code, 0, restored.err);
    await house.again();
  };
}

Deno.test("a conversation of two servers outlives what happens to either of them", async (t) => {
  await using town = await Neighbours.make(["mill", "office"], "--consent", "none");
  const [mill, office] = [town.house("mill"), town.house("office")];
  const samFacts = await town.device("sam@mill");
  const raeFacts = await town.device("rae@office");
  const [sam, rae] = [await town.open(samFacts, hasty), await town.open(raeFacts, hasty)];
  const [toRae, toSam] = [direct("rae@office"), direct("sam@mill")];
  const bothTalk = async (text: string) => {
    await sam.send(toRae, `${text}, from the mill`);
    await arrives(rae, `${text}, from the mill`);
    await rae.send(toSam, `${text}, from the office`);
    await arrives(sam, `${text}, from the office`);
  };
  await heard(sam, toRae, "hello", [[rae, "sam@mill"]]);
  await heard(rae, toSam, "hello back", [[sam, "rae@office"]]);

  for (const [name, house] of [["hub", mill], ["follower", office]] as const) {
    await t.step(`both change the keys at once while the ${name} dies`, async () => {
      const { epoch } = threadOf(samFacts);
      const changes = Promise.allSettled([sam.rekey(toRae), rae.rekey(toSam)]);
      const texts = [
        sam.send(toRae, `on the way at the mill's, ${name}`),
        rae.send(toSam, `on the way at the office's, ${name}`),
      ];
      await house.kill();
      await house.again();
      await Promise.all([changes, ...texts]);
      await arrives(rae, `on the way at the mill's, ${name}`);
      await arrives(sam, `on the way at the office's, ${name}`);
      await bothTalk(`after the ${name} died`);
      await eventually(
        [sam, rae],
        () => threadOf(samFacts).epoch === threadOf(raeFacts).epoch || undefined,
        "one epoch",
      );
      assert.ok(threadOf(samFacts).epoch >= epoch);
      assert.equal(threadOf(samFacts).incarnation, 0);
    });
  }
  for (const [name, house] of [["follower", office], ["hub", mill]] as const) {
    await t.step(`the ${name} is put back to a backup`, async () => {
      const putBack = await backup(house);
      await bothTalk(`after the backup of the ${name}`);
      await rae.rekey(toSam);
      await bothTalk(`with other keys than in the backup of the ${name}`);
      await putBack();
      await bothTalk(`after the ${name} was put back`);
      await sam.rekey(toRae);
      await bothTalk(`and with fresh keys after the ${name}`);
    });
  }
});
