import assert from "node:assert/strict";
import { concat } from "../../../lib/base/bytes.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { type Party, sendLookalike } from "../../kit/conversation.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { forged, listed, membershipBytes, WireGroup } from "../../kit/wire_group.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  if (thrown === undefined) return "ok";
  if (!(thrown instanceof RefusedError)) throw thrown;
  return thrown.code;
}

async function party(server: TestServer, name: string): Promise<Party> {
  const client = await WireClient.connect(await server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

/** Four people in a group: an owner, an admin, two members. */
async function four(server: TestServer, tag: string) {
  const people = [];
  for (const name of ["olga", "adam", "mia", "max"]) people.push(await party(server, name + tag));
  const [olga, adam, mia, max] = people;
  assert(olga && adam && mia && max);
  const group = await WireGroup.create([olga, adam, mia, max], { [`adam${tag}`]: "admin" });
  return { group, olga, adam, mia, max };
}

const acknowledge = ({ client }: Party, conversation: string, seq: number) =>
  client.requests.notify({ type: "message.ack", acks: [{ conversation, seq }] });

Deno.test("groups, over TLS and frames against a server process", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path, args: ["--gateways", "2"] });
  const { group, olga, adam, mia, max } = await four(server, "");
  const { conversation } = group;
  const eve = await party(server, "eve");
  const roles = async () => {
    const { message } = await mia.client.request({ type: "conversation.info", conversation });
    return Object.fromEntries(message.members.map(({ account, role }) => [account, role]));
  };

  await t.step("everybody gets the welcome, with kind, roster and roles", async () => {
    for (const { client } of [adam, mia, max]) {
      const { message } = await client.event("welcome");
      assert.deepEqual([message.kind, message.state, message.roster.length], [
        "group",
        "active",
        4,
      ]);
      assert.deepEqual(
        message.members.map(({ role }) => role).toSorted(),
        ["admin", "member", "member", "owner"],
      );
      const added = await client.event("notification");
      assert.deepEqual([added.message.kind, added.message.from], ["group_added", "olga"]);
    }
  });

  await t.step("a message reaches all of them", async () => {
    const { text } = await sendLookalike(mia, { conversation });
    for (const { client } of [olga, adam, max]) {
      const { message } = await client.event("message");
      assert.equal(message.account, mia.account.id, text);
    }
  });

  const refuses = async (code: string, by: Party, change: Parameters<WireGroup["draft"]>[1]) => {
    const before = await roles();
    assert.equal(await codeOf(group.send(by, await group.draft(by, change))), code);
    assert.deepEqual(await roles(), before);
  };

  await t.step("a member that promotes itself is refused", async () => {
    await refuses("not_allowed", mia, { membership: { roles: [listed(mia, "owner")] } });
    await refuses("not_allowed", adam, { membership: { roles: [listed(adam, "owner")] } });
  });

  await t.step(
    "an admin that removes the owner is refused, and so is a member that removes anybody",
    async () => {
      const owner = { membership: { remove: [olga.account.id] }, remove: [olga] };
      await refuses("not_allowed", adam, owner);
      const other = { membership: { remove: [max.account.id] }, remove: [max] };
      await refuses("not_allowed", mia, other);
      await refuses("not_allowed", mia, { remove: [max] });
    },
  );

  await t.step("a commit whose words disagree with its proposals is refused", async () => {
    const words = { add: [listed(eve)] };
    await refuses("roster_mismatch", olga, { membership: words });
    await refuses("roster_mismatch", olga, { add: [eve] });
    await refuses("roster_mismatch", olga, { membership: { remove: [max.account.id] } });
    const silent = await group.draft(olga, { membership: words, add: [eve] });
    const declared = { ...silent, request: { ...silent.request, add: [] } };
    assert.equal(await codeOf(group.send(olga, declared)), "roster_mismatch");
  });

  await t.step(
    "words that are no membership change are malformed, and forged ones no way around",
    async () => {
      const plain = await group.draft(olga, {});
      for (const text of ["{}", " ", '{"v":1,"add":[],"remove":[],"roles":[]}', "x".repeat(300)]) {
        const strange = forged(plain, new TextEncoder().encode(text));
        assert.equal(await codeOf(group.send(olga, strange)), "malformed", text);
      }
      const power = membershipBytes({ roles: [listed(mia, "owner")] });
      const own = forged(await group.draft(mia, {}), power);
      assert.equal(await codeOf(group.send(mia, own)), "not_allowed");
      // The bytes of somebody else's commit are not its sender's to send.
      const theirs = await group.draft(olga, { membership: { roles: [listed(mia, "owner")] } });
      assert.equal(await codeOf(group.send(mia, theirs)), "malformed");
    },
  );

  await t.step(
    "an admin adds and removes; who was removed reads up to there and does no more",
    async () => {
      const others = [olga, mia, max];
      const joined = { membership: { add: [listed(eve)] }, add: [eve] };
      await group.change(adam, joined, others);
      const welcome = (await eve.client.event("welcome")).message;
      assert.equal(welcome.members.length, 5);
      const left = { membership: { remove: [eve.account.id] }, remove: [eve] };
      const theirs = await group.draft(eve, {});
      const exit = await group.change(adam, left, others);
      const { message } = await eve.client.event("commit");
      assert.deepEqual([message.seq, message.remove], [exit, [eve.client.deviceText]]);
      assert.equal((await eve.client.event("notification", isGroup)).message.kind, "group_added");
      assert.equal((await eve.client.event("notification", isGroup)).message.kind, "group_removed");
      const { seq } = await sendLookalike(olga, { conversation, epoch: 3 });
      const outside = ["no_such_conversation", "not_a_member"];
      const sending = sendLookalike(eve, { conversation, epoch: 3 });
      assert(outside.includes(await codeOf(sending)));
      assert(outside.includes(await codeOf(group.send(eve, theirs))));
      const info = eve.client.request({ type: "conversation.info", conversation });
      assert(outside.includes(await codeOf(info)));
      const fetch = { type: "message.fetch", conversation, after: 0, limit: 256 } as const;
      await eve.client.request(fetch);
      assert(eve.client.events.every((event) => Reflect.get(event.message, "seq") !== seq));
      acknowledge(eve, conversation, exit);
      await eve.client.request({ type: "conversation.list" });
      assert(outside.includes(await codeOf(eve.client.request(fetch))));
    },
  );

  await t.step(
    "a body that no frame holds comes in pieces, and anything else is malformed",
    async () => {
      const declared = await group.draft(olga, {});
      const { hash } = declared.request;
      const whole = concat(...declared.bodies);
      const stage = async (offset: number, bytes: Uint8Array) =>
        await olga.client.request(
          { type: "conversation.stage", hash, offset, body: bytes.length },
          bytes,
        );
      const cut = Math.floor(whole.length / 3);
      assert.equal((await stage(0, whole.subarray(0, cut))).message.staged, cut);
      assert.equal(await codeOf(stage(cut + 1, whole.subarray(cut, 2 * cut))), "malformed");
      await stage(cut, whole.subarray(cut, 2 * cut));
      const rest = whole.subarray(2 * cut);
      const request = { ...declared.request, body: rest.length };
      // What one device has staged is of no use to another.
      assert.equal(await codeOf(group.send(mia, { request, bodies: [rest] })), "malformed");
      await group.send(olga, { request, bodies: [rest] });
      group.keep(olga, declared.pending.next);
      for (const other of [adam, mia, max]) await group.apply(other, declared.pending.bytes);
      const next = await group.draft(olga, {});
      const empty = { ...next.request, body: 0 };
      assert.equal(await codeOf(group.send(olga, { request: empty, bodies: [] })), "malformed");
    },
  );

  await t.step(
    "commits of all at once: one wins, all apply it, and the next round goes on",
    async () => {
      const everybody = [olga, adam, mia, max];
      for (let round = 0; round < 3; round++) {
        const drafts = await Promise.all(everybody.map((each) => group.draft(each, {})));
        const codes = await Promise.all(drafts.map((declared, index) => {
          const by = everybody[index];
          assert(by);
          return codeOf(group.send(by, declared));
        }));
        assert.equal(codes.filter((code) => code === "ok").length, 1);
        assert.equal(codes.filter((code) => code === "epoch_conflict").length, 3);
        const winner = codes.indexOf("ok");
        const { pending } = drafts[winner] ?? {};
        assert(pending);
        for (const [index, each] of everybody.entries()) {
          if (index === winner) group.keep(each, pending.next);
          else await group.apply(each, pending.bytes);
        }
      }
      const authenticators = everybody.map((each) => group.state(each).epochAuthenticator.join());
      assert.equal(new Set(authenticators).size, 1);
    },
  );

  await t.step(
    "whoever leaves is told of by an event, and removed by whoever commits first",
    async () => {
      const left = await mia.client.request({ type: "conversation.leave", conversation });
      assert.equal(left.message.deleted, false);
      const { message } = await max.client.event("conversation.removals");
      assert.deepEqual([message.leaving, message.removals], [
        [mia.account.id],
        [mia.client.deviceText],
      ]);
      assert.equal(await codeOf(group.send(max, await group.draft(max, {}))), "removals_pending");
      const { epoch } = group.state(max);
      assert.equal(await codeOf(sendLookalike(mia, { conversation, epoch })), "not_a_member");
      const gone = { membership: { remove: [mia.account.id] }, remove: [mia] };
      const seq = await group.change(max, gone, [olga, adam]);
      const last = await mia.client.event("commit", ({ message }) => message.seq === seq);
      assert.deepEqual(last.message.remove, [mia.client.deviceText]);
      const leaving = olga.client.request({ type: "conversation.leave", conversation });
      assert.equal(await codeOf(leaving), "last_owner");
    },
  );

  await t.step("adding whoever has blocked one is refused without saying why", async () => {
    const block = { type: "account.block", account: olga.account.id } as const;
    await eve.client.request(block);
    const { message } = await eve.client.request({ type: "account.blocks" });
    assert.deepEqual(message.blocked.map(({ name }) => name), ["olga"]);
    const joined = { membership: { add: [listed(eve)] }, add: [eve] };
    assert.equal(await codeOf(group.send(olga, await group.draft(olga, joined))), "not_accepted");
    const claim = { type: "keypackages.claim", account: eve.account.id, conversation } as const;
    assert.equal(await codeOf(olga.client.request(claim)), "not_accepted");
  });
  for (const { client } of [olga, adam, mia, max, eve]) await client.requests.close();
});

