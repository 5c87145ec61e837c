import assert from "node:assert/strict";
import { equalBytes, toBase64url } from "../../../lib/base/bytes.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import type { AppError } from "../../../lib/base/errors.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Directory } from "../../../client/engine/directory.ts";
import { TempFolder } from "../../kit/folder.ts";
import { FakeDirectory } from "./fake_directory.ts";
import { furtherDevice, type LightProfile, lightProfile, someIdentity } from "./light_profile.ts";

interface World extends AsyncDisposable {
  readonly fake: FakeDirectory;
  readonly profile: LightProfile;
  readonly warnings: string[];
  /** A directory as a new process would make it, on the same profile. */
  directory(fake?: FakeDirectory): Directory;
}

/** Own account "me", and "sam" with one device. */
async function world(): Promise<World> {
  const folder = await TempFolder.make();
  const fake = new FakeDirectory();
  const serverKey = fake.identity.publicKey;
  const me = someIdentity({ name: "me-myself", serverKey });
  fake.add(me);
  fake.add(someIdentity({ name: "Sam", serverKey }));
  const profile = lightProfile(folder.path, me);
  const warnings: string[] = [];
  return {
    fake,
    profile,
    warnings,
    directory: (other = fake) =>
      new Directory({
        profile,
        server: other.server,
        clock: systemClock,
        warn: (text) => warnings.push(text),
      }),
    async [Symbol.asyncDispose]() {
      profile[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const code = (wanted: string) => (error: AppError) => error.code === wanted;

Deno.test("keys of an account come with a proof, whatever case the name is typed in", async () => {
  await using w = await world();
  const keys = await w.directory().keysOf({ name: "SAM" });
  const sam = w.fake.account("sam").identity;
  assert.equal(keys.name, "Sam");
  assert.deepEqual(keys.accountKey, sam.certificate.accountKey);
  assert.deepEqual(keys.devices.map(({ bytes }) => bytes), [sam.certificate.bytes]);
  assert.equal(keys.logSize, 4);
  assert.deepEqual(w.warnings, []);
});

Deno.test("an answer is used again for a while, and asked anew on demand or when forgotten", async () => {
  await using w = await world();
  const directory = w.directory();
  const { account } = await directory.keysOf({ name: "sam" });
  await directory.keysOf({ account });
  assert.equal(w.fake.asked.get("directory.keys"), 1);
  await directory.keysOf({ name: "sam" }, { fresh: true });
  assert.equal(w.fake.asked.get("directory.keys"), 2);
  directory.forget(account);
  await directory.keysOf({ name: "Sam" });
  assert.equal(w.fake.asked.get("directory.keys"), 3);
});

Deno.test("an account key swapped in the answer alone is refused and told", async () => {
  await using w = await world();
  w.fake.lies.keys = (honest) => ({
    ...honest,
    accountKey: toBase64url(generateSigningKey().publicKey),
  });
  const directory = w.directory();
  await assert.rejects(directory.keysOf({ name: "sam" }), code("tampered"));
  assert.equal(w.warnings.length, 1);
  assert.equal(directory.contacts.byName("sam"), undefined, "nothing false is pinned");
});

Deno.test("a device certified by another key than the account's is refused", async () => {
  await using w = await world();
  const { accountId } = w.fake.account("sam").identity.certificate;
  const false_ = someIdentity({ name: "Sam", serverKey: w.fake.identity.publicKey });
  assert.notEqual(false_.certificate.accountId, accountId);
  w.fake.lies.keys = (honest) => ({
    ...honest,
    certificates: [...honest.certificates, toBase64url(false_.certificate.bytes)],
  });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
});

Deno.test("a device certified for the same account on another server is refused", async () => {
  await using w = await world();
  const sam = w.fake.account("sam").identity;
  const elsewhere = furtherDevice({
    ...sam,
    certificate: { ...sam.certificate, serverKey: generateSigningKey().publicKey },
  });
  w.fake.lies.keys = (honest) => ({
    ...honest,
    certificates: [toBase64url(elsewhere.certificate.bytes)],
  });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
});

Deno.test("a revocation by another key is refused, one of the account counts", async () => {
  await using w = await world();
  const sam = w.fake.account("sam").identity;
  const { accountId, deviceKey } = sam.certificate;
  const accountKey = generateSigningKey();
  const foreign = issueRevocation({ accountKey, accountId, deviceKey, revokedAt: 1 });
  w.fake.lies.keys = (honest) => ({ ...honest, revocations: [toBase64url(foreign.bytes)] });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
  delete w.fake.lies.keys;
  w.fake.revoke(sam);
  const keys = await w.directory().keysOf({ name: "sam" });
  assert.deepEqual(keys.revocations.map((each) => each.deviceKey), [deviceKey]);
});

Deno.test("a revocation that the log has shown counts even when the server leaves it out", async () => {
  await using w = await world();
  const sam = w.fake.account("sam").identity;
  w.fake.revoke(sam);
  w.fake.lies.keys = (honest) => ({ ...honest, revocations: [] });
  const directory = w.directory();
  assert.equal((await directory.keysOf({ name: "sam" })).revocations.length, 0);
  const { accountKey } = sam;
  const { accountId, deviceKey } = sam.certificate;
  directory.noteRevocation(issueRevocation({ accountKey, accountId, deviceKey, revokedAt: 5 }));
  assert.equal((await directory.keysOf({ name: "sam" })).revocations.length, 1);
});

Deno.test("an answer about another account is refused, and so is an entry of another account", async () => {
  await using w = await world();
  w.fake.add(someIdentity({ name: "mallory", serverKey: w.fake.identity.publicKey }));
  const mallory = w.fake.keysOf("mallory");
  w.fake.lies.keys = () => mallory;
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
  w.fake.lies.keys = (honest) => ({
    ...honest,
    entry: mallory.entry,
    index: mallory.index,
    path: mallory.path,
  });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
});

Deno.test("an entry that is not in the log is refused", async () => {
  await using w = await world();
  w.fake.lies.keys = (honest) => ({ ...honest, path: honest.path.slice(1) });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
  w.fake.lies.keys = (honest) => ({ ...honest, index: honest.index + 1 });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
});

Deno.test("every flipped character of an answer is noticed, or changes nothing", async () => {
  await using w = await world();
  const honest = w.fake.keysOf("sam");
  const flip = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  for (const field of ["account", "accountKey", "entry", "checkpoint", "name"] as const) {
    for (let at = 0; at < honest[field].length; at += 7) {
      w.fake.lies.keys = () => ({ ...honest, [field]: flip(honest[field], at) });
      await assert.rejects(
        w.directory().keysOf({ name: "sam" }),
        code("tampered"),
        `${field} at ${at}`,
      );
    }
  }
});

Deno.test("a checkpoint that somebody else signed is refused", async () => {
  await using w = await world();
  w.fake.lies.keys = (honest) => ({
    ...honest,
    checkpoint: w.fake.checkpoint(generateSigningKey()),
  });
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
  assert.match(w.warnings[0] ?? "", /not signed by the server/);
});

Deno.test("a log that grows is followed with a proof", async () => {
  await using w = await world();
  await w.directory().keysOf({ name: "sam" });
  for (let at = 0; at < 5; at++) {
    w.fake.add(someIdentity({ name: `friend${at}`, serverKey: w.fake.identity.publicKey }));
    const directory = w.directory();
    assert.equal((await directory.keysOf({ name: `friend${at}` })).logSize, 6 + 2 * at);
    assert.equal(directory.log.size(), 6 + 2 * at);
  }
  assert.deepEqual(w.warnings, []);
});

Deno.test("a log that was taken back is noticed, also by the next process", async () => {
  await using w = await world();
  w.fake.add(someIdentity({ name: "third", serverKey: w.fake.identity.publicKey }));
  await w.directory().keysOf({ name: "sam" });
  w.fake.rewind(4);
  const directory = w.directory();
  await assert.rejects(directory.keysOf({ name: "sam" }), code("tampered"));
  assert.match(w.warnings[0] ?? "", /taken back/);
  assert.equal(w.directory().log.alarms().length, 1, "kept for the next start");
});

Deno.test("a log that was told differently before is noticed", async () => {
  await using w = await world();
  const other = w.fake.fork();
  const { publicKey } = w.fake.identity;
  w.fake.add(someIdentity({ name: "first-story", serverKey: publicKey }));
  await w.directory().keysOf({ name: "sam" });
  // As many entries: another root. Then more, with whatever proof that server can make.
  other.add(someIdentity({ name: "other-story", serverKey: publicKey }));
  await assert.rejects(w.directory(other).keysOf({ name: "sam" }), code("tampered"));
  other.add(someIdentity({ name: "other-story2", serverKey: publicKey }));
  await assert.rejects(w.directory(other).keysOf({ name: "sam" }), code("tampered"));
  assert.match(w.warnings.at(-1) ?? "", /does not continue/);
});

Deno.test("a server that gives no proof of its growth is not believed", async () => {
  await using w = await world();
  await w.directory().keysOf({ name: "sam" });
  w.fake.add(someIdentity({ name: "third", serverKey: w.fake.identity.publicKey }));
  w.fake.lies.consistency = () => [];
  await assert.rejects(w.directory().keysOf({ name: "sam" }), code("tampered"));
});

Deno.test("answers that overtake each other are not taken for lies", async () => {
  await using w = await world();
  const directory = w.directory();
  const floor = directory.log.size();
  const early = w.fake.checkpoint();
  w.fake.add(someIdentity({ name: "third", serverKey: w.fake.identity.publicKey }));
  await directory.log.accept(w.fake.checkpoint(), floor);
  await directory.log.accept(early, floor);
  assert.equal(directory.log.size(), w.fake.size);
  assert.deepEqual(w.warnings, []);
});

/** The same name with another account and key, in a log that is otherwise the same. */
function impostor(w: World): FakeDirectory {
  const other = w.fake.fork();
  other.add(someIdentity({ name: "sam", serverKey: w.fake.identity.publicKey }));
  return other;
}

Deno.test("a changed account key stops sending until a person has accepted it", async () => {
  await using w = await world();
  const first = await w.directory().keysOf({ name: "sam" });
  const other = impostor(w);
  const directory = w.directory(other);
  await assert.rejects(directory.keysOf({ name: "sam" }), code("blocked"));
  assert.match(w.warnings[0] ?? "", /The key of sam has CHANGED/);
  assert.throws(() => directory.checkSendable("Sam"), code("blocked"));
  // Told once; still blocked, also in another process and after a look at it.
  const next = w.directory(other);
  const offered = await next.keysOf({ name: "sam" }, { evenIfChanged: true });
  assert.ok(!equalBytes(offered.accountKey, first.accountKey));
  assert.throws(() => next.checkSendable("sam"), code("blocked"));
  assert.equal(w.warnings.length, 1);
  next.setVerified("sam", true);
  next.checkSendable("sam");
  assert.deepEqual((await next.keysOf({ name: "sam" })).accountKey, offered.accountKey);
  assert.equal(next.contacts.byName("sam")?.verified, true);
});

Deno.test("what is accepted is the key that was shown, not one given later", async () => {
  await using w = await world();
  await w.directory().keysOf({ name: "sam" });
  const directory = w.directory(impostor(w));
  const shown = await directory.keysOf({ name: "sam" }, { evenIfChanged: true });
  directory.setVerified("sam", true);
  const worse = w.directory(impostor(w));
  await assert.rejects(worse.keysOf({ name: "sam" }));
  assert.deepEqual(worse.contacts.byName("sam")?.accountKey, shown.accountKey);
});

Deno.test("a server that goes back to the first key leaves the question open", async () => {
  await using w = await world();
  await w.directory().keysOf({ name: "sam" });
  await assert.rejects(w.directory(impostor(w)).keysOf({ name: "sam" }), code("blocked"));
  const contact = w.directory().contacts.byName("sam");
  assert.notEqual(contact?.offered, undefined);
  assert.throws(() => w.directory().checkSendable("sam"), code("blocked"));
});

Deno.test("another key for one's own name is an alarm", async () => {
  await using w = await world();
  const other = w.fake.fork();
  other.add(someIdentity({ name: "ME-myself", serverKey: w.fake.identity.publicKey }));
  await assert.rejects(w.directory(other).keysOf({ name: "me-myself" }), code("tampered"));
  assert.match(w.warnings[0] ?? "", /your own account/);
});

Deno.test("an unknown account is just unknown", async () => {
  await using w = await world();
  await assert.rejects(w.directory().keysOf({ name: "nobody" }), code("no_such_user"));
  assert.deepEqual(w.warnings, []);
});

Deno.test("the store tells nothing of whom one knows", async () => {
  await using w = await world();
  const name = "Samantha-Unmistakable";
  w.fake.add(someIdentity({ name, serverKey: w.fake.identity.publicKey }));
  const keys = await w.directory().keysOf({ name });
  w.directory().setVerified(name, true);
  w.profile.database.checkpoint();
  const latin1 = new TextDecoder("latin1");
  const stored = latin1.decode(await Deno.readFile(w.profile.path));
  const key = latin1.decode(keys.accountKey);
  for (const secret of [name, "unmistakable", keys.account, toBase64url(keys.accountKey), key]) {
    assert.ok(!stored.includes(secret), JSON.stringify(secret));
  }
});
