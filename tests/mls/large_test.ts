import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import {
  createKeyPackage,
  joinFromWelcome,
  loadGroup,
  type MlsContext,
} from "../../lib/mls/mod.ts";
import { flipped } from "../kit/hostile.ts";
import {
  account,
  add,
  applied,
  as,
  assertRefused,
  commit,
  device,
  external,
  newGroup,
  now,
  pair,
  received,
  reloaded,
  send,
} from "./kit.ts";

/** What a group of this product has at most. */
const leaves = 200;

/** Shows how long a step took: the machine is a busy one, so nothing depends on it. */
async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await step();
  console.log(`  ${what} at ${leaves} leaves: ${(performance.now() - begun).toFixed(0)} ms`);
  return result;
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);

const packageOf = async (context: MlsContext) => ({
  context,
  ...await createKeyPackage(context.identity, { now, lastResort: false }),
});

Deno.test("a group works with 200 devices: made at once, written in, changed, and joined", async () => {
  const accounts = Array.from({ length: leaves - 1 }, (_, index) => account(`user${index}`));
  const packages = await Promise.all(accounts.map((owner) => packageOf(device(owner))));
  const alone = await newGroup(device(account("owner")));
  const made = await timed(
    "adding everybody",
    () => commit(alone, { add: packages.map(({ keyPackage }) => keyPackage) }),
  );
  assert.equal(made.next.members().length, leaves);

  const { welcome } = made;
  assert.ok(welcome);
  const join = async (at: number) => {
    const mine = packages[at];
    assert.ok(mine);
    const privateStates = (ref: string) => ref === mine.ref ? mine.privateState : undefined;
    return as(await joinFromWelcome(welcome, { ...mine.context, privateStates }), "joined").group;
  };
  const first = await timed("joining by welcome", () => join(0));
  const last = await join(leaves - 2);
  const [owner, a, b] = await send("to everybody", made.next, [first, last]);
  assert.ok(owner && a && b);
  const kept = packages[0];
  assert.ok(kept);
  const [a2] = await send("from the store", reloaded(a, kept.context), [owner, b]);
  assert.ok(a2);

  const removal = await timed("removing one", () => commit(owner, { remove: [last.ownLeafIndex] }));
  const after = await timed("following a commit", () => applied(a2, removal.bytes));
  assert.equal(after.group.members().length, leaves - 1);
  const gone = await applied(b, removal.bytes);
  assert.ok(gone.selfRemoved);
  await assert.rejects(gone.group.encrypt(utf8("no more")), { code: "not_a_member" });
  const secret = await removal.next.encrypt(utf8("without the removed"));
  assertRefused(await b.process(secret.message), "future_epoch");

  const second = device(accounts[0] ?? account("nobody"));
  const joined = await timed("joining by oneself", () => external(removal.groupInfo, second));
  assert.equal(joined.next.members().length, leaves);
  const followed = await applied(removal.next, joined.bytes);
  assert.deepEqual(followed.group.epochAuthenticator, joined.next.epochAuthenticator);
  const answer = await joined.next.encrypt(utf8("here I am"));
  assert.deepEqual((await received(followed.group, answer.message)).plaintext, utf8("here I am"));
});

Deno.test("what a commit says about accounts reaches the others, and cannot be changed on the way", async () => {
  const { a, b } = await pair();
  const authenticatedData = utf8('{"v":1,"add":[],"remove":[],"roles":[]}');
  const pending = as(await a.commit({ authenticatedData, now }), "pending");
  assert.deepEqual((await applied(b, pending.bytes)).authenticatedData, authenticatedData);
  const at = latin1(pending.bytes).indexOf('"remove"');
  assert.ok(at > 0);
  assertRefused(await b.process(flipped(pending.bytes, at + 3)), "invalid");
});

