import assert from "node:assert/strict";
import { fileLimits } from "../../../lib/base/limits.ts";
import { type Disk, folderDisk } from "../../../server/storage/disk.ts";
import { FileStore } from "../../../server/storage/file_store.ts";
import { TempFolder } from "../../kit/folder.ts";

const file = "01890a5d-ac96-774b-bcce-b302099a8057";
const size = 10_000;

function storeOver(disk: Disk) {
  const told = { synced: [] as number[], abandoned: [] as string[], trouble: [] as unknown[] };
  const store = new FileStore(disk, {
    progress: (_, synced) => told.synced.push(synced),
    abandoned: (name) => told.abandoned.push(name),
    trouble: (_, thrown) => told.trouble.push(thrown),
  });
  return { store, told };
}

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const write = (store: FileStore, offset: number, piece: Uint8Array, most = size) =>
  store.write({ file, offset, size: most, bytes: piece });

Deno.test("an upload takes bytes in order and once, and gives back any range of them", async () => {
  await using folder = await TempFolder.make();
  const { store } = storeOver(folderDisk(`${folder.path}/files`));
  assert.deepEqual(await write(store, 0, bytes(1)), { ok: false, code: "not_found" });
  assert.deepEqual(await store.open({ file, synced: 0 }), { ok: true, offset: 0 });
  const answers = await Promise.all([
    write(store, 0, bytes(4000, 1)),
    write(store, 4000, bytes(4000, 2)),
    write(store, 0, bytes(4000, 9)),
    write(store, 9000, bytes(10)),
    write(store, 8000, bytes(2001)),
  ]);
  assert.deepEqual(answers, [
    { ok: true, offset: 4000 },
    { ok: true, offset: 8000 },
    { ok: true, offset: 8000 },
    { ok: false, code: "wrong_offset" },
    { ok: false, code: "too_large" },
  ]);
  assert.deepEqual(await store.seal({ file, size }), { ok: false, code: "wrong_offset" });
  await write(store, 8000, bytes(2000, 3));
  assert.deepEqual(await store.seal({ file, size }), { ok: true });
  const read = await store.read({ file, offset: 3999, length: 2 });
  assert.deepEqual(read.ok && [...read.bytes], [1, 2]);
  const end = await store.read({ file, offset: 9999, length: 100 });
  assert.deepEqual(end.ok && [...end.bytes], [3]);
  const { mode } = await Deno.stat(`${folder.path}/files/${file}`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.equal(((await Deno.stat(`${folder.path}/files`)).mode ?? 0) & 0o777, 0o700);
});

Deno.test("after a crash an upload goes on from what was synced, and what lay beyond is forgotten", async () => {
  await using folder = await TempFolder.make();
  const disk = folderDisk(`${folder.path}/files`);
  const first = storeOver(disk);
  await first.store.open({ file, synced: 0 });
  const most = 3 * fileLimits.unsyncedBytes;
  await write(first.store, 0, bytes(fileLimits.unsyncedBytes, 1), most);
  await write(first.store, fileLimits.unsyncedBytes, bytes(5000, 2), most);
  assert.deepEqual(first.told.synced, [fileLimits.unsyncedBytes]);
  const second = storeOver(disk);
  const synced = fileLimits.unsyncedBytes;
  assert.deepEqual(await second.store.open({ file, synced }), { ok: true, offset: synced });
  await write(second.store, synced, bytes(3, 7), most);
  await second.store.close();
  const read = await second.store.read({ file, offset: synced - 1, length: 10 });
  assert.deepEqual(read.ok && [...read.bytes], [1, 7, 7, 7]);
  assert.deepEqual(second.told.synced, [synced + 3]);
  await first.store.close();
});

Deno.test("an upload of which less is there than the row says begins anew", async () => {
  await using folder = await TempFolder.make();
  const { store } = storeOver(folderDisk(`${folder.path}/files`));
  assert.deepEqual(await store.open({ file, synced: 500 }), { ok: true, offset: 0 });
  await store.close();
});

Deno.test("a full disk refuses the upload and keeps nothing of it", async () => {
  await using folder = await TempFolder.make();
  const real = folderDisk(`${folder.path}/files`);
  const full = Object.assign(new Error("No space left on device (os error 28)"), {
    code: "ENOSPC",
  });
  let left = 3000;
  const disk: Disk = {
    ...real,
    async open(name, keep) {
      const opened = await real.open(name, keep);
      return {
        ...opened,
        write(piece) {
          if (left === 0) return Promise.reject(full);
          const some = piece.subarray(0, left);
          left -= some.length;
          return opened.write(some);
        },
      };
    },
  };
  const { store, told } = storeOver(disk);
  await store.open({ file, synced: 0 });
  await write(store, 0, bytes(2000));
  await assert.rejects(write(store, 2000, bytes(2000)), { code: "storage_full" });
  assert.deepEqual([told.abandoned, told.trouble], [[file], []]);
  assert.deepEqual([...Deno.readDirSync(`${folder.path}/files`)], []);
  assert.deepEqual(await write(store, 2000, bytes(1)), { ok: false, code: "not_found" });
});

Deno.test("files without a row are swept, and nothing else is", async () => {
  await using folder = await TempFolder.make();
  const path = `${folder.path}/files`;
  const { store } = storeOver(folderDisk(path));
  await store.sweep(() => false);
  const other = "01890a5d-ac96-774b-bcce-b302099a8058";
  await Deno.mkdir(path);
  for (const name of [file, other, "notes.txt"]) await Deno.writeTextFile(`${path}/${name}`, "x");
  await store.sweep((name) => name === other);
  assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name).sort(), [
    other,
    "notes.txt",
  ]);
});

Deno.test("only so many uploads are open; one that was closed goes on where it stands", async () => {
  await using folder = await TempFolder.make();
  const { store, told } = storeOver(folderDisk(`${folder.path}/files`));
  const names = Array.from({ length: fileLimits.openFiles + 1 }, () => crypto.randomUUID());
  for (const [at, name] of names.entries()) {
    await store.open({ file: name, synced: 0 });
    if (at === 0) await store.write({ file: name, offset: 0, size, bytes: bytes(10) });
  }
  const [first = ""] = names;
  assert.deepEqual(told.synced, [10]);
  const input = { file: first, offset: 10, size, bytes: bytes(5) };
  assert.deepEqual(await store.write(input), { ok: false, code: "not_found" });
  assert.deepEqual(await store.open({ file: first, synced: 10 }), { ok: true, offset: 10 });
  assert.deepEqual(await store.write(input), { ok: true, offset: 15 });
  await store.close();
});