const isGroup = ({ message }: { readonly message: { readonly kind: string } }) =>
  message.kind.startsWith("group_");

Deno.test("with --consent all a stranger's group is a request, and a flood of them ends", async () => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path, args: ["--consent", "all"] });
  const eve = await party(server, "eve");
  const sam = await party(server, "sam");
  const group = await WireGroup.create([eve, sam]);
  const { conversation } = group;
  const welcome = (await sam.client.event("welcome")).message;
  assert.deepEqual([welcome.state, welcome.by], ["request", eve.account.id]);
  const told = (await sam.client.event("notification")).message;
  assert.deepEqual([told.kind, told.from, told.conversation], ["request", "eve", conversation]);
  for (let count = 0; count < serverLimits.requestMessages; count++) {
    await sendLookalike(eve, { conversation });
  }
  assert.equal(await codeOf(sendLookalike(eve, { conversation })), "consent_pending");
  const answer = { type: "conversation.answer", conversation, answer: "accept" } as const;
  await sam.client.request(answer);
  await sendLookalike(eve, { conversation });
  const { message } = await sam.client.request({ type: "conversation.list" });
  assert.equal(message.conversations[0]?.state, "active");
  let code = "ok";
  for (let made = 0; code === "ok" && made <= serverLimits.groupsPerHour; made++) {
    const { request, bodies } = await WireGroup.draft([eve]);
    code = await codeOf(eve.client.request({ type: "conversation.create", ...request }, bodies));
  }
  assert.equal(code, "rate_limited");
  for (const { client } of [eve, sam]) await client.requests.close();
});
