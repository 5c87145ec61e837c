import assert from "node:assert/strict";
import { toBase64url, toHex, utf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Contacts } from "../../../client/store/contacts.ts";
import type { Identity } from "../../../client/store/identity.ts";
import { KeyPackages } from "../../../client/store/key_packages.ts";
import {
  forget,
  hasTwoPasswords,
  isRemembered,
  Profile,
  readOwner,
  whichPassword,
} from "../../../client/store/profile.ts";
import { TempFolder } from "../../kit/folder.ts";
import { someIdentity } from "../entrance/light_profile.ts";

const password = "correct horse battery staple 9";

function identity(name = "Sam"): Identity {
  return someIdentity({ name, serverKey: generateSigningKey().publicKey });
}

const byPassword = (typed: string) => ({ kind: "password", password: typed }) as const;
const refused = (error: unknown) =>
  error instanceof AppError && error.code === "invalid_credentials";
const localData = (error: unknown) => error instanceof ExitError && error.exitCode === 8;

/** Everything in a folder, by name. */
async function contents(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) files.set(name, toHex(await Deno.readFile(`${folder}/${name}`)));
  }
  return files;
}

Deno.test("a profile opens again with its password and no other", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/deep/er/sam`;
  const keys = identity();
  const made = await Profile.create(folder, { identity: keys, password, state: "registering" });
  assert.equal(made.state, "registering");
  made.activate();
  made.close();
  assert.deepEqual(readOwner(folder), {
    name: "Sam",
    fingerprint: fingerprintHex(keys.certificate.serverKey),
  });
  await assert.rejects(
    Profile.unlock(folder, byPassword("correct horse battery stable 9")),
    refused,
  );
  const opened = await Profile.unlock(folder, byPassword(password));
  assert.equal(opened.state, "active");
  assert.deepEqual(opened.identity.device.seed, keys.device.seed);
  assert.deepEqual(opened.identity.accountKey.seed, keys.accountKey.seed);
  assert.deepEqual(opened.identity.archiveKey, keys.archiveKey);
  assert.deepEqual(opened.identity.certificate.bytes, keys.certificate.bytes);
  opened.close();
  opened.close();
});

Deno.test("folder and files belong to their owner alone", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const input = { identity: identity(), password, state: "active" } as const;
  closing(await Profile.create(folder, input), (profile) => profile.remember());
  assert.equal(((await Deno.stat(folder)).mode ?? 0) & 0o777, 0o700);
  for await (const { name } of Deno.readDir(folder)) {
    const { mode } = await Deno.stat(`${folder}/${name}`);
    assert.equal((mode ?? 0) & 0o777, 0o600, name);
  }
});

function closing(profile: Profile, use: (profile: Profile) => void): void {
  try {
    use(profile);
  } finally {
    profile.close();
  }
}

Deno.test("a remembered key opens the profile until it is forgotten", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const input = { identity: identity(), password, state: "active" } as const;
  (await Profile.create(folder, input)).close();
  assert.equal(isRemembered(folder), false);
  await assert.rejects(Profile.unlock(folder, { kind: "remembered" }), refused);
  closing(await Profile.unlock(folder, byPassword(password)), (profile) => profile.remember());
  assert.equal(isRemembered(folder), true);
  (await Profile.unlock(folder, { kind: "remembered" })).close();
  forget(folder);
  await assert.rejects(Profile.unlock(folder, { kind: "remembered" }), refused);
});

Deno.test("between two passwords both open, afterwards the settled one", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const input = { identity: identity(), password, state: "active" } as const;
  const profile = await Profile.create(folder, input);
  const next = "a new horse battery staple 8";
  await profile.addPassword(next);
  assert.equal(hasTwoPasswords(folder), true);
  assert.equal(await whichPassword(folder, password), "old");
  assert.equal(await whichPassword(folder, next), "new");
  assert.equal(await whichPassword(folder, "neither"), undefined);
  (await Profile.unlock(folder, byPassword(next))).close();
  profile.settleNewPassword();
  profile.close();
  await assert.rejects(Profile.unlock(folder, byPassword(password)), refused);
  (await Profile.unlock(folder, byPassword(next))).close();
});

Deno.test("the account's archive key opens the profile too, another's does not", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const keys = identity();
  (await Profile.create(folder, { identity: keys, password, state: "active" })).close();
  const { archiveKey } = keys;
  (await Profile.unlock(folder, { kind: "archive_key", archiveKey })).close();
  const other = identity().archiveKey;
  await assert.rejects(
    Profile.unlock(folder, { kind: "archive_key", archiveKey: other }),
    localData,
  );
});

Deno.test("damage is said plainly, is not taken for a wrong password, and changes nothing", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const input = { identity: identity(), password, state: "active" } as const;
  closing(await Profile.create(folder, input), (profile) => profile.remember());
  const damages: Record<string, (path: string) => Promise<void>> = {
    "profile.key": (path) => overwrite(path, 60),
    "account.json": (path) => Deno.writeTextFile(path, "{"),
    "profile.db": (path) => overwrite(path, 20),
    "remembered.key": (path) => overwrite(path, 9),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const path = `${folder}/${name}`;
    const whole = await Deno.readFile(path);
    await damage(path);
    const before = await contents(folder);
    const by = name === "remembered.key" ? { kind: "remembered" } as const : byPassword(password);
    await assert.rejects(Profile.unlock(folder, by), localData, name);
    // SQLite's own lock files come and go.
    const after = await contents(folder);
    for (const [file, bytes] of before) {
      if (!/-(shm|wal)$|^instance$/.test(file)) assert.equal(after.get(file), bytes, file);
    }
    await Deno.writeFile(path, whole);
  }
  (await Profile.unlock(folder, byPassword(password))).close();
  await Deno.remove(`${folder}/profile.db`);
  await assert.rejects(Profile.unlock(folder, byPassword(password)), localData);
  assert.equal((await contents(folder)).has("profile.db"), false, "no empty one is made");
});

async function overwrite(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes.set(utf8("damaged!"), at);
  await Deno.writeFile(path, bytes);
}

Deno.test("a database of another profile is not opened", async () => {
  await using temp = await TempFolder.make();
  for (const name of ["sam", "zoe"]) {
    const input = { identity: identity(name), password, state: "active" } as const;
    (await Profile.create(`${temp.path}/${name}`, input)).close();
  }
  await Deno.copyFile(`${temp.path}/zoe/profile.db`, `${temp.path}/sam/profile.db`);
  await assert.rejects(Profile.unlock(`${temp.path}/sam`, byPassword(password)), localData);
});

Deno.test("a folder that holds something is left alone", async () => {
  await using temp = await TempFolder.make();
  await Deno.writeTextFile(`${temp.path}/notes.txt`, "mine");
  const input = { identity: identity(), password, state: "active" } as const;
  await assert.rejects(Profile.create(temp.path, input), localData);
  assert.deepEqual([...(await contents(temp.path)).keys()], ["notes.txt"]);
  await assert.rejects(Deno.stat(`${temp.path}.tmp`));
});

Deno.test("two users of a folder share the instance token, a copy of it has another", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const input = { identity: identity(), password, state: "active" } as const;
  const first = await Profile.create(folder, input);
  first.remember();
  const second = await Profile.unlock(folder, { kind: "remembered" });
  assert.equal(second.instance, first.instance);
  first.meta.setText("state", "enrolling");
  assert.equal(second.state, "enrolling", "both see what either writes");
  first.activate();
  const copy = `${temp.path}/copy`;
  await Deno.mkdir(copy);
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.copyFile(`${folder}/${name}`, `${copy}/${name}`);
  }
  const copied = await Profile.unlock(copy, { kind: "remembered" });
  assert.notEqual(copied.instance, first.instance);
  copied.close();
  first.close();
  const third = await Profile.unlock(folder, { kind: "remembered" });
  assert.equal(third.instance, second.instance, "as long as one of them is there");
  second.close();
  third.close();
  const later = await Profile.unlock(folder, { kind: "remembered" });
  assert.notEqual(later.instance, first.instance);
  later.close();
});

Deno.test("nothing secret stands anywhere in the folder", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const keys = identity();
  const profile = await Profile.create(folder, { identity: keys, password, state: "active" });
  const friend = identity("Unmistakable-Friend");
  const { accountId, accountKey } = friend.certificate;
  const contact = { name: "Unmistakable-Friend", account: accountId, accountKey, verified: true };
  new Contacts(profile).put(contact);
  const marker = "marker of a private state";
  new KeyPackages(profile).add({
    ref: toBase64url(new Uint8Array(64)),
    privateState: utf8(marker),
    lastResort: false,
    createdAt: 1,
  });
  await profile.addPassword("a new horse battery staple 8");
  const latin1 = new TextDecoder("latin1");
  const secrets = [
    password,
    "a new horse battery staple 8",
    marker,
    contact.name,
    accountId,
    ...[keys.device.seed, keys.accountKey.seed, keys.archiveKey, accountKey].flatMap((key) => [
      latin1.decode(key),
      toBase64url(key),
      toHex(key),
    ]),
  ];
  for await (const { name } of Deno.readDir(folder)) {
    const stored = latin1.decode(await Deno.readFile(`${folder}/${name}`));
    for (const secret of secrets) assert.ok(!stored.includes(secret), `${secret} in ${name}`);
  }
  profile.close();
});
