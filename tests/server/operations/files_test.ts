import assert from "node:assert/strict";
import { fileLimits } from "../../../lib/base/limits.ts";
import { encryptedSize } from "../../../lib/crypto/file_cipher.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";
import { Group } from "./group_world.ts";

const hour = 60 * 60 * 1000;

function scene(world: World) {
  const people = ["erik", "sam", "mallory"].map((name) => world.register(name)) as [
    Person,
    Person,
    Person,
  ];
  const conversation = world.converse(people[0], people[1]);
  return { people, conversation };
}

const begin = (person: Person, { conversation, size = 1000 }: {
  conversation: string;
  size?: number;
}) => {
  const file = crypto.randomUUID();
  return { file, input: { ...actor(person), conversation, file, size } };
};

everyBackend("an upload is begun once, tells how far it has got, and is finished once", (world) => {
  const { people: [erik, sam], conversation } = scene(world);
  const { file, input } = begin(erik, { conversation });
  assert.deepEqual(world.ok("file.begin", input), { ok: true, synced: 0, complete: false });
  world.run("file.progress", { file, synced: 600 });
  assert.equal(world.ok("file.begin", input).synced, 600);
  assert.equal(world.code("file.locate", { ...actor(sam), file }), "not_found");
  const finish = { ...actor(erik), file };
  assert.equal(world.code("file.finish", { ...finish, sealed: false }), "not_found");
  const { expiresAt } = world.ok("file.finish", { ...finish, sealed: true });
  assert.equal(expiresAt, world.now + fileLimits.keepMs);
  world.now += hour;
  assert.equal(world.ok("file.finish", { ...finish, sealed: false }).expiresAt, expiresAt);
  assert.equal(world.ok("file.begin", input).complete, true);
  for (const person of [erik, sam]) {
    assert.equal(world.ok("file.locate", { ...actor(person), file }).size, 1000);
  }
});

everyBackend("nobody else can go on with an upload, fetch it, finish it or delete it", (world) => {
  const { people: [erik, sam, mallory], conversation } = scene(world);
  const { file, input } = begin(erik, { conversation });
  assert.equal(world.code("file.begin", { ...input, ...actor(mallory) }), "no_such_conversation");
  world.ok("file.begin", input);
  for (const person of [sam, mallory]) {
    assert.equal(world.code("file.begin", { ...input, ...actor(person) }), "not_found");
    assert.equal(world.code("file.finish", { ...actor(person), file, sealed: true }), "not_found");
    assert.equal(world.code("file.delete", { ...actor(person), file }), "not_found");
  }
  assert.equal(world.code("file.begin", { ...input, size: 999 }), "not_found");
  world.ok("file.finish", { ...actor(erik), file, sealed: true });
  assert.equal(world.code("file.locate", { ...actor(mallory), file }), "not_found");
  assert.equal(world.code("file.done", { ...actor(mallory), file }), "not_found");
  assert.equal(world.code("file.delete", { ...actor(sam), file }), "not_found");
});

everyBackend("a file goes when all who wait for it have it, and its bytes with it", (world) => {
  const { people: [erik, sam], conversation } = scene(world);
  const { file, input } = begin(erik, { conversation });
  world.ok("file.begin", input);
  world.ok("file.finish", { ...actor(erik), file, sealed: true });
  world.ok("file.done", { ...actor(erik), file });
  assert.deepEqual(world.told("discard"), []);
  world.ok("file.done", { ...actor(sam), file });
  assert.deepEqual(world.told("discard"), [{ kind: "discard", file }]);
  assert.equal(world.code("file.locate", { ...actor(sam), file }), "not_found");
  assert.equal(world.ok("file.limits", actor(erik)).used, 0);
});

everyBackend("a file sent to oneself waits for one's own other devices", (world) => {
  const erik = world.register("erik");
  const conversation = world.converse(erik);
  const { file, input } = begin(erik, { conversation });
  world.ok("file.begin", input);
  world.ok("file.finish", { ...actor(erik), file, sealed: true });
  world.ok("file.done", { ...actor(erik), file });
  assert.deepEqual(world.told("discard"), [{ kind: "discard", file }]);
});

