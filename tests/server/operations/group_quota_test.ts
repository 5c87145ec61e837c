import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";
import { creation, Group } from "./group_world.ts";

const piece = new Uint8Array(1024 * 1024);
/** So many pieces fill what one conversation may take of an account's quota. */
const pieces = serverLimits.queuedBytesPerConversation / piece.length;

function three(world: World) {
  const people = {
    olga: world.register("olga"),
    mia: world.register("mia"),
    max: world.register("max"),
  };
  return { ...people, group: Group.create(world, [people.olga, people.mia, people.max]) };
}

const sendPiece = (world: World, person: Person, conversation: string) =>
  world.code("message.send", world.message(person, conversation, { bytes: piece }));

const queued = (world: World, name: string) => {
  const { accounts } = world.backend.tables;
  return accounts.queued(accounts.byName(name)?.key ?? 0);
};

everyBackend(
  "a member that is away for long silences nobody: it gives up what there is no room for",
  (world) => {
    const { olga, mia, max, group } = three(world);
    for (let count = 0; count < pieces + 3; count++) {
      assert.equal(sendPiece(world, olga, group.id), "ok");
      world.ack(max, group.id, group.row(max).head);
    }
    assert(queued(world, "mia") <= serverLimits.queuedBytesPerConversation);
    const { lost, cursor, head } = group.row(mia);
    assert(lost !== undefined && lost === cursor && lost < head);
    const next = group.send(olga);
    const rows = world.read(mia, group.id, next - 1);
    assert.deepEqual(rows.map(({ seq }) => seq), [next]);
    world.ack(mia, group.id, next);
    assert.equal(group.row(mia).lost, undefined);
    assert.equal(group.row(max).lost, undefined);
    assert.equal(queued(world, "mia"), 0);
  },
);

everyBackend("a group in which nobody has room takes nothing more", (world) => {
  const { olga, mia, max, group } = three(world);
  let code = "ok";
  for (let count = 0; code === "ok" && count < 2 * pieces; count++) {
    code = sendPiece(world, olga, group.id);
  }
  assert.equal(code, "quota_exceeded");
  // Whoever has to go goes all the same.
  group.remove(olga, mia);
  assert.equal(sendPiece(world, olga, group.id), "quota_exceeded");
  world.ack(max, group.id, group.row(max).head);
  assert.equal(sendPiece(world, olga, group.id), "ok");
});

everyBackend(
  "a row is stored once, however many it waits for, and goes when the last one has it",
  (world) => {
    const { olga, mia, max, group } = three(world);
    for (const person of [mia, max]) world.ack(person, group.id, 1);
    const seq = group.send(olga);
    assert.deepEqual(world.stored(group.id), [seq]);
    world.ack(mia, group.id, seq);
    assert.deepEqual(world.stored(group.id), [seq]);
    world.ack(max, group.id, seq);
    assert.deepEqual(world.stored(group.id), []);
  },
);

everyBackend("a removed device that never comes back keeps no rows but those for it", (world) => {
  const { olga, mia, max, group } = three(world);
  world.ack(max, group.id, 1);
  const before = group.send(olga);
  const exit = group.remove(olga, mia);
  const after = [group.send(olga), group.send(olga)];
  world.ack(max, group.id, after.at(-1) ?? 0);
  assert.deepEqual(world.stored(group.id), [1, before, exit]);
  assert(queued(world, "mia") > 0, "what is kept for it counts as long as it is kept");
  assert.deepEqual(world.read(mia, group.id).map(({ seq }) => seq), [1, before, exit]);
  world.ack(mia, group.id, exit);
  assert.deepEqual(world.stored(group.id), []);
  assert.equal(queued(world, "mia"), 0);
});

everyBackend(
  "rows that are past their time are given up for all who lag, removed ones too",
  (world) => {
    const { olga, mia, max, group } = three(world);
    group.send(olga);
    group.remove(olga, mia);
    world.now += serverLimits.messageRetentionMs + 60_000;
    world.jumpedMs = 0;
    const fresh = group.send(olga);
    world.run("retention.run", {});
    assert.deepEqual(world.stored(group.id), [fresh]);
    assert.deepEqual([queued(world, "mia"), group.row(max).lost], [0, fresh - 1]);
    const span = { ...actor(mia), conversation: group.id, after: 0, limit: 9, maxBytes: 99 };
    assert.equal(world.code("log.read", span), "not_a_member");
  },
);

everyBackend(
  "the group infos of what one account creates have their limit, and removals go beyond it",
  (world) => {
    const { olga, mia, max, group } = three(world);
    const groupInfo = new Uint8Array(1024 * 1024);
    const create = () => {
      const input = creation(world, crypto.randomUUID(), { people: [olga] });
      return world.code("conversation.create", { ...input, groupInfo });
    };
    const most = serverLimits.groupInfoBytesPerAccount / groupInfo.length;
    const codes = Array.from({ length: most }, (_, index) => {
      if (index === most / 2) world.now += 60 * 60 * 1000;
      return create();
    });
    assert.equal(codes.at(-1), "quota_exceeded");
    assert.deepEqual(new Set(codes.slice(0, -1)), new Set(["ok"]));
    const larger = new Uint8Array(groupInfo.length + 2);
    assert.equal(group.code(mia, {}, { groupInfo: larger }), "quota_exceeded");
    assert.equal(group.code(mia), "ok");
    const gone = { remove: [max.device], groupInfo: larger };
    assert.equal(group.code(olga, { remove: [max.account] }, gone), "ok");
  },
);

everyBackend(
  "whoever gets everything and reads nothing lets no list of stretches grow without end",
  (world) => {
    const { olga, mia, max, group } = three(world);
    const works = Array.from({ length: 512 }, (_, index) => ({
      name: "message.send" as const,
      input: world.message(index % 2 === 0 ? olga : mia, group.id),
    }));
    for (let round = 0; round < 21; round++) {
      world.batch(works.map(({ name, input }) => ({
        name,
        input: { ...input, message: world.messageId() },
      })));
      for (const person of [olga, mia, max]) world.ack(person, group.id, group.row(olga).head);
    }
    const { conversations, log } = world.backend.tables;
    const key = conversations.byId(group.id)?.key ?? 0;
    assert(log.runs(key, 0).length > 10_000);
    world.run("retention.run", {});
    assert.equal(log.runs(key, 0).length, 10_000);
    const { head, unread } = group.row(max);
    assert.equal(unread, 21 * 512);
    assert.equal(world.markRead(max, group.id, head - 5000), 5000);
  },
);
