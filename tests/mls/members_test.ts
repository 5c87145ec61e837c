import assert from "node:assert/strict";
import { equalBytes, utf8 } from "../../lib/base/bytes.ts";
import { mlsLimits } from "../../lib/base/limits.ts";
import { createCommit } from "ts-mls/createCommit.js";
import { createProposal } from "ts-mls/createMessage.js";
import { generateKeyPackageWithKey, type KeyPackage, signKeyPackage } from "ts-mls/keyPackage.js";
import { ratchetTreeFromExtension } from "ts-mls/groupInfo.js";
import { buildCommit } from "../../lib/mls/build_commit.ts";
import { buildExternalCommit } from "../../lib/mls/build_external.ts";
import { clientConfig, credentialOf, type MlsContext } from "../../lib/mls/credential.ts";
import {
  decodeKeyPackage,
  encodeKeyPackage,
  generateKeyPackage,
} from "../../lib/mls/key_package.ts";
import { decodeMessage, encodeMessage } from "../../lib/mls/message.ts";
import {
  createKeyPackage,
  joinExternally,
  joinFromWelcome,
  loadGroup,
  readKeyPackage,
} from "../../lib/mls/mod.ts";
import { cipherSuite } from "../../lib/mls/suite.ts";
import { inline, inside, pathless } from "./forge.ts";
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
  send,
} from "./kit.ts";

const accept = () => true;
const lastResort = false;

/** A key package changed and signed again by whoever holds the key of `context`. */
async function resigned(
  context: MlsContext,
  change: (keyPackage: KeyPackage) => KeyPackage,
): Promise<Uint8Array> {
  const made = await createKeyPackage(context.identity, { now, lastResort });
  const changed = change(decodeKeyPackage(made.keyPackage));
  const { signature } = await cipherSuite();
  return encodeKeyPackage(await signKeyPackage(changed, context.identity.device.seed, signature));
}

async function longLived(context: MlsContext): Promise<Uint8Array> {
  const { device: key, certificate } = context.identity;
  const real = decodeKeyPackage(
    (await createKeyPackage(context.identity, { now, lastResort })).keyPackage,
  );
  const { publicPackage } = await generateKeyPackageWithKey(
    credentialOf(certificate),
    real.leafNode.capabilities,
    { notBefore: 0n, notAfter: 9223372036854775807n },
    [],
    { signKey: key.seed, publicKey: key.publicKey },
    await cipherSuite(),
  );
  return encodeKeyPackage(publicPackage);
}

Deno.test("a key package is read with its reference, owner, lifetime and kind", async () => {
  const bob = device(account("bob"));
  for (const last of [false, true]) {
    const made = await createKeyPackage(bob.identity, { now, lastResort: last });
    const read = as(await readKeyPackage(made.keyPackage, { now, accept }), "key_package");
    assert.equal(read.ref, made.ref);
    assert.equal(read.lastResort, last);
    assert.deepEqual(read.certificate, bob.identity.certificate);
    assert.ok(read.notAfter <= now + mlsLimits.keyPackageLifetimeMs);
    assert.ok(read.notAfter > now + mlsLimits.keyPackageLifetimeMs - 2 * 60 * 60 * 1000);
  }
});

Deno.test("a key package with a swapped credential is refused", async () => {
  const [bob, mallory] = [device(account("bob")), device(account("mallory"))];
  const credential = credentialOf(bob.identity.certificate);
  const swapped = await resigned(mallory, (keyPackage) => ({
    ...keyPackage,
    leafNode: { ...keyPackage.leafNode, credential },
  }));
  assertRefused(await readKeyPackage(swapped, { now, accept }), "bad_member");
  assertRefused(
    await (await newGroup(device(account("alice")))).commit({ add: [swapped], now }),
    "bad_member",
  );
});

