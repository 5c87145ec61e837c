import assert from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import type { AppError } from "../../../lib/base/errors.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { encodeEntry } from "../../../lib/directory/entry.ts";
import { audit, forgetAudited } from "../../../client/engine/audit.ts";
import { Directory } from "../../../client/engine/directory.ts";
import { TempFolder } from "../../kit/folder.ts";
import { FakeDirectory } from "./fake_directory.ts";
import { furtherDevice, type LightProfile, lightProfile, someIdentity } from "./light_profile.ts";

interface World extends AsyncDisposable {
  readonly fake: FakeDirectory;
  readonly profile: LightProfile;
  readonly warnings: string[];
  /** One audit, as a new process would make it. */
  audit(): Promise<Directory>;
}

/** `listed`: whether the directory has the own account. */
async function world(options: { listed: boolean } = { listed: true }): Promise<World> {
  const folder = await TempFolder.make();
  const fake = new FakeDirectory();
  const me = someIdentity({ name: "Me-Myself", serverKey: fake.identity.publicKey });
  if (options.listed) fake.add(me);
  const profile = lightProfile(folder.path, me);
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(text);
  return {
    fake,
    profile,
    warnings,
    async audit() {
      const { server } = fake;
      const directory = new Directory({ profile, server, clock: systemClock, warn });
      await audit({ profile, server, directory, warn }, new AbortController().signal);
      return directory;
    },
    async [Symbol.asyncDispose]() {
      profile[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const tampered = (error: AppError) => error.code === "tampered";

Deno.test("a log that says what it should raises no alarm, however often it is read", async () => {
  await using w = await world();
  await w.audit();
  for (let at = 0; at < 150; at++) {
    w.fake.add(someIdentity({ name: `friend${at}`, serverKey: w.fake.identity.publicKey }));
  }
  await w.audit();
  assert.equal(w.fake.asked.get("directory.entries"), 6, "only what is new is read");
  await w.audit();
  assert.equal(w.fake.asked.get("directory.entries"), 6);
  assert.deepEqual(w.warnings, []);
});

Deno.test("a log without the own account is an alarm", async () => {
  await using w = await world({ listed: false });
  w.fake.add(someIdentity({ name: "sam", serverKey: w.fake.identity.publicKey }));
  const directory = await w.audit();
  assert.match(w.warnings[0] ?? "", /no entry of your own account/);
  assert.equal(directory.log.alarms().length, 1);
});

Deno.test("another key for the own name is an alarm, even if nobody asks for it", async () => {
  await using w = await world();
  await w.audit();
  w.fake.append({
    v: 1,
    type: "account",
    name: "me-myself",
    accountId: crypto.randomUUID(),
    accountKey: generateSigningKey().publicKey,
    at: 1,
  });
  await w.audit();
  assert.match(w.warnings[0] ?? "", /another key for your own name/);
});

Deno.test("a device that the account did not certify is an alarm", async () => {
  await using w = await world();
  const { accountId } = w.profile.identity.certificate;
  const other = someIdentity({ name: "me-myself", serverKey: w.fake.identity.publicKey });
  const certificate = other.certificate.bytes;
  w.fake.append({ v: 1, type: "device", accountId, certificate });
  await w.audit();
  assert.match(w.warnings[0] ?? "", /did not certify/);
});

Deno.test("devices that are there at first are known, later ones are told once", async () => {
  await using w = await world();
  w.fake.addDevice(furtherDevice(w.profile.identity));
  await w.audit();
  assert.deepEqual(w.warnings, []);
  w.fake.addDevice(furtherDevice(w.profile.identity));
  await w.audit();
  await w.audit();
  assert.equal(w.warnings.length, 1);
  assert.match(w.warnings[0] ?? "", /A new device was added to your account/);
});

Deno.test("a removal by another key is an alarm, one by the account is told", async () => {
  await using w = await world();
  await w.audit();
  const { accountId, deviceKey } = w.profile.identity.certificate;
  const accountKey = generateSigningKey();
  const { bytes } = issueRevocation({ accountKey, accountId, deviceKey, revokedAt: 1 });
  w.fake.append({ v: 1, type: "revocation", accountId, revocation: bytes });
  await w.audit();
  assert.match(w.warnings[0] ?? "", /you did not/);
  const further = furtherDevice(w.profile.identity);
  w.fake.addDevice(further);
  w.fake.revoke(further);
  await w.audit();
  assert.ok(w.warnings.some((text) => text.startsWith("A device was removed from your account")));
});

Deno.test("a removal that the log shows cannot be withheld from whoever asks for the keys", async () => {
  await using w = await world();
  const sam = someIdentity({ name: "sam", serverKey: w.fake.identity.publicKey });
  w.fake.add(sam);
  w.fake.revoke(sam);
  w.fake.lies.keys = (honest) => ({ ...honest, revocations: [] });
  const directory = await w.audit();
  const keys = await directory.keysOf({ name: "sam" });
  assert.deepEqual(keys.revocations.map((each) => each.deviceKey), [sam.certificate.deviceKey]);
});

Deno.test("entries that are not those of the checkpoint are an alarm", async () => {
  await using w = await world();
  w.fake.add(someIdentity({ name: "sam", serverKey: w.fake.identity.publicKey }));
  const other = someIdentity({ name: "sam", serverKey: w.fake.identity.publicKey }).certificate;
  const { name, accountId, accountKey } = other;
  const swapped = encodeEntry({ v: 1, type: "account", name, accountId, accountKey, at: 1 });
  w.fake.lies.entries = (entries) =>
    entries.map((entry, at) => at === 2 ? toBase64url(swapped) : entry);
  await assert.rejects(w.audit(), tampered);
  assert.match(w.warnings[0] ?? "", /not those that it has signed for/);
});

Deno.test("entries that are withheld are an alarm", async () => {
  await using w = await world();
  w.fake.lies.entries = () => [];
  await assert.rejects(w.audit(), tampered);
  assert.match(w.warnings[0] ?? "", /withholds/);
});

Deno.test("a log that was exchanged behind what was read is an alarm", async () => {
  await using w = await world();
  await w.audit();
  w.fake.rewind(1);
  await assert.rejects(w.audit(), tampered);
});

Deno.test("an entry of a kind that this program does not know is hashed and passed over", async () => {
  await using w = await world();
  const accountKey = generateSigningKey();
  w.fake.append({
    v: 1,
    type: "revocation",
    accountId: crypto.randomUUID(),
    revocation: accountKey.publicKey,
  });
  await w.audit();
  assert.deepEqual(w.warnings, []);
});

Deno.test("a log that is read anew tells nothing that was known, and what is new in it", async () => {
  await using w = await world();
  await w.audit();
  const known = furtherDevice(w.profile.identity);
  w.fake.addDevice(known);
  w.fake.revoke(known);
  await w.audit();
  assert.equal(w.warnings.splice(0).length, 2);
  forgetAudited(w.profile);
  await w.audit();
  assert.deepEqual(w.warnings, []);
  forgetAudited(w.profile);
  w.fake.addDevice(furtherDevice(w.profile.identity));
  await w.audit();
  assert.match(w.warnings.join(), /^A new device was added to your account/);
});
