import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { mlsLimits } from "../../lib/base/limits.ts";
import { loadGroup, paddedLength } from "../../lib/mls/mod.ts";
import { peekCommit } from "../../lib/mls/peek.ts";
import {
  account,
  add,
  applied,
  assertRefused,
  commit,
  device,
  external,
  newGroup,
  pair,
  received,
  reloaded,
  send,
} from "./kit.ts";

Deno.test("two people exchange messages, each knowing who sent what", async () => {
  const { a, b, alice, bob } = await pair();
  assert.deepEqual(a.epochAuthenticator, b.epochAuthenticator);
  assert.equal(a.epoch, 1);
  const sent = await a.encrypt(utf8("hello"), utf8("header"));
  const got = await received(b, sent.message);
  assert.deepEqual(got.plaintext, utf8("hello"));
  assert.deepEqual(got.authenticatedData, utf8("header"));
  assert.deepEqual(got.sender, { leafIndex: 0, certificate: alice.identity.certificate });
  assert.deepEqual([got.epoch, got.generation], [1, 0]);
  const back = await got.group.encrypt(utf8("hello yourself"));
  const answer = await received(sent.group, back.message);
  assert.deepEqual(answer.plaintext, utf8("hello yourself"));
  assert.deepEqual(answer.sender.certificate, bob.identity.certificate);
});

Deno.test("the members are known by their certificates", async () => {
  const { a, b, alice, bob } = await pair();
  const expected = [
    { leafIndex: 0, certificate: alice.identity.certificate },
    { leafIndex: 1, certificate: bob.identity.certificate },
  ];
  assert.deepEqual(a.members(), expected);
  assert.deepEqual(b.members(), expected);
  assert.deepEqual([a.ownLeafIndex, b.ownLeafIndex], [0, 1]);
  assert.deepEqual(a.groupId, b.groupId);
});

Deno.test("a removed member cannot derive the next epoch", async () => {
  const { a, b } = await pair();
  const carol = await add(a, device(account("carol")));
  const bob = (await applied(b, carol.pending.bytes)).group;
  const removal = await commit(carol.adder, { remove: [bob.ownLeafIndex] });
  const out = await applied(bob, removal.bytes);
  assert.ok(out.selfRemoved);
  assert.equal(out.group.active, false);
  const inside = (await applied(carol.added, removal.bytes)).group;
  const secret = await removal.next.encrypt(utf8("without bob"));
  assert.deepEqual((await received(inside, secret.message)).plaintext, utf8("without bob"));
  assertRefused(await out.group.process(secret.message), "removed");
  assertRefused(await bob.process(secret.message), "future_epoch");
  assertRefused(await out.group.commit({ now: Date.now() }), "removed");
  await assert.rejects(out.group.encrypt(utf8("let me in")), { code: "not_a_member" });
  assert.notDeepEqual(out.group.epochAuthenticator, removal.next.epochAuthenticator);
});

Deno.test("an added member cannot read the epoch before", async () => {
  const { a, b } = await pair();
  const old = await a.encrypt(utf8("before carol"));
  const { adder, added, pending } = await add(old.group, device(account("carol")));
  assertRefused(await added.process(old.message), "stale_epoch");
  const now = await adder.encrypt(utf8("with carol"));
  assert.deepEqual((await received(added, now.message)).plaintext, utf8("with carol"));
  const bob = (await applied((await received(b, old.message)).group, pending.bytes)).group;
  await received(bob, now.message);
});

Deno.test("the loser of a race drops its commit, applies the winner's and plans again", async () => {
  const { a, b } = await pair();
  const winner = await commit(a);
  const loser = await commit(b);
  assertRefused(await winner.next.process(loser.bytes), "stale_epoch");
  const moved = (await applied(b, winner.bytes)).group;
  assert.deepEqual(moved.epochAuthenticator, winner.next.epochAuthenticator);
  const again = await commit(moved);
  const both = (await applied(winner.next, again.bytes)).group;
  assert.deepEqual(both.epochAuthenticator, again.next.epochAuthenticator);
  await send("after the race", both, [again.next]);
});

Deno.test("a pending commit that was stored is the same after a crash, and the old state still works", async () => {
  const { a, b, alice } = await pair();
  const pending = await commit(a);
  const stored = { old: a.encode(), next: pending.next.encode(), bytes: pending.bytes };
  const old = loadGroup(stored.old, alice);
  const late = await old.encrypt(utf8("still the old epoch"));
  const bob = (await applied((await received(b, late.message)).group, stored.bytes)).group;
  const next = loadGroup(stored.next, alice);
  await send("the new epoch", next, [bob]);
});

Deno.test("one's own commit is refused when it comes back, so it is known by its hash", async () => {
  const { a } = await pair();
  const pending = await commit(a);
  assertRefused(await a.process(pending.bytes), "own_commit");
});

Deno.test("every commit gives fresh keys, an addition too", async () => {
  const { a, b } = await pair();
  const addition = await add(a, device(account("carol")));
  assert.equal(peekCommit(addition.pending.bytes)?.hasPath, true);
  assert.equal(peekCommit((await commit(b)).bytes)?.hasPath, true);
});

Deno.test("a gap of 1,000 lost messages is bridged", async () => {
  const { a, b } = await pair();
  let sent = await a.encrypt(utf8("first"));
  for (let lost = 0; lost < 1000; lost++) sent = await sent.group.encrypt(utf8("lost"));
  const got = await received(b, sent.message);
  assert.equal(got.generation, 1000);
  assert.deepEqual(got.plaintext, utf8("lost"));
});