Deno.test("a key package whose keys were swapped is refused, whoever signed it again", async () => {
  const [bob, mallory] = [device(account("bob")), device(account("mallory"))];
  const other = decodeKeyPackage(
    (await createKeyPackage(mallory.identity, { now, lastResort })).keyPackage,
  );
  const swap = (keyPackage: KeyPackage) => ({ ...keyPackage, initKey: other.initKey });
  const real = await createKeyPackage(bob.identity, { now, lastResort });
  const unsigned = encodeKeyPackage(swap(decodeKeyPackage(real.keyPackage)));
  assertRefused(await readKeyPackage(unsigned, { now, accept }), "bad_key_package");
  const leaf = await resigned(bob, (keyPackage) => ({
    ...keyPackage,
    leafNode: { ...keyPackage.leafNode, hpkePublicKey: other.leafNode.hpkePublicKey },
  }));
  assertRefused(await readKeyPackage(leaf, { now, accept }), "bad_key_package");
});

Deno.test("a key package of an account that is not accepted is refused", async () => {
  const mallory = device(account("mallory"));
  const made = await createKeyPackage(mallory.identity, { now, lastResort });
  const nobody = () => false;
  assertRefused(await readKeyPackage(made.keyPackage, { now, accept: nobody }), "bad_member");
  const strict = device(account("alice"), { accept: nobody });
  assertRefused(
    await (await newGroup(strict)).commit({ add: [made.keyPackage], now }),
    "bad_member",
  );
});

Deno.test("a key package is refused outside its lifetime, and when it lives longer than allowed", async () => {
  const bob = device(account("bob"));
  const { keyPackage } = await createKeyPackage(bob.identity, { now, lastResort });
  const later = now + mlsLimits.keyPackageLifetimeMs;
  const earlier = now - 2 * 60 * 60 * 1000;
  for (const time of [later, earlier]) {
    assertRefused(await readKeyPackage(keyPackage, { now: time, accept }), "bad_key_package");
    const group = await newGroup(device(account("alice")));
    assertRefused(await group.commit({ add: [keyPackage], now: time }), "bad_key_package");
  }
  assertRefused(await readKeyPackage(await longLived(bob), { now, accept }), "bad_key_package");
});

Deno.test("what is not a key package is refused as one", async () => {
  const { pending } = await pair();
  for (const bytes of [new Uint8Array(), new Uint8Array(40), pending.bytes]) {
    assertRefused(await readKeyPackage(bytes, { now, accept }), "malformed");
  }
});

Deno.test("a pathless Remove is refused on receipt", async () => {
  const { a, b, alice, bob } = await pair();
  const carol = await add(a, device(account("carol")));
  const moved = (await applied(b, carol.pending.bytes)).group;
  const state = inside(carol.adder, alice);
  const forged = await pathless(
    state,
    inline({ proposalType: "remove", remove: { removed: moved.ownLeafIndex } }),
  );
  assertRefused(await carol.added.process(forged.bytes), "pathless_remove");
  assertRefused(await moved.process(forged.bytes), "pathless_remove");
  // Why: the removed member has all that the next epoch is made from.
  const victim = inside(moved, bob);
  assert.ok(equalBytes(victim.keySchedule.initSecret, state.keySchedule.initSecret));
});

Deno.test("commits with anything but additions and removals are refused", async () => {
  const { a, b, alice } = await pair();
  const state = inside(a, alice);
  const odd = [
    inline({
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: [] },
    }),
    inline({ proposalType: 0xf001, proposalData: new Uint8Array(3) }),
    inline({
      proposalType: "reinit",
      reinit: {
        groupId: new Uint8Array(16),
        version: "mls10",
        cipherSuite: state.groupContext.cipherSuite,
        extensions: [],
      },
    }),
  ];
  for (const proposals of odd) {
    assertRefused(await b.process((await pathless(state, proposals)).bytes), "not_allowed");
  }
  assertRefused(await b.process((await pathless(state, [])).bytes), "invalid");
});

Deno.test("proposals outside commits and encrypted handshakes are refused", async () => {
  const { a, b, alice } = await pair();
  const state = inside(a, alice);
  const suite = await cipherSuite();
  const proposal = { proposalType: "remove", remove: { removed: 1 } } as const;
  for (const publicly of [true, false]) {
    const made = await createProposal(state, publicly, proposal, suite);
    assertRefused(await b.process(encodeMessage(made.message)), "not_allowed");
  }
  const encrypted = await createCommit({ state, cipherSuite: suite });
  assertRefused(await b.process(encodeMessage(encrypted.commit)), "not_allowed");
});

