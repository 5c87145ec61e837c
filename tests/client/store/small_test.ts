import assert from "node:assert/strict";
import { utf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { folderOf, readFile, writeFile } from "../../../client/store/files.ts";
import { KeyPackages } from "../../../client/store/key_packages.ts";
import { absolute, clientFolder, profileFolder } from "../../../client/store/paths.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { TempFolder } from "../../kit/folder.ts";
import { lightProfile, someIdentity } from "../entrance/light_profile.ts";

const env = (values: Record<string, string>) => (name: string) => values[name];
const cwd = () => "/present";

Deno.test("files stand where the flag, SEALPOST_HOME, XDG or HOME say, in this order", () => {
  const all = { SEALPOST_HOME: "/s", XDG_DATA_HOME: "/x", HOME: "/h" };
  assert.equal(clientFolder({ env: env(all), cwd, home: "here" }), "/present/here/client");
  assert.equal(clientFolder({ env: env(all), cwd }), "/s/client");
  assert.equal(
    clientFolder({ env: env({ ...all, SEALPOST_HOME: "" }), cwd }),
    "/x/sealpost/client",
  );
  const relative = { XDG_DATA_HOME: "x", HOME: "/h" };
  assert.equal(clientFolder({ env: env(relative), cwd }), "/h/.local/share/sealpost/client");
  assert.throws(() => clientFolder({ env: env({}), cwd }), ExitError);
  assert.throws(() => absolute("", { cwd }), ExitError);
});

Deno.test("a profile's folder goes by the server's identity and the name in lower case", () => {
  const fingerprint = "ab".repeat(32);
  assert.equal(
    profileFolder("/c", { name: "Sam", fingerprint }),
    "/c/profiles/abababababababab/sam",
  );
});

Deno.test("a file is replaced whole, and none is left behind when that fails", async () => {
  await using temp = await TempFolder.make();
  const path = `${temp.path}/file`;
  writeFile(path, utf8("one"));
  writeFile(path, utf8("two"));
  assert.deepEqual(readFile(path), utf8("two"));
  assert.equal(readFile(`${path}x`), undefined);
  await Deno.mkdir(`${temp.path}/folder`);
  assert.throws(() => writeFile(`${temp.path}/folder`, utf8("x")), ExitError);
  const left: string[] = [];
  for await (const { name } of Deno.readDir(temp.path)) left.push(name);
  assert.deepEqual(left.sort(), ["file", "folder"]);
  assert.equal(folderOf("/a/b"), "/a");
  assert.equal(folderOf("/a"), "/");
});

Deno.test("what is sealed opens at its place under its key alone", () => {
  const sealer = sealerOf(new Uint8Array(32));
  const sealed = sealer.seal("table.column:1", utf8("secret"));
  assert.deepEqual(sealer.open("table.column:1", sealed), utf8("secret"));
  const tampered = (error: AppError) => error.code === "tampered";
  assert.throws(() => sealer.open("table.column:2", sealed), tampered);
  const other = sealerOf(new Uint8Array(32).fill(1));
  assert.throws(() => other.open("table.column:1", sealed), tampered);
  assert.deepEqual(sealer.tag("name"), sealer.tag("name"));
  assert.notDeepEqual(sealer.tag("name"), other.tag("name"));
});

Deno.test("a key package's private part goes after use; the last resort stays until long replaced", async () => {
  await using temp = await TempFolder.make();
  const serverKey = generateSigningKey().publicKey;
  using profile = lightProfile(temp.path, someIdentity({ name: "sam", serverKey }));
  const packages = new KeyPackages(profile);
  const add = (ref: string, lastResort: boolean, createdAt: number) =>
    packages.add({ ref, privateState: utf8(ref), lastResort, createdAt });
  add("single", false, 100);
  add("old", false, 10);
  add("last1", true, 100);
  add("last2", true, 200);
  packages.remove("single");
  packages.remove("last1");
  assert.equal(packages.privateStates("single"), undefined);
  assert.deepEqual(packages.privateStates("last1"), utf8("last1"));
  packages.replaceLastResorts("last2", 300);
  packages.removeOld({ created: 50, replaced: 300 });
  assert.equal(packages.privateStates("old"), undefined);
  assert.notEqual(packages.privateStates("last1"), undefined, "replaced at 300, not before");
  packages.removeOld({ created: 50, replaced: 301 });
  assert.equal(packages.privateStates("last1"), undefined);
  assert.notEqual(packages.privateStates("last2"), undefined);
  assert.equal(packages.count(), 1);
});