Deno.test("messages that overtook each other within the kept generations are read in any order", async () => {
  const { a, b } = await pair();
  const first = await a.encrypt(utf8("first"));
  const second = await first.group.encrypt(utf8("second"));
  const bob = (await received(b, second.message)).group;
  const late = await received(bob, first.message);
  assert.deepEqual(late.plaintext, utf8("first"));
  assertRefused(await late.group.process(first.message), "duplicate");
});

Deno.test("several hundred messages of one process may be overtaken by those of another, and all are read", async () => {
  const { a, b } = await pair();
  const messages: Uint8Array[] = [];
  let sender = a;
  for (let at = 0; at < 600; at++) {
    const sent = await sender.encrypt(utf8(`${at}`));
    messages.push(sent.message);
    sender = sent.group;
  }
  let receiver = b;
  for (const message of [...messages.slice(300), ...messages.slice(0, 300)]) {
    receiver = (await received(receiver, message)).group;
  }
  assertRefused(await receiver.process(messages[10] ?? new Uint8Array()), "duplicate");
});

Deno.test("two sends from one state carry the same generation, and receivers refuse the second", async () => {
  const { a, b, alice } = await pair();
  const other = loadGroup(a.encode(), alice);
  const first = await a.encrypt(utf8("first"));
  const second = await other.encrypt(utf8("second"));
  assert.equal(first.generation, second.generation);
  assert.equal(first.group.sentInEpoch, 1);
  const bob = (await received(b, first.message)).group;
  assertRefused(await bob.process(second.message), "duplicate");
});

Deno.test("the same message twice is refused the second time, and leaves the state as it was", async () => {
  const { a, b } = await pair();
  const sent = await a.encrypt(utf8("once"));
  const got = await received(b, sent.message);
  assertRefused(await got.group.process(sent.message), "duplicate");
  assertRefused(await sent.group.process(sent.message), "own_message");
  await send("next", sent.group, [got.group]);
});

Deno.test("late messages are read up to the limit of old epochs, and no further", async () => {
  const { a, b } = await pair();
  const late = await a.encrypt(utf8("late"));
  let [alice, bob] = [late.group, b];
  for (let epoch = 0; epoch < mlsLimits.lateEpochs; epoch++) {
    const pending = await commit(alice);
    [alice, bob] = [pending.next, (await applied(bob, pending.bytes)).group];
  }
  const got = await received(bob, late.message);
  assert.deepEqual([got.plaintext, got.epoch], [utf8("late"), 1]);
  assert.equal(got.sender.leafIndex, 0);
  assertRefused(await got.group.process(late.message), "duplicate");
  const pending = await commit(alice);
  const beyond = (await applied(bob, pending.bytes)).group;
  assertRefused(await beyond.process(late.message), "stale_epoch");
});

Deno.test("a late message of a member that was removed since is still read, with its sender", async () => {
  const { a, b, bob } = await pair();
  const late = await b.encrypt(utf8("my last words"));
  const pending = await commit(a, { remove: [b.ownLeafIndex] });
  const got = await received(pending.next, late.message);
  assert.deepEqual(got.sender, { leafIndex: 1, certificate: bob.identity.certificate });
});

Deno.test("a message of an epoch that has not come yet is told from a tampered one", async () => {
  const { a, b } = await pair();
  const pending = await commit(a);
  const early = await pending.next.encrypt(utf8("early"));
  assertRefused(await b.process(early.message), "future_epoch");
  const tampered = (await a.encrypt(utf8("tampered"))).message;
  tampered[tampered.length - 1] = (tampered[tampered.length - 1] ?? 0) ^ 1;
  assertRefused(await b.process(tampered), "undecryptable");
});

Deno.test("padding hides the length within a bucket", async () => {
  const { a } = await pair();
  const sizes = async (length: number) => (await a.encrypt(new Uint8Array(length))).message.length;
  for (const [index, bucket] of mlsLimits.paddingBuckets.entries()) {
    const below = (mlsLimits.paddingBuckets[index - 1] ?? -1) + 1;
    assert.equal(await sizes(below), await sizes(bucket));
    assert.notEqual(await sizes(bucket), await sizes(bucket + 1));
  }
  assert.equal(paddedLength(65537), 131072);
});

Deno.test("a state is the same after storing and loading, after every operation", async () => {
  const { a, b, alice, bob } = await pair();
  let [left, right] = [reloaded(a, alice), reloaded(b, bob)];
  for (let round = 0; round < mlsLimits.lateEpochs + 2; round++) {
    const [sender, receiver] = await send(`round ${round}`, left, [right]);
    assert.ok(sender && receiver);
    [left, right] = [reloaded(sender, alice), reloaded(receiver, bob)];
    const pending = await commit(right);
    right = reloaded(pending.next, bob);
    left = reloaded((await applied(left, pending.bytes)).group, alice);
  }
  const tablet = device(account("carol"));
  const joined = await add(left, tablet);
  reloaded(joined.added, tablet);
  const rejoined = await external(joined.pending.groupInfo, bob);
  reloaded(rejoined.next, bob);
});

Deno.test("a state of another device, another version or with damage is not loaded", async () => {
  const { a, alice, bob } = await pair();
  const state = a.encode();
  assert.throws(() => loadGroup(state, bob), RangeError);
  assert.throws(() => loadGroup(state.with(0, 9) as typeof state, alice), RangeError);
  assert.throws(() => loadGroup(state.slice(0, -1), alice));
});

Deno.test("a state holds no signature key, so that it is stored once", async () => {
  const { a, alice } = await pair();
  const hex = (bytes: Uint8Array) => [...bytes].join();
  assert.equal(hex(a.encode()).includes(hex(alice.identity.device.seed)), false);
});

Deno.test("only the group's own members read it", async () => {
  const { a } = await pair();
  const stranger = await newGroup(device(account("mallory")));
  const sent = await a.encrypt(utf8("not for you"));
  assertRefused(await stranger.process(sent.message), "wrong_group");
});