Deno.test("a commit that adds somebody who is not accepted, or lives too long, is refused by the others", async () => {
  const { bob, a, b, alice } = await pair();
  const mallory = device(account("mallory"));
  const { keyPackage } = await createKeyPackage(mallory.identity, { now, lastResort });
  const pending = await commit(a, { add: [keyPackage] });
  const strict = loadGroup(b.encode(), {
    ...bob,
    accept: ({ name }) => name !== "mallory",
  });
  assertRefused(await strict.process(pending.bytes), "bad_member");
  const forged = await pathless(
    inside(a, alice),
    inline({
      proposalType: "add",
      add: { keyPackage: decodeKeyPackage(await longLived(mallory)) },
    }),
  );
  assertRefused(await b.process(forged.bytes), "bad_key_package");
});

Deno.test("a committer that is not accepted any more is refused", async () => {
  const { a, b, bob } = await pair();
  const pending = await commit(a);
  const revoked = loadGroup(b.encode(), { ...bob, accept: ({ name }) => name !== "alice" });
  assertRefused(await revoked.process(pending.bytes), "bad_member");
});

Deno.test("a committer cannot turn its leaf into another device", async () => {
  const { a, b, alice } = await pair();
  const other = device(account("mallory"));
  const state = inside(a, alice);
  const [own, ...rest] = state.ratchetTree;
  assert.ok(own?.nodeType === "leaf");
  const leaf = {
    ...own.leaf,
    credential: credentialOf(other.identity.certificate),
    signaturePublicKey: other.identity.device.publicKey,
  };
  const changed = { ...state, ratchetTree: [{ nodeType: "leaf" as const, leaf }, ...rest] };
  const built = await buildCommit(
    changed,
    { proposals: [], authenticatedData: new Uint8Array() },
    await cipherSuite(),
  );
  assertRefused(await b.process(encodeMessage(built.commit)), "bad_member");
});

Deno.test("an external join of a second device of a member's account is accepted", async () => {
  const { a, b, pending } = await pair();
  const owner = account("carol");
  const carol = await add(a, device(owner));
  const bob = (await applied(b, carol.pending.bytes)).group;
  const tablet = device(owner);
  const join = await external(carol.pending.groupInfo, tablet);
  const seen = await applied(bob, join.bytes);
  assert.ok(seen.external);
  assert.deepEqual(seen.added, [tablet.identity.certificate]);
  assert.deepEqual(seen.committer, tablet.identity.certificate);
  const others = [seen.group, (await applied(carol.adder, join.bytes)).group];
  await send("from my tablet", join.next, others);
  assert.equal(pending.epoch, 0);
});

Deno.test("a stranger neither can nor may join externally", async () => {
  const { b, pending } = await pair();
  const mallory = device(account("mallory"));
  assertRefused(await joinExternally(pending.groupInfo, { ...mallory, now }), "bad_member");
  const forged = await forgedExternal(pending.groupInfo, mallory, undefined);
  assertRefused(await b.process(forged), "bad_member");
});

Deno.test("a device that joins again removes its old leaf, and nobody else's", async () => {
  const { b, alice, pending, bob } = await pair();
  const again = await external(pending.groupInfo, alice);
  assert.deepEqual(again.removed.map(({ leafIndex }) => leafIndex), [0]);
  const seen = await applied(b, again.bytes);
  assert.equal(seen.group.members().length, 2);
  await send("I am back", again.next, [seen.group]);
  assertRefused(await pending.next.process(again.bytes), "own_commit");
  const tablet = device({
    name: "alice",
    accountId: alice.identity.certificate.accountId,
    key: account("alice").key,
  });
  assertRefused(
    await b.process(await forgedExternal(pending.groupInfo, tablet, b.ownLeafIndex)),
    "bad_member",
  );
  const twice = await forgedExternal(pending.groupInfo, bob, undefined);
  assertRefused(await pending.next.process(twice), "invalid");
});