everyBackend("size, quota and space are checked before any byte", (world) => {
  const { people: [erik], conversation } = scene(world);
  Object.assign(world.files, { maxBytes: 100_000, bytesPerAccount: 250_000, bytesInAll: 500_000 });
  const largest = encryptedSize(100_000);
  const code = (size: number) =>
    world.code("file.begin", begin(erik, { conversation, size }).input);
  assert.equal(code(largest + 1), "too_large");
  assert.equal(code(15), "too_large");
  assert.deepEqual([code(largest), code(largest)], ["ok", "ok"]);
  assert.equal(code(largest), "quota_exceeded");
  const { used, quota, maxBytes } = world.ok("file.limits", actor(erik));
  assert.deepEqual([used, quota, maxBytes], [
    2 * (largest + fileLimits.overheadBytes),
    250_000,
    100_000,
  ]);
  world.files.bytesInAll = 2 * largest;
  world.files.bytesPerAccount = 1_000_000;
  assert.equal(code(16), "storage_full");
});

everyBackend(
  "own uploads that stand still make room for new ones, and only as many as needed",
  (world) => {
    const { people: [erik], conversation } = scene(world);
    const files = Array.from({ length: fileLimits.begunPerAccount }, () => {
      const { file, input } = begin(erik, { conversation });
      world.ok("file.begin", input);
      world.now += 1;
      return file;
    });
    const { input } = begin(erik, { conversation });
    assert.equal(world.code("file.begin", input), "quota_exceeded");
    world.now += hour;
    world.run("file.progress", { file: files[0] ?? "", synced: 1 });
    world.ok("file.begin", input);
    assert.deepEqual(world.told("discard"), [{ kind: "discard", file: files[1] }]);
  },
);

everyBackend("what expires goes, and so do uploads that nobody goes on with for a day", (world) => {
  const { people: [erik, sam], conversation } = scene(world);
  const left = begin(erik, { conversation });
  world.ok("file.begin", left.input);
  const kept = begin(erik, { conversation });
  world.ok("file.begin", kept.input);
  world.ok("file.finish", { ...actor(erik), file: kept.file, sealed: true });
  world.now += fileLimits.begunMs;
  world.run("retention.run", {});
  assert.deepEqual(world.told("discard"), []);
  world.now += 1;
  world.run("retention.run", {});
  assert.deepEqual(world.told("discard"), [{ kind: "discard", file: left.file }]);
  world.now += fileLimits.keepMs - fileLimits.begunMs - 2;
  world.run("retention.run", {});
  assert.equal(world.code("file.locate", { ...actor(sam), file: kept.file }), "ok");
  world.now += 1;
  world.run("retention.run", {});
  assert.equal(world.code("file.locate", { ...actor(sam), file: kept.file }), "not_found");
});

everyBackend(
  "in a group, files are for those who were in it when they came; the removed get nothing new",
  (world) => {
    const [olga, mia, max] = ["olga", "mia", "max"].map((name) => world.register(name)) as [
      Person,
      Person,
      Person,
    ];
    const group = Group.create(world, [olga, mia, max]);
    const upload = (by: Person) => {
      const { file, input } = begin(by, { conversation: group.id });
      world.ok("file.begin", input);
      world.ok("file.finish", { ...actor(by), file, sealed: true });
      return file;
    };
    const reach = (person: Person, file: string) =>
      world.code("file.locate", { ...actor(person), file });
    const before = upload(olga);
    group.remove(olga, max);
    const after = upload(olga);
    const eve = world.register("eve");
    group.add(olga, eve);
    assert.deepEqual([reach(max, before), reach(max, after)], ["ok", "not_found"]);
    assert.deepEqual([reach(mia, before), reach(mia, after)], ["ok", "ok"]);
    assert.equal(
      world.code("file.begin", begin(max, { conversation: group.id }).input),
      "no_such_conversation",
    );
    // One who was in it when it came still has a claim on it.
    world.ok("file.done", { ...actor(mia), file: before });
    assert.equal(reach(max, before), "ok");
    world.ok("file.done", { ...actor(max), file: before });
    assert.equal(reach(mia, before), "not_found");
    assert.equal(group.leave(mia), "ok");
    assert.equal(reach(mia, after), "ok");
    const last = upload(olga);
    assert.deepEqual([reach(mia, last), reach(eve, last)], ["not_found", "ok"]);
    world.ok("file.done", { ...actor(eve), file: last });
    assert.equal(reach(eve, last), "not_found");
  },
);
