/** A group of three servers, two of which are linked with the first alone. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { directoryOrigin } from "../../../lib/directory/origin.ts";
import { openCheckpoint } from "../../../lib/directory/checkpoint.ts";
import { offerKeyPackage, type Party, sendLookalike } from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { WireGroup } from "../../kit/wire_group.ts";
import { House, linkFrom } from "./kit.ts";

async function party(house: House, name: string): Promise<Party> {
  const client = await WireClient.connect(await house.server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

Deno.test("people of servers that are not linked are in one group, and their keys are proved through the hub", async (t) => {
  await using mill = await House.start("mill", "--consent", "none");
  await using office = await House.start("office", "--consent", "none");
  await using yard = await House.start("yard", "--consent", "none");
  await linkFrom(mill, office);
  await linkFrom(mill, yard);
  const sam = await party(mill, "sam");
  const rae = await party(office, "rae");
  const yan = await party(yard, "yan");
  await using _sam = sam.client;
  await using _rae = rae.client;
  await using _yan = yan.client;
  for (const [person, server] of [[rae, "office"], [yan, "yard"]] as const) {
    await offerKeyPackage(person);
    const account = person.account.id;
    const conversation = randomId();
    await sam.client.request({ type: "keypackages.claim", account, conversation, server });
  }
  const { conversation } = await WireGroup.create([sam, rae, yan]);
  await rae.client.event("welcome");
  await yan.client.event("welcome");

  await t.step("what one writes the others get", async () => {
    const { id } = await sendLookalike(rae, { conversation });
    const got = await yan.client.event("message");
    strictEqual(got.message.message, id);
    strictEqual((await sam.client.event("message")).message.account, rae.account.id);
  });
  await t.step("each knows the others under addresses", async () => {
    const list = await yan.client.request({ type: "conversation.list" });
    const names = list.message.conversations[0]?.members.map(({ name }) => name);
    deepStrictEqual(names?.toSorted(), ["rae@office", "sam@mill", "yan"]);
  });
  await t.step("keys of the third come from its own server, with its proof", async () => {
    const account = yan.account.id;
    const { message } = await rae.client.request({ type: "directory.keys", account });
    const { identity } = await yard.server.pinned();
    deepStrictEqual([message.server, message.name], ["yard", "yan"]);
    strictEqual(message.identity, toBase64url(identity));
    const signer = { origin: directoryOrigin(identity), publicKey: identity };
    const { size: to } = openCheckpoint(message.checkpoint, signer);
    const server = "yard";
    await rae.client.request({ type: "directory.consistency", server, from: 1, to });
  });
  await t.step("nothing else is asked through others", async () => {
    const users = rae.client.request({ type: "directory.users", scope: "all", server: "yard" });
    await rejects(users, { code: "no_such_server" });
    const named = rae.client.request({ type: "directory.keys", name: "yan", server: "yard" });
    await rejects(named, { code: "no_such_server" });
  });
});
