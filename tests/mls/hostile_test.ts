import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../lib/base/bytes.ts";
import {
  createKeyPackage,
  joinExternally,
  joinFromWelcome,
  readKeyPackage,
} from "../../lib/mls/mod.ts";
import { commit, external, newGroup, now, pair, received } from "./kit.ts";

const { a, b, alice, bob, pending } = await pair();
const late = await a.encrypt(utf8("late"));
const [aliceNow, bobNow] = await (async () => {
  const renewed = await commit(late.group);
  const seen = await b.process(renewed.bytes);
  assert.ok(seen.kind === "commit");
  return [renewed.next, seen.group];
})();
const application = (await aliceNow.encrypt(utf8("hello"))).message;
const commitBytes = (await commit(aliceNow)).bytes;
const joinBytes = (await external((await commit(a)).groupInfo, alice)).bytes;
const keyPackage = await createKeyPackage(bob.identity, { now, lastResort: false });
const accept = () => true;

/** Changes a few bytes, or cuts, or appends. */
const damage = fc.record({
  at: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  }),
  early: fc.boolean(),
  cut: fc.option(fc.nat()),
  tail: fc.uint8Array({ maxLength: 3 }),
});

function damaged(bytes: Uint8Array, how: typeof damage extends fc.Arbitrary<infer T> ? T : never) {
  const changed = bytes.slice();
  for (const [at, change] of how.at) {
    const index = at % (how.early ? Math.min(bytes.length, 120) : bytes.length);
    changed[index] = (changed[index] ?? 0) ^ change;
  }
  const cut = how.cut === null ? changed : changed.subarray(0, how.cut % changed.length);
  return Uint8Array.from([...cut, ...how.tail]);
}

const messages = { application, late: late.message, commit: commitBytes, join: joinBytes };
for (const [name, bytes] of Object.entries(messages)) {
  Deno.test(`no damage to a message makes processing throw or succeed: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const changed = damaged(bytes, how);
        if (changed.join() === bytes.join()) return;
        assert.equal((await bobNow.process(changed)).kind, "refused");
      }),
      { numRuns: 150 },
    );
  });
}

Deno.test("random bytes are refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      assert.equal((await bobNow.process(bytes)).kind, "refused");
      const message = Uint8Array.from([0, 1, 0, 1 + (bytes[0] ?? 0) % 5, ...bytes]);
      assert.equal((await bobNow.process(message)).kind, "refused");
    }),
    { numRuns: 300 },
  );
});

Deno.test("no damage to a key package, a welcome or a group info makes reading throw or succeed", async () => {
  const { groupInfo } = pending;
  const { welcome } = await commit(await newGroup(alice), { add: [keyPackage.keyPackage] });
  assert.ok(welcome);
  const privateStates = () => keyPackage.privateState;
  assert.equal((await joinFromWelcome(welcome, { ...bob, privateStates })).kind, "joined");
  await fc.assert(
    fc.asyncProperty(damage, async (how) => {
      const whole = [keyPackage.keyPackage, welcome, groupInfo];
      // Two changes of one byte may cancel each other.
      if (whole.some((bytes) => damaged(bytes, how).join() === bytes.join())) return;
      const read = await readKeyPackage(damaged(keyPackage.keyPackage, how), { now, accept });
      assert.equal(read.kind, "refused");
      const joined = await joinFromWelcome(damaged(welcome, how), { ...bob, privateStates });
      assert.equal(joined.kind, "refused");
      const external = await joinExternally(damaged(groupInfo, how), { ...alice, now });
      assert.equal(external.kind, "refused");
    }),
    { numRuns: 100 },
  );
});

Deno.test("what was refused has changed nothing", async () => {
  assert.deepEqual((await received(bobNow, application)).plaintext, utf8("hello"));
  assert.deepEqual((await received(bobNow, late.message)).plaintext, utf8("late"));
  assert.equal((await bobNow.process(commitBytes)).kind, "commit");
});
