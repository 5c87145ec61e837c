import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend } from "../../contract/world.ts";

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
