import assert from "node:assert/strict";
import { archiveLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";

type Part = readonly [position: number, revision: number, bytes: Uint8Array];

const bytes = (...values: number[]) => Uint8Array.from(values);

function writing(person: Person, parts: readonly Part[]) {
  const batches = parts.map(([position, revision, bytes]) => ({ position, revision, bytes }));
  return { ...actor(person), batches };
}

const read = (world: World, person: Person, ...positions: number[]) =>
  world.ok("archive.read", { ...actor(person), positions, maxBytes: 1000 }).batches
    .map(({ position, revision, bytes }) => [position, revision, ...bytes]);

everyBackend("an archive grows by batches, and each account sees its own", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  assert.deepEqual(world.ok("archive.head", actor(erik)).position, 0);
  world.ok("archive.write", writing(erik, [[1, 1, bytes(1, 2)], [2, 1, bytes(3)]]));
  const { position, revision, bytes: size } = world.ok("archive.head", actor(erik));
  assert.deepEqual([position, revision, size], [2, 1, 3]);
  assert.deepEqual(read(world, erik, 2, 7, 1), [[2, 1, 3], [1, 1, 1, 2]]);
  assert.deepEqual(read(world, sam, 1, 2), []);
});

everyBackend(
  "of two devices that write at once one is refused, and nothing of it is stored",
  (world) => {
    const erik = world.register("erik");
    const phone = world.enrol(erik);
    world.ok("archive.write", writing(erik, [[1, 1, bytes(1)]]));
    world.ok("archive.write", writing(erik, [[1, 2, bytes(1, 2)]]));
    for (
      const late of [
        [[1, 2, bytes(9)]],
        [[1, 1, bytes(9)]],
        [[2, 2, bytes(9)]],
        [[3, 1, bytes(9)]],
        [[1, 3, bytes(9)], [3, 1, bytes(9)]],
        [[1, 4, bytes(9)], [2, 1, bytes(9)]],
      ] as const
    ) {
      assert.equal(world.code("archive.write", writing(phone, late)), "archive_conflict");
    }
    assert.deepEqual(read(world, phone, 1, 2, 3), [[1, 2, 1, 2]]);
  },
);

everyBackend("an older batch is replaced only together with the end of the archive", (world) => {
  const erik = world.register("erik");
  world.ok("archive.write", writing(erik, [[1, 1, bytes(1)], [2, 1, bytes(2)]]));
  assert.equal(world.code("archive.write", writing(erik, [[1, 2, bytes(9)]])), "archive_conflict");
  world.ok("archive.write", writing(erik, [[1, 2, bytes(8)], [2, 2, bytes(7)]]));
  world.ok("archive.write", writing(erik, [[1, 3, bytes(6)], [3, 1, bytes(5, 5)]]));
  assert.deepEqual(read(world, erik, 1, 2, 3), [[1, 3, 6], [2, 2, 7], [3, 1, 5, 5]]);
  assert.equal(world.ok("archive.head", actor(erik)).bytes, 4);
  assert.equal(
    world.code("archive.write", writing(erik, [[3, 2, bytes(1)], [1, 4, bytes(1)]])),
    "malformed",
  );
});

everyBackend("the other devices that are there are told of the new end", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  world.ok("archive.write", writing(phone, [[1, 1, bytes(1)]]));
  const [told, ...more] = world.told("archive");
  assert.deepEqual([told?.devices, told?.position, told?.revision, more.length], [
    [erik.device],
    1,
    1,
    0,
  ]);
});

everyBackend("a full archive takes nothing more, but things can be taken out of it", (world) => {
  const erik = world.register("erik");
  const large = new Uint8Array(archiveLimits.batchBytes);
  let position = 0;
  for (let size = 0; size + large.length <= archiveLimits.bytesPerAccount; size += large.length) {
    position += 1;
    world.now += 60_000;
    world.ok("archive.write", writing(erik, [[position, 1, large]]));
  }
  world.now += 60_000;
  const more = writing(erik, [[position + 1, 1, large]]);
  assert.equal(world.code("archive.write", more), "quota_exceeded");
  world.ok("archive.write", writing(erik, [[1, 2, bytes(1)], [position, 2, large]]));
  assert.equal(world.code("archive.write", more), "ok");
});

everyBackend("an account writes only so much in a minute", (world) => {
  const erik = world.register("erik");
  const large = new Uint8Array(archiveLimits.batchBytes);
  const most = Math.ceil(archiveLimits.bytesPerMinute / large.length);
  for (let revision = 1; revision <= most; revision++) {
    world.ok("archive.write", writing(erik, [[1, revision, large]]));
  }
  const next = writing(erik, [[1, most + 1, large]]);
  assert.equal(world.code("archive.write", next), "rate_limited");
  world.now += 60_000;
  assert.equal(world.code("archive.write", next), "ok");
});

everyBackend("a removed device neither reads nor writes the archive", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  world.ok("archive.write", writing(erik, [[1, 1, bytes(1)]]));
  world.revoke(erik, phone);
  assert.equal(world.code("archive.head", actor(phone)), "device_revoked");
  assert.equal(
    world.code("archive.read", { ...actor(phone), positions: [1], maxBytes: 9 }),
    "device_revoked",
  );
  assert.equal(world.code("archive.write", writing(phone, [[1, 2, bytes(1)]])), "device_revoked");
});

everyBackend("a device is given another label by its own account only", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(erik, "phone");
  world.ok("device.rename", { ...actor(erik), renamed: phone.device, label: "old phone" });
  const labels = world.run("device.list", actor(erik)).devices.map(({ label }) => label);
  assert.deepEqual(labels, ["laptop", "old phone"]);
  const theft = { ...actor(sam), renamed: phone.device, label: "mine" };
  assert.equal(world.code("device.rename", theft), "unknown_device");
  world.revoke(erik, phone);
  assert.equal(
    world.code("device.rename", { ...actor(erik), renamed: phone.device, label: "x" }),
    "unknown_device",
  );
});
