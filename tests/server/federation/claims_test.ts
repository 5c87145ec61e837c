import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import { createConversation, offerKeyPackage, sendLookalike } from "../../kit/conversation.ts";
import { House, linkFrom } from "./kit.ts";
import { settle } from "./people.ts";

Deno.test("key packages of people of linked servers, and conversations with them", async (t) => {
  await using mill = await House.start("mill", "--consent", "remote");
  await using office = await House.start("office", "--consent", "remote");
  const sam = await settle(mill, "sam");
  const rae = await settle(office, "rae");
  await using _sam = sam.client;
  await using _rae = rae.client;
  const claim = (account: string, server: string) =>
    sam.client.request({ type: "keypackages.claim", account, conversation: randomId(), server });
  await linkFrom(mill, office);

  await t.step("clients hear that the link has come", async () => {
    const { message } = await sam.client.event("server.link");
    deepStrictEqual(message, { type: "server.link", server: "office", linked: true });
  });
  await t.step("nobody has what is not there", async () => {
    await rejects(claim(rae.account.id, "nowhere"), { code: "no_such_server" });
    await rejects(claim(randomId(), "office"), { code: "no_such_user" });
    // An account of this server is none of that one.
    await rejects(claim(sam.account.id, "office"), { code: "no_such_user" });
  });
  await t.step("a device without packages is named", async () => {
    const { message } = await claim(rae.account.id, "office");
    deepStrictEqual([message.packages, message.missing], [[], [rae.client.deviceText]]);
  });
  await t.step("before a claim an account of another server is unknown", async () => {
    await offerKeyPackage(rae);
    await rejects(createConversation(sam, rae), { code: "no_such_user" });
  });
  let conversation = "";
  await t.step("after it a conversation can have it as a member, under its address", async () => {
    ({ conversation } = await createConversation(sam, rae, { server: "office" }));
    const { message } = await sam.client.request({ type: "conversation.list" });
    const [listed] = message.conversations;
    ok(listed);
    deepStrictEqual(listed.members.map(({ name }) => name).toSorted(), ["rae@office", "sam"]);
    strictEqual(listed.hub, undefined);
  });
  await t.step("whom her server asks first gets no more than a request holds", async () => {
    for (let count = 0; count < serverLimits.requestMessages; count++) {
      await sendLookalike(sam, { conversation });
    }
    await rejects(sendLookalike(sam, { conversation }), { code: "consent_pending" });
  });
  await t.step("whoever has blocked him is as if he had never been accepted", async () => {
    await rae.client.request({ type: "account.block", account: sam.account.id });
    await rejects(claim(rae.account.id, "office"), { code: "not_accepted" });
    const { message } = await rae.client.request({ type: "account.blocks" });
    deepStrictEqual(message.blocked.map(({ name }) => name), ["sam@mill"]);
  });
  await t.step("a server that is away is said to be, to those who are there at once", async () => {
    sam.client.events.length = 0;
    await office.kill();
    const { message } = await sam.client.event("server.link");
    deepStrictEqual(message, { type: "server.link", server: "office", linked: false });
    await rejects(claim(rae.account.id, "office"), { code: "server_away" });
  });
});
