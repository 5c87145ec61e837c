import assert from "node:assert/strict";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { clientLimits } from "../../../lib/base/limits.ts";
import { sweepLeftovers } from "../../../client/store/leftovers.ts";
import { holdInstance } from "../../../client/store/instance.ts";
import { Profile } from "../../../client/store/profile.ts";
import { TempFolder } from "../../kit/folder.ts";
import { someIdentity } from "../entrance/light_profile.ts";

const password = "correct horse battery staple 9";
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const later = () => Date.now() + clientLimits.leftoverMs + 60_000;

function unfinished(folder: string, name: string): string {
  const path = `${folder}/${name}`;
  Deno.mkdirSync(path);
  Deno.writeTextFileSync(`${path}/profile.key`, "half");
  return path;
}

Deno.test("what a crash left of an unfinished profile goes at a later start, and nothing else", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const others = [
    "sam.0123456789ab.tmp.keep",
    "sam.0123456789.tmp",
    "sam.x.0123456789ab.tmp",
    "samuel.0123456789ab.tmp",
    "0123456789ab.tmp",
  ];
  for (const name of ["sam.0123456789ab.tmp", ...others]) unfinished(temp.path, name);
  sweepLeftovers(folder, Date.now());
  assert.equal(names(temp.path).length, others.length + 1, "what is fresh may be in the making");
  sweepLeftovers(folder, later());
  assert.deepEqual(names(temp.path), [...others].sort());
});

Deno.test("an unfinished profile that a process still holds stays, however old it seems", async () => {
  await using temp = await TempFolder.make();
  const path = unfinished(temp.path, "sam.0123456789ab.tmp");
  const { release } = holdInstance(path);
  try {
    sweepLeftovers(`${temp.path}/sam`, later());
    assert.deepEqual(names(temp.path), ["sam.0123456789ab.tmp"]);
  } finally {
    release();
  }
  sweepLeftovers(`${temp.path}/sam`, later());
  assert.deepEqual(names(temp.path), []);
});

Deno.test("a link with a leftover's name is not followed", async () => {
  await using temp = await TempFolder.make();
  Deno.mkdirSync(`${temp.path}/precious`);
  Deno.symlinkSync(`${temp.path}/precious`, `${temp.path}/sam.0123456789ab.tmp`);
  sweepLeftovers(`${temp.path}/sam`, later());
  assert.deepEqual(names(temp.path), ["precious", "sam.0123456789ab.tmp"]);
});

Deno.test("unlocking removes an unfinished key file; a finished one and the profile stay", async () => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/sam`;
  const identity = someIdentity({ name: "Sam", serverKey: generateSigningKey().publicKey });
  (await Profile.create(folder, { identity, password, state: "active" })).close();
  const before = names(folder);
  const old = new Date(Date.now() - 2 * clientLimits.leftoverMs);
  Deno.writeTextFileSync(`${folder}/remembered.key.0123456789ab.tmp`, "a key");
  Deno.utimeSync(`${folder}/remembered.key.0123456789ab.tmp`, old, old);
  Deno.writeTextFileSync(`${folder}/remembered.key.ba9876543210.tmp`, "being written");
  (await Profile.unlock(folder, { kind: "password", password })).close();
  assert.deepEqual(names(folder), [...before, "remembered.key.ba9876543210.tmp"].sort());
  assert.deepEqual(names(temp.path), ["sam"]);
});
