import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { groupIdOf } from "../../../lib/base/group_id.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { signCommitRefusal } from "../../../lib/crypto/commit_refusal.ts";
import { createGroup } from "../../../lib/mls/mod.ts";
import {
  commitBody,
  createConversation,
  lookalikeMessage,
  mlsIdentity,
  offerKeyPackage,
  type Party,
  sendLookalike,
} from "../../kit/conversation.ts";
import { WireClient } from "../../kit/wire_client.ts";
import { keyPackageOf, listed, membershipBytes, WireGroup } from "../../kit/wire_group.ts";
import { House, linkFrom } from "./kit.ts";
import { meet, refusal, settle } from "./people.ts";

Deno.test("people of two servers in one group, which one of them orders", async (t) => {
  await using mill = await House.start("mill", "--consent", "none");
  await using office = await House.start("office", "--consent", "none");
  await linkFrom(mill, office);
  const [sam, tom] = [await settle(mill, "sam"), await settle(mill, "tom")];
  const [rae, ron] = [await settle(office, "rae"), await settle(office, "ron")];
  await using _sam = sam.client;
  await using _tom = tom.client;
  await using _rae = rae.client;
  await using _ron = ron.client;

  await meet(sam, rae, "office");
  const group = await WireGroup.create([sam, tom, rae], { rae: "admin" });
  const { conversation } = group;
  const info = async (of: Party) =>
    (await of.client.request({ type: "conversation.info", conversation })).message;
  /** Until the row is on its own server, too, from where it is read. */
  const row = async (of: Party, seq: number) => {
    const { message, body } = await of.client.event("message", (each) => each.message.seq === seq);
    return [message.account, message.device, toBase64url(body)];
  };

  await t.step(
    "the follower welcomes its own, with the server whose conversation it is",
    async () => {
      const { message } = await rae.client.event("welcome");
      deepStrictEqual([message.conversation, message.roster.length], [conversation, 3]);
      const { message: { conversations } } = await rae.client.request({
        type: "conversation.list",
      });
      strictEqual(conversations[0]?.hub, "mill");
      deepStrictEqual(
        conversations[0]?.members.map(({ name }) => name).toSorted(),
        ["rae", "sam@mill", "tom@mill"],
      );
    },
  );
  await t.step("messages go both ways, and come in one order", async () => {
    const sent = [];
    for (const each of [rae, sam, rae, tom]) {
      sent.push({ by: each, ...await sendLookalike(each, { conversation }) });
    }
    deepStrictEqual(sent.map(({ seq }) => seq), [2, 3, 4, 5]);
    for (const reader of [sam, rae]) {
      for (const { by, seq, text } of sent.filter(({ by }) => by !== reader)) {
        deepStrictEqual(await row(reader, seq), [by.account.id, by.client.deviceText, text]);
      }
    }
  });
  await t.step("many at once keep the order of their sender", async () => {
    const asks = Array.from({ length: 200 }, () => sendLookalike(rae, { conversation }));
    const seqs = (await Promise.all(asks)).map(({ seq }) => seq);
    deepStrictEqual(seqs, Array.from({ length: 200 }, (_, at) => 6 + at));
  });
  await t.step("of two commits for one epoch one wins, wherever its sender is", async () => {
    const [near, far] = [await group.draft(tom, {}), await group.draft(rae, {})];
    const done = await Promise.allSettled([group.send(tom, near), group.send(rae, far)]);
    const won = done.findIndex(({ status }) => status === "fulfilled");
    deepStrictEqual(done.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const pairs = [[tom, near], [rae, far]] as const;
    const [[winner, accepted], [loser, refused]] = won === 0
      ? pairs
      : [pairs[1], pairs[0]] as const;
    deepStrictEqual(await refusal(group.send(loser, refused)), ["epoch_conflict", 2]);
    group.keep(winner, accepted.pending.next);
    for (const other of [sam, loser]) await group.apply(other, accepted.pending.bytes);
    // Who lost is told of it by its own server, like everybody.
    const { message } = await loser.client.event("commit");
    deepStrictEqual([message.hash, message.epoch], [accepted.request.hash, 1]);
  });
  await t.step("somebody of the follower adds somebody of the follower", async () => {
    await offerKeyPackage(ron);
    const account = ron.account.id;
    await rae.client.request({ type: "keypackages.claim", account, conversation });
    await group.change(rae, { membership: { add: [listed(ron)] }, add: [ron] }, [sam, tom]);
    strictEqual((await ron.client.event("welcome")).message.conversation, conversation);
    const { seq, text } = await sendLookalike(ron, { conversation, epoch: 3 });
    deepStrictEqual(await row(sam, seq), [account, ron.client.deviceText, text]);
  });
  await t.step("what members cannot apply is taken back on both servers", async () => {
    const declared = await group.draft(tom, {});
    await group.send(tom, declared);
    const { hash } = declared.request;
    const refuse = async ({ client }: Party) => {
      const facts = { conversation, incarnation: 0, epoch: 3, hash, reason: "invalid" } as const;
      const signature = toBase64url(signCommitRefusal(client.device, facts));
      return (await client.request({ type: "conversation.refuse", ...facts, signature })).message;
    };
    strictEqual((await refuse(rae)).rolledBack, false);
    strictEqual((await refuse(sam)).rolledBack, true);
    for (const { client } of [tom, ron]) {
      strictEqual((await client.event("rollback")).message.hash, hash);
    }
    const message = { conversation, message: randomId(), incarnation: 1, epoch: 3 };
    const bytes = lookalikeMessage(conversation, { epoch: 3 });
    const sent = { type: "message.send", ...message, body: bytes.length } as const;
    await ron.client.request(sent, bytes);
  });
  await t.step("who has left is removed by the others", async () => {
    await ron.client.request({ type: "conversation.leave", conversation });
    const { message } = await sam.client.event("conversation.removals");
    deepStrictEqual(message.leaving, [ron.account.id]);
    const draft = await group.draft(sam, {
      membership: { remove: [ron.account.id] },
      remove: [ron],
    });
    const request = { ...draft.request, incarnation: 1 };
    await sam.client.request({ type: "conversation.commit", ...request }, draft.bodies);
    group.keep(sam, draft.pending.next);
    for (const other of [tom, rae]) await group.apply(other, draft.pending.bytes);
    await rae.client.event("commit", ({ message }) => message.hash === draft.request.hash);
    deepStrictEqual((await info(rae)).members.length, 3);
  });
  await t.step("a group that nobody can enter is made anew from the follower", async () => {
    const context = { identity: mlsIdentity(rae), accept: () => true, now: Date.now() };
    const alone = await createGroup(groupIdOf(conversation, 2), context);
    const add = [await keyPackageOf(sam), await keyPackageOf(tom)];
    const pending = await alone.commit({
      add,
      authenticatedData: membershipBytes({}),
      now: Date.now(),
    });
    ok(pending.kind === "pending");
    const { parts, bodies, body } = commitBody(pending);
    const roster = [rae, sam, tom].map(({ account, client }) => ({
      account: account.id,
      device: client.deviceText,
    }));
    const { hash } = pending;
    const about = { conversation, incarnation: 1, hash, roster, parts, body };
    const recreate = { type: "conversation.recreate", ...about } as const;
    const { message } = await rae.client.request(recreate, bodies);
    deepStrictEqual([message.incarnation, message.epoch], [2, 1]);
    // The answer was lost: the same again gets the same.
    strictEqual((await rae.client.request(recreate, bodies)).message.seq, message.seq);
    const { message: welcome } = await sam.client.event("welcome");
    deepStrictEqual([welcome.incarnation, welcome.seq], [2, message.seq]);
  });
  await t.step("while the hub is away nothing is sent, and all else goes on", async () => {
    const bytes = lookalikeMessage(conversation, { epoch: 1 });
    const send = (id: string) => {
      const about = { conversation, message: id, incarnation: 2, epoch: 1, body: bytes.length };
      return rae.client.request({ type: "message.send", ...about }, bytes);
    };
    const list = async () =>
      (await rae.client.request({ type: "conversation.list" })).message.conversations[0];
    const link = async () => {
      const { message } = await rae.client.event("server.link");
      return [message.server, message.linked];
    };
    rae.client.events.length = 0;
    await mill.kill();
    deepStrictEqual(await link(), ["mill", false]);
    const id = randomId();
    await rejects(send(id), { code: "hub_away" });
    await rejects(rae.client.request({ type: "conversation.leave", conversation }), {
      code: "hub_away",
    });
    strictEqual((await list())?.hubAway, true);
    // It dies again when the message is on its disk and before it has said so.
    await mill.again({ SEALPOST_TEST_HOOKS: "1", SEALPOST_CRASH_AT: "server:committed" });
    deepStrictEqual(await link(), ["mill", true]);
    strictEqual((await list())?.hubAway, undefined);
    await rejects(send(id), { code: "hub_away" });
    deepStrictEqual(await link(), ["mill", false]);
    await mill.again();
    deepStrictEqual(await link(), ["mill", true]);
    const { message: { seq } } = await send(id);
    const { message: next } = await send(randomId());
    strictEqual(next.seq, seq + 1);
    const { device } = sam.client;
    await using again = await WireClient.connect(await mill.server.pinned(), { device });
    await again.logInDevice();
    for (const expected of [seq, next.seq]) {
      const { message } = await again.event("message", (each) => each.message.seq >= seq);
      strictEqual(message.seq, expected);
    }
  });
});

Deno.test("a direct conversation with somebody of another server begins as a request there", async (t) => {
  await using mill = await House.start("mill", "--consent", "remote");
  await using office = await House.start("office", "--consent", "remote");
  await linkFrom(mill, office);
  const [sam, rae] = [await settle(mill, "sam"), await settle(office, "rae")];
  await using _sam = sam.client;
  await using _rae = rae.client;
  await offerKeyPackage(rae);
  const { conversation } = await createConversation(sam, rae, { server: "office" });
  const list = async ({ client }: Party) =>
    (await client.request({ type: "conversation.list" })).message.conversations[0];

  await t.step("she is asked, and told by whom", async () => {
    const { message } = await rae.client.event("welcome");
    deepStrictEqual([message.state, message.by], ["request", sam.account.id]);
  });
  await t.step("he can say who he is, and no more before she has answered", async () => {
    for (let count = 0; count < 5; count++) await sendLookalike(sam, { conversation });
    await rejects(sendLookalike(sam, { conversation }), { code: "consent_pending" });
    const { message } = await rae.client.event("notification");
    const { kind, from } = message;
    deepStrictEqual([kind, from], ["request", "sam@mill"]);
  });
  await t.step("once she has accepted both write", async () => {
    const answer = { type: "conversation.answer", conversation, answer: "accept" } as const;
    await rae.client.request(answer);
    strictEqual((await list(rae))?.state, "active");
    // The answer travels; writing herself goes the same way, behind it.
    const { seq } = await sendLookalike(rae, { conversation });
    await sam.client.event("message", ({ message }) => message.seq === seq);
    await sendLookalike(sam, { conversation });
  });
  await t.step("a second one between the two there is not, from either side", async () => {
    await offerKeyPackage(rae);
    await offerKeyPackage(sam);
    for (const [by, of, server] of [[sam, rae, "office"], [rae, sam, "mill"]] as const) {
      await rejects(createConversation(by, of, { server }), { code: "conversation_exists" });
    }
  });
});
