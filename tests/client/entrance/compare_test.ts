/** What two people were shown of one directory is compared: a server that shows different logs is found out. */
import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { openCheckpoint } from "../../../lib/directory/checkpoint.ts";
import { directoryOrigin } from "../../../lib/directory/origin.ts";
import { Directory } from "../../../client/engine/directory.ts";
import { TempFolder } from "../../kit/folder.ts";
import { FakeDirectory } from "./fake_directory.ts";
import { lightProfile, someIdentity } from "./light_profile.ts";

interface World extends AsyncDisposable {
  readonly fake: FakeDirectory;
  readonly warnings: string[];
  /** A directory as a new process would make it, on the same profile. */
  directory(): Directory;
  /** Adds accounts to a log. */
  grow(log: FakeDirectory, count: number): void;
}

async function world(): Promise<World> {
  const folder = await TempFolder.make();
  const fake = new FakeDirectory();
  const serverKey = fake.identity.publicKey;
  const me = someIdentity({ name: "me-myself", serverKey });
  fake.add(me);
  const profile = lightProfile(folder.path, me);
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(text);
  return {
    fake,
    warnings,
    directory: () => new Directory({ profile, server: fake.server, clock: systemClock, warn }),
    grow: (log, count) => {
      for (let at = 0; at < count; at++) {
        log.add(someIdentity({ name: `friend-${crypto.randomUUID().slice(0, 8)}`, serverKey }));
      }
    },
    async [Symbol.asyncDispose]() {
      profile[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("checkpoints of one log agree, whether one's own is behind, ahead or the same", async () => {
  await using w = await world();
  const { log } = w.directory();
  const early = w.fake.checkpoint();
  await log.compare(early, "sam");
  w.grow(w.fake, 3);
  await log.compare(w.fake.checkpoint(), "sam");
  await log.compare(early, "sam");
  assert.deepEqual(w.warnings, []);
  assert.equal(log.size(), w.fake.size, "what others saw first is asked for");
});

for (
  const [what, mine, theirs] of [
    ["of the same size", 2, 2],
    ["that is longer", 2, 5],
    ["that is shorter", 5, 2],
  ] as const
) {
  Deno.test(`another log ${what}, shown to somebody else, is an alarm that stays, with both checkpoints`, async () => {
    await using w = await world();
    const other = w.fake.fork();
    w.grow(w.fake, mine);
    w.grow(other, theirs);
    const { log } = w.directory();
    await log.fetch();
    await log.compare(other.checkpoint(), "sam");
    await log.compare(other.checkpoint(), "sam");
    assert.equal(w.warnings.length, 1, "told once");
    assert.match(w.warnings[0] ?? "", /different logs to different people: sam \d+ entries/);
    const [alarm, ...more] = w.directory().log.alarms();
    assert.equal(more.length, 0);
    assert.deepEqual(alarm?.evidence, { here: w.fake.checkpoint(), there: other.checkpoint() });
    const { publicKey } = w.fake.identity;
    for (const signed of [alarm?.evidence?.here, alarm?.evidence?.there]) {
      // Whoever gets to see it can check it without this profile.
      openCheckpoint(signed ?? "", { origin: directoryOrigin(publicKey), publicKey });
    }
  });
}

Deno.test("a server that invents a proof for its two logs is found out all the same", async () => {
  await using w = await world();
  const other = w.fake.fork();
  w.grow(w.fake, 4);
  w.grow(other, 2);
  w.fake.lies.consistency = (path) => path.toReversed();
  await w.directory().log.compare(other.checkpoint(), "sam");
  assert.equal(w.warnings.length, 1);
});

Deno.test("what no server or another server has signed is passed over: anybody could make it up", async () => {
  await using w = await world();
  const { log } = w.directory();
  const elsewhere = new FakeDirectory();
  w.grow(elsewhere, 2);
  const forged = w.fake.checkpoint(generateSigningKey());
  for (const text of [elsewhere.checkpoint(), forged, "", "nonsense\n\n"]) {
    await log.compare(text, "sam");
  }
  assert.deepEqual(w.warnings, []);
  assert.deepEqual(log.alarms(), []);
});

Deno.test("a name in such an alarm brings no control characters along", async () => {
  await using w = await world();
  const other = w.fake.fork();
  w.grow(w.fake, 1);
  w.grow(other, 1);
  await w.directory().log.compare(other.checkpoint(), "sam\x1b[2J\n");
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assert.doesNotMatch(w.warnings[0] ?? "", /[\x00-\x1f]/);
});

Deno.test("a log that begins anew on a person's word is followed from there; pinned keys stay", async () => {
  await using w = await world();
  const { publicKey: serverKey } = w.fake.identity;
  w.fake.add(someIdentity({ name: "Sam", serverKey }));
  const { size } = w.fake;
  w.grow(w.fake, 3);
  const { account, accountKey } = await w.directory().keysOf({ name: "sam" });
  w.fake.rewind(size);
  await assert.rejects(w.directory().keysOf({ name: "sam" }), { code: "tampered" });
  const directory = w.directory();
  const { before, after } = await directory.log.beginAnew();
  assert.deepEqual([before, after.size], [size + 6, size]);
  assert.deepEqual(directory.log.alarms(), []);
  const keys = await w.directory().keysOf({ name: "sam" });
  assert.deepEqual([keys.account, keys.accountKey], [account, accountKey]);
  w.grow(w.fake, 2);
  await w.directory().keysOf({ name: "sam" });
  w.fake.rewind(size);
  await assert.rejects(w.directory().log.fetch(), { code: "tampered" }, "from there on as before");
});

Deno.test("another key for a known account is refused as before when the log begins anew with it", async () => {
  await using w = await world();
  const { publicKey: serverKey } = w.fake.identity;
  const { size } = w.fake;
  w.fake.add(someIdentity({ name: "Sam", serverKey }));
  await w.directory().keysOf({ name: "sam" });
  w.fake.rewind(size);
  w.fake.add(someIdentity({ name: "Sam", serverKey }));
  await w.directory().log.beginAnew();
  await assert.rejects(w.directory().keysOf({ name: "sam" }), { code: "blocked" });
});

Deno.test("a log that nobody has signed cannot be begun anew with", async () => {
  await using w = await world();
  const { log } = w.directory();
  await log.fetch();
  w.fake.lies.checkpoint = () => w.fake.checkpoint(generateSigningKey());
  await assert.rejects(log.beginAnew(), { code: "tampered" });
  assert.equal(log.size(), w.fake.size);
});
