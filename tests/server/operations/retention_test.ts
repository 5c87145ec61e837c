import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type World } from "../../contract/world.ts";

everyBackend(
  "rows go after their time even when a device never came, and nothing gets stuck",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const phone = world.enrol(sam);
    const conversation = world.converse(erik, sam, phone);
    world.send(erik, conversation);
    world.ack(sam, conversation, 2);
    world.now += serverLimits.messageRetentionMs;
    world.send(erik, conversation);
    assert.equal(world.run("retention.run", {}).deleted, 0);
    world.now += 1;
    assert.equal(world.run("retention.run", {}).deleted >= 2, true);
    assert.deepEqual(world.stored(conversation), [3]);
    assert.deepEqual(world.read(phone, conversation).map(({ seq }) => seq), [3]);
    const { tables } = world.backend;
    assert.equal(tables.accounts.queued(tables.accounts.byId(sam.account)?.key ?? 0), 1);
    world.ack(phone, conversation, 3);
    assert.deepEqual(world.run("log.pending", actor(phone)).conversations, []);
    assert.deepEqual(world.run("log.pending", actor(sam)).conversations, [{
      conversation,
      cursor: 2,
    }]);
  },
);

everyBackend(
  "message ids are forgotten after a week and notifications after their time",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    world.enrol(sam);
    const conversation = world.converse(erik, sam);
    const input = world.message(erik, conversation);
    const { seq } = world.ok("message.send", input);
    world.now += 6 * 24 * 60 * 60 * 1000;
    world.run("retention.run", {});
    assert.equal(world.ok("message.send", input).seq, seq);
    const kinds = () => world.notifications(sam, false).map(({ kind }) => kind);
    assert.deepEqual(kinds(), ["device_added", "message"]);
    world.now += serverLimits.messageRetentionMs;
    world.run("retention.run", {});
    assert.deepEqual(kinds(), ["message"]);
  },
);

const day = 24 * 60 * 60 * 1000;
const year = 365 * day;

/** A server with a waiting message and a post, of which the clock has been asked. */
function waitingWorld(world: World) {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  world.send(erik, conversation);
  const post = (id: string) =>
    world.ok("lobby.post", {
      ...actor(erik),
      post: id,
      text: "hello",
      sentAt: world.now,
      signature: "s",
    });
  post("first");
  world.run("retention.run", {});
  const kept = () => [
    world.read(sam, conversation).length,
    world.run("lobby.read", { after: 0, limit: 9 }).posts.length,
  ];
  return { kept, post };
}

everyBackend("a clock that jumps a year ahead deletes nothing until it is put back", (world) => {
  const { kept, post } = waitingWorld(world);
  world.now += year;
  world.jumpedMs += year;
  for (let hour = 0; hour < 48; hour++) {
    world.now += day / 24;
    world.run("retention.run", {});
  }
  assert.deepEqual(kept(), [2, 1]);
  post("second");
  assert.deepEqual(kept(), [2, 2]);
  world.now -= year;
  world.jumpedMs -= year;
  for (let days = 0; days < 80; days++) {
    world.now += day;
    world.run("retention.run", {});
  }
  assert.deepEqual(kept(), [2, 2]);
});

everyBackend("a server that starts with a clock a year ahead deletes nothing at once", (world) => {
  const { kept } = waitingWorld(world);
  world.now += year;
  const restarted = world.restarted();
  restarted.run("retention.run", {});
  restarted.now += day;
  restarted.run("retention.run", {});
  assert.deepEqual(kept(), [2, 1]);
});

everyBackend("a clock that stays ahead for a week of running time is believed", (world) => {
  const { kept } = waitingWorld(world);
  world.now += year;
  world.jumpedMs += year;
  for (let days = 1; days <= 6; days++) {
    world.now += day;
    world.run("retention.run", {});
  }
  assert.deepEqual(kept(), [2, 1]);
  world.now += day;
  world.run("retention.run", {});
  assert.deepEqual(kept(), [0, 0]);
});

everyBackend(
  "a message with a time of its own is forgotten then, fetched or not, and its row stays in order",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const conversation = world.converse(erik, sam);
    const bytes = new Uint8Array(1000);
    world.send(erik, conversation, { keepDays: 1, bytes });
    world.send(erik, conversation, { bytes: new Uint8Array(10) });
    const queued = () => {
      const { tables } = world.backend;
      return tables.accounts.queued(tables.accounts.byId(sam.account)?.key ?? 0);
    };
    const before = queued();
    world.now += day - 1;
    world.run("retention.run", {});
    assert.equal(queued(), before);
    world.now += 1;
    assert.equal(world.run("retention.run", {}).deleted, 1);
    assert.equal(queued(), before - 1000);
    const rows = world.read(sam, conversation).slice(-2);
    assert.deepEqual(rows.map(({ bytes }) => bytes.length), [0, 10]);
    const { unread } = world.conversation(sam, conversation);
    assert.equal(unread, 1);
    world.ack(sam, conversation, rows.at(-1)?.seq ?? 0);
    assert.equal(queued(), 0);
  },
);

everyBackend("a quiet message waits like any other, and is nothing unread", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  const first = world.send(erik, conversation);
  world.send(erik, conversation, { quiet: true });
  world.send(erik, conversation);
  world.send(erik, conversation, { quiet: true });
  assert.equal(world.conversation(sam, conversation).unread, 2);
  assert.equal(world.notifications(sam, false).find(({ kind }) => kind === "message")?.count, 2);
  assert.equal(world.markRead(sam, conversation, first), 1);
  assert.equal(world.read(sam, conversation).filter(({ type }) => type === "message").length, 4);
});