Deno.test("a removed member of a group of several cannot derive the next epoch, whoever removes it", async () => {
  const { a, b } = await pair();
  const { adder, added: c, pending } = await add(a, device(account("carol")));
  const b2 = (await applied(b, pending.bytes)).group;
  const removal = await commit(b2, { remove: [c.ownLeafIndex] });
  const stays = await applied(adder, removal.bytes);
  const secret = await stays.group.encrypt(utf8("without carol"));
  await received(removal.next, secret.message);
  assertRefused(await c.process(secret.message), "future_epoch");
  const expelled = await applied(c, removal.bytes);
  assert.ok(expelled.selfRemoved);
  assertRefused(await expelled.group.process(secret.message), "removed");
  assert.notDeepEqual(expelled.group.epochAuthenticator, stays.group.epochAuthenticator);
});

Deno.test("whoever is added to a group of several reads nothing of before", async () => {
  const { a, b } = await pair();
  const before = await a.encrypt(utf8("before carol"));
  const { added: c, pending } = await add(b, device(account("carol")));
  assertRefused(await c.process(before.message), "stale_epoch");
  assert.equal((await applied(before.group, pending.bytes)).added.length, 1);
});

Deno.test("of two commits for one epoch one wins, and the loser of three members follows it and plans again", async () => {
  const { a, b } = await pair();
  const { adder, added: c, pending } = await add(a, device(account("carol")));
  const b2 = (await applied(b, pending.bytes)).group;
  const winner = await commit(adder);
  const loser = await commit(b2, { remove: [c.ownLeafIndex] });
  const rolledBack = (await applied(b2, winner.bytes)).group;
  assertRefused(await winner.next.process(loser.bytes), "stale_epoch");
  const again = await commit(rolledBack, { remove: [c.ownLeafIndex] });
  const end = (await applied(winner.next, again.bytes)).group;
  assert.deepEqual(end.epochAuthenticator, again.next.epochAuthenticator);
  assert.ok((await applied((await applied(c, winner.bytes)).group, again.bytes)).selfRemoved);
});

Deno.test("a member that was away for 50 epochs follows them all", async () => {
  const { a, b } = await pair();
  const { adder, added: c, pending } = await add(a, device(account("carol")));
  const members = [adder, (await applied(b, pending.bytes)).group];
  const commits: Uint8Array[] = [];
  for (let epoch = 0; epoch < 50; epoch++) {
    const [from, to] = epoch % 2 === 0 ? [0, 1] as const : [1, 0] as const;
    const next = await commit(members[from] ?? adder);
    members[to] = (await applied(members[to] ?? adder, next.bytes)).group;
    members[from] = next.next;
    commits.push(next.bytes);
  }
  let away = c;
  for (const bytes of commits) away = (await applied(away, bytes)).group;
  assert.deepEqual(away.epochAuthenticator, members[0]?.epochAuthenticator);
  await send("welcome back", members[0] ?? adder, [away]);
});

Deno.test("a gap of 1,000 messages within a group of several is bridged", async () => {
  const { a, b } = await pair();
  const { adder, added: c, pending } = await add(a, device(account("carol")));
  const b2 = (await applied(b, pending.bytes)).group;
  let sender = adder;
  for (let lost = 0; lost < 1000; lost++) sender = (await sender.encrypt(utf8("lost"))).group;
  await send("after the gap", sender, [b2, c]);
});

Deno.test("a state in two parts: messages change the small one alone, commits both, and together they are the whole", async () => {
  const { alice, bob, a, b } = await pair();
  const sent = await a.encrypt(utf8("hello"));
  const got = await received(b, sent.message);
  for (const [before, after, context] of [[a, sent.group, alice], [b, got.group, bob]] as const) {
    assert.equal(after.parts().frameId, before.parts().frameId);
    assert.deepEqual(after.parts().frame(), before.parts().frame());
    assert.notDeepEqual(after.parts().ratchets(), before.parts().ratchets());
    const { frameId, frame, ratchets } = after.parts();
    const loaded = loadGroup(frame(), context, { frameId, ratchets: ratchets() });
    assert.deepEqual(loaded.encode(), after.encode());
    assert.equal(loaded.parts().frameId, frameId);
  }
  const next = await commit(sent.group);
  assert.notEqual(next.next.parts().frameId, sent.group.parts().frameId);
  const late = await sent.group.encrypt(utf8("late"));
  const followed = (await applied(got.group, next.bytes)).group;
  const read = (await received(followed, late.message)).group;
  assert.notEqual(read.parts().frameId, followed.parts().frameId);
});
