/** A linked server that lies, repeats itself or comes from the future, against a real server process. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { House } from "./kit.ts";
import { Neighbour } from "./neighbour.ts";

const day = 24 * 60 * 60 * 1000;

Deno.test("what a linked server makes up ends with it, and the link goes on", async (t) => {
  await using mill = await House.start("mill", "--peers", "open", "--consent", "none");
  await using office = await Neighbour.link(mill, "office");
  await using yard = await Neighbour.link(mill, "yard");
  await using sam = await WireClient.connect(await mill.server.pinned());
  const account = newAccount("sam");
  await sam.register(account);
  const rae = office.person("rae");
  const own = { item: { kind: "device", certificate: rae.client.certificate(rae.account) } };
  const conversation = randomId();
  const direct = (changes: object = {}) => ({
    item: {
      kind: "snapshot",
      conversation,
      of: "direct",
      by: rae.account.id,
      incarnation: 0,
      epoch: 1,
      seq: 1,
      ts: Date.now(),
      members: [rae, { account }].map((each) => ({ account: each.account.id, role: "member" })),
      roster: [rae.client.deviceText, sam.deviceText],
      removals: [],
      leaving: [],
      ...changes,
    },
  });
  const listed = async () =>
    (await sam.request({ type: "conversation.list" })).message.conversations;
  const say = (changes: object = {}) => ({
    item: {
      kind: "message",
      conversation,
      seq: 2,
      ts: Date.now(),
      epoch: 1,
      device: rae.client.deviceText,
      message: randomId(),
      ...changes,
    },
    body: new Uint8Array([1, 2, 3]),
  });

  await t.step("items of kinds that are not known yet are confirmed and left out", async () => {
    const future = { item: { kind: "hologram", conversation, anything: [{ else: 1 }] } };
    await office.queue(future, { ...future, body: new Uint8Array(1000) }, own);
    deepStrictEqual(await listed(), []);
  });
  await t.step("members that it may not speak for, and devices that nobody has shown", async () => {
    const stranger = yard.person("yan");
    await office.queue(
      direct({ by: stranger.account.id }),
      direct({ roster: [rae.client.deviceText, "A".repeat(43)] }),
      direct({ members: [{ account: rae.account.id, role: "member" }] }),
      direct({ roster: [rae.client.deviceText, rae.client.deviceText] }),
      direct({ seq: Number.MAX_SAFE_INTEGER }),
    );
    deepStrictEqual(await listed(), []);
  });
  await t.step(
    "another server's conversation, rows that jump, devices without a seat",
    async () => {
      await office.queue(direct());
      strictEqual((await listed()).length, 1);
      const other = office.person("ron");
      await yard.queue(say(), { item: { kind: "end", conversation } }, direct({ seq: 7 }));
      await office.queue(say({ device: other.client.deviceText }));
      strictEqual((await listed())[0]?.head, 1);
      // From there on the house wants to hear how it stands, and takes no row before.
      strictEqual((await office.item("wanted")).conversation, conversation);
      await office.queue(say({ seq: 3 }), say());
      strictEqual((await listed())[0]?.head, 1);
      await office.queue(direct(), say());
      strictEqual((await listed())[0]?.head, 2);
    },
  );
  await t.step("the same row again, and one with a clock that is a day off", async () => {
    await office.queue(say(), say(), say({ seq: 3, ts: Date.now() + day }));
    await office.queue(say({ seq: 4, ts: Date.now() - day }));
    const [after] = await listed();
    strictEqual(after?.head, 4);
    ok(after.members.every(({ name }) => name === "sam" || name === "rae@office"));
  });
  await t.step("a neighbour that begins anew, as from a backup, brings nothing twice", async () => {
    await using again = await Neighbour.link(mill, "office", office.identity);
    // It has forgotten what it was told, and perhaps rows: it is asked how the conversation stands.
    strictEqual((await again.item("wanted")).conversation, conversation);
    await again.queue(say({ seq: 3 }), say({ seq: 4 }), say({ seq: 5 }));
    strictEqual((await listed())[0]?.head, 4);
    await again.queue(direct({ seq: 4 }), say({ seq: 5 }), say({ seq: 5 }));
    strictEqual((await listed())[0]?.head, 5);
  });
});