Deno.test("an external commit of a member's own account that removes another member is refused", async () => {
  const owner = account("alice");
  const { added, pending } = await add(await newGroup(device(owner)), device(account("bob")));
  const tablet = device(owner);
  const forged = await forgedExternal(pending.groupInfo, tablet, 0);
  assertRefused(await added.process(forged), "bad_member");
});

async function forgedExternal(
  groupInfo: Uint8Array,
  context: MlsContext,
  formerLeaf: number | undefined,
): Promise<Uint8Array> {
  const message = decodeMessage(groupInfo);
  assert.ok(message.wireformat === "mls_group_info");
  const ratchetTree = ratchetTreeFromExtension(message.groupInfo);
  assert.ok(ratchetTree);
  const own = await generateKeyPackage(context.identity, { now, lastResort });
  const { commit: forged } = await buildExternalCommit({
    groupInfo: message.groupInfo,
    ratchetTree,
    keyPackage: own.publicPackage,
    secrets: own.privatePackage,
    formerLeaf,
    config: clientConfig(context.accept),
    suite: await cipherSuite(),
  });
  return encodeMessage(forged);
}

Deno.test("a welcome is refused when a member is not accepted, or when it is for another", async () => {
  const { pending, bob } = await pair();
  assert.ok(pending.welcome);
  const none = { ...bob, privateStates: () => undefined };
  assertRefused(await joinFromWelcome(pending.welcome, none), "no_key_package");
  const made = await createKeyPackage(bob.identity, { now, lastResort });
  const group = await newGroup(device(account("mallory")));
  const { welcome } = await commit(group, { add: [made.keyPackage] });
  assert.ok(welcome);
  const suspicious = {
    ...bob,
    accept: ({ name }: { name: string }) => name !== "mallory",
    privateStates: () => made.privateState,
  };
  assertRefused(await joinFromWelcome(welcome, suspicious), "bad_member");
  assertRefused(await joinFromWelcome(pending.bytes, suspicious), "malformed");
});

Deno.test("a last-resort key package may be used twice, and says so", async () => {
  const bob = device(account("bob"));
  const made = await createKeyPackage(bob.identity, { now, lastResort: true });
  for (const name of ["alice", "carol"]) {
    const group = await newGroup(device(account(name)));
    const pending = await commit(group, { add: [made.keyPackage] });
    assert.deepEqual(pending.added, [{ ref: made.ref, certificate: bob.identity.certificate }]);
    assert.ok(pending.welcome);
    const joined = as(
      await joinFromWelcome(pending.welcome, { ...bob, privateStates: () => made.privateState }),
      "joined",
    );
    assert.ok(joined.lastResort);
    assert.equal(joined.keyPackageRef, made.ref);
    const fresh = await commit(joined.group);
    await send("hello", fresh.next, [(await applied(pending.next, fresh.bytes)).group]);
  }
});

Deno.test("a group info that was changed, or is of another kind, is refused", async () => {
  const { pending, alice } = await pair();
  const damaged = pending.groupInfo.slice();
  damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1;
  assertRefused(await joinExternally(damaged, { ...alice, now }), "invalid");
  assertRefused(await joinExternally(pending.bytes, { ...alice, now }), "malformed");
  assertRefused(await joinExternally(utf8("hello"), { ...alice, now }), "malformed");
  const unsure = { ...alice, accept: ({ name }: { name: string }) => name !== "bob" };
  assertRefused(await joinExternally(pending.groupInfo, { ...unsure, now }), "bad_member");
});

Deno.test("a device cannot be added twice, nor remove itself or nobody", async () => {
  const { a, bob } = await pair();
  const { keyPackage } = await createKeyPackage(bob.identity, { now, lastResort });
  assertRefused(await a.commit({ add: [keyPackage], now }), "invalid");
  assertRefused(await a.commit({ remove: [a.ownLeafIndex], now }), "invalid");
  assertRefused(await a.commit({ remove: [7], now }), "invalid");
});
