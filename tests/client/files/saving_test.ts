import assert from "node:assert/strict";
import { destinationOf, type OpenPart, Part } from "../../../client/engine/files/saving.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { TempFolder } from "../../kit/folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const localData = (text: RegExp) => (thrown: unknown) =>
  thrown instanceof ExitError && thrown.reason === "localData" && text.test(thrown.message);

Deno.test("a full disk while saving is called one, and leaves nothing", async () => {
  await using folder = await TempFolder.make();
  const full: OpenPart = async (path, options) => {
    const file = await Deno.open(path, options);
    let left = 100;
    file.write = (bytes) => {
      if (left === 0) {
        const error = new Error("No space left on device (os error 28)");
        return Promise.reject(Object.assign(error, { code: "ENOSPC" }));
      }
      const count = Math.min(left, bytes.length);
      left -= count;
      return Promise.resolve(count);
    };
    return file;
  };
  const part = await Part.open(`${folder.path}/.sealpost-x.part`, full);
  await part.write(0, new Uint8Array(60));
  await assert.rejects(part.write(60, new Uint8Array(60)), localData(/disk is full/));
  assert.deepEqual(names(folder.path), []);
  part.close();
});

Deno.test("a place that is not free, or not there, is refused before anything is fetched", async () => {
  await using folder = await TempFolder.make();
  await Deno.writeTextFile(`${folder.path}/a`, "x");
  const at = (path: string) => destinationOf({ kind: "file", path: `${folder.path}/${path}` }, "n");
  await assert.rejects(at("a"), localData(/exists already/));
  for (const path of ["none/b", "none/", "a/b"]) {
    await assert.rejects(at(path), (thrown) => thrown instanceof ExitError);
  }
  assert.deepEqual(await at("b"), { folder: folder.path, name: "b", numbered: false });
  assert.deepEqual(await at(""), { folder: `${folder.path}/`, name: "n", numbered: true });
});

Deno.test("whoever takes the name meanwhile keeps it, and the file gets another", async () => {
  await using folder = await TempFolder.make();
  const destination = await destinationOf({ kind: "folder", path: folder.path }, "../a.txt");
  const part = await Part.open(`${folder.path}/.sealpost-x.part`);
  await part.write(0, new TextEncoder().encode("mine"));
  await Deno.writeTextFile(`${folder.path}/a.txt`, "theirs");
  await Deno.symlink("/nowhere", `${folder.path}/a (1).txt`);
  assert.equal(await part.finish(destination), `${folder.path}/a (2).txt`);
  assert.equal(await Deno.readTextFile(`${folder.path}/a.txt`), "theirs");
  assert.deepEqual(names(folder.path), ["a (1).txt", "a (2).txt", "a.txt"]);
  const { mode, nlink } = await Deno.stat(`${folder.path}/a (2).txt`);
  assert.deepEqual([(mode ?? 0) & 0o777, nlink], [0o600, 1]);
});

Deno.test("a link in the place of a part is not followed, and two processes do not write into one part", async () => {
  await using folder = await TempFolder.make();
  const path = `${folder.path}/.sealpost-x.part`;
  await Deno.writeTextFile(`${folder.path}/precious`, "x");
  await Deno.symlink(`${folder.path}/precious`, path);
  await assert.rejects(Part.open(path), localData(/exists already/));
  assert.equal(await Deno.readTextFile(`${folder.path}/precious`), "x");
  await Deno.remove(path);
  const first = await Part.open(path);
  await assert.rejects(Part.open(path), localData(/another process/));
  first.close();
  const again = await Part.open(path);
  await again.remove();
  assert.deepEqual(names(folder.path), ["precious"]);
});
