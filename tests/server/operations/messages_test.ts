import assert from "node:assert/strict";
import { mlsLimits, serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";

function pair(world: World): { erik: Person; sam: Person; conversation: string } {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  world.ack(sam, conversation, 1);
  return { erik, sam, conversation };
}

everyBackend(
  "a message is stored once however often it is sent, also after it was deleted",
  (world) => {
    const { erik, sam, conversation } = pair(world);
    const input = world.message(erik, conversation);
    const first = world.ok("message.send", input);
    world.send(erik, conversation);
    world.now += 1000;
    assert.deepEqual(world.ok("message.send", input), first);
    assert.deepEqual(world.read(sam, conversation).map(({ seq }) => seq), [2, 3]);
    world.ack(sam, conversation, 3);
    assert.deepEqual(world.stored(conversation), []);
    assert.deepEqual(world.ok("message.send", input), first);
    assert.deepEqual(world.read(sam, conversation), []);
    assert.equal(world.conversation(sam, conversation).unread, 2);
  },
);

everyBackend(
  "the same message id of another device or conversation is another message",
  (world) => {
    const { erik, sam, conversation } = pair(world);
    const message = world.messageId();
    const first = world.send(erik, conversation, { message });
    assert.notEqual(world.send(sam, conversation, { message }), first);
    const notes = world.converse(erik);
    assert.equal(world.send(erik, notes, { message }), 2);
  },
);

everyBackend("ids out of order are accepted, and repeats of them recognised", (world) => {
  const { erik, conversation } = pair(world);
  const [early, late] = [world.messageId(), world.messageId()];
  assert.equal(world.send(erik, conversation, { message: late }), 2);
  assert.equal(world.send(erik, conversation, { message: early }), 3);
  assert.equal(world.send(erik, conversation, { message: early }), 3);
  assert.equal(world.send(erik, conversation, { message: late }), 2);
});

everyBackend("the latest thousand ids are remembered while older ones are forgotten", (world) => {
  const { erik, sam, conversation } = pair(world);
  const inputs = Array.from({ length: 3000 }, () => world.message(erik, conversation));
  world.batch(inputs.map((input) => ({ name: "message.send", input })));
  world.ack(sam, conversation, 3001);
  for (const index of [2999, 2500, 1980]) {
    const input = inputs[index];
    assert(input !== undefined);
    assert.equal(world.ok("message.send", input).seq, index + 2);
  }
  const key = world.backend.tables.conversations.byId(conversation)?.key ?? 0;
  const device = world.backend.tables.devices.byId(erik.device)?.key ?? 0;
  assert.equal(world.backend.tables.log.sent(key, device, inputs[0]?.message ?? ""), undefined);
});

everyBackend("messages may lag a few epochs but not lead", (world) => {
  const { erik, sam, conversation } = pair(world);
  for (let epoch = 1; epoch <= mlsLimits.lateEpochs + 1; epoch++) {
    world.ok("conversation.commit", world.commit(erik, conversation, { epoch }));
  }
  const current = mlsLimits.lateEpochs + 2;
  const send = (epoch: number) =>
    world.run("message.send", world.message(sam, conversation, { epoch }));
  assert.deepEqual(send(current + 1), { ok: false, code: "epoch_conflict", epoch: current });
  assert.deepEqual(send(1), { ok: false, code: "epoch_too_old", epoch: current });
  assert(send(2).ok);
  assert(send(current).ok);
});

everyBackend("foreign and removed devices can neither send nor read", (world) => {
  const { erik, sam, conversation } = pair(world);
  const eve = world.register("eve");
  const phone = world.enrol(sam);
  for (const person of [eve, phone]) {
    assert.equal(world.code("message.send", world.message(person, conversation)), "not_a_member");
    const span = { conversation, after: 0, limit: 9, maxBytes: 99 };
    assert.equal(world.code("log.read", { ...actor(person), ...span }), "not_a_member");
    world.ack(person, conversation, 1);
  }
  assert.equal(
    world.code("message.read", { ...actor(eve), conversation, seq: 1 }),
    "no_such_conversation",
  );
  const unknown = crypto.randomUUID();
  assert.equal(world.code("message.send", world.message(erik, unknown)), "no_such_conversation");
});

everyBackend(
  "a row is deleted when the last device that it is for has acknowledged it",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const phone = world.enrol(sam);
    const conversation = world.converse(erik, sam, phone);
    world.send(erik, conversation);
    world.send(erik, conversation);
    world.ack(sam, conversation, 3);
    assert.deepEqual(world.stored(conversation), [1, 2, 3]);
    world.ack(phone, conversation, 2);
    assert.deepEqual(world.stored(conversation), [3]);
    world.ack(phone, conversation, 1);
    assert.deepEqual(world.read(phone, conversation).map(({ seq }) => seq), [3]);
    world.revoke(sam, phone);
    assert.deepEqual(world.stored(conversation), []);
  },
);

everyBackend("a device's own rows never wait for it", (world) => {
  const { erik, sam, conversation } = pair(world);
  world.send(erik, conversation);
  world.send(sam, conversation);
  world.send(sam, conversation);
  world.send(erik, conversation);
  assert.deepEqual(world.run("log.pending", actor(sam)).conversations, [{
    conversation,
    cursor: 1,
  }]);
  world.ack(sam, conversation, 2);
  assert.deepEqual(world.stored(conversation), [3, 4, 5]);
  world.ack(sam, conversation, 5);
  world.ack(erik, conversation, 4);
  assert.deepEqual(world.stored(conversation), []);
  assert.deepEqual(world.run("log.pending", actor(erik)).conversations, []);
});

everyBackend("an acknowledgement beyond the head acknowledges nothing of the future", (world) => {
  const { erik, sam, conversation } = pair(world);
  world.ack(sam, conversation, 1_000_000);
  world.send(erik, conversation);
  assert.deepEqual(world.read(sam, conversation).map(({ seq }) => seq), [2]);
});

everyBackend("reading is bounded by rows and bytes, but never stuck", (world) => {
  const { erik, sam, conversation } = pair(world);
  const bytes = new Uint8Array(1000);
  for (let i = 0; i < 5; i++) world.send(erik, conversation, { bytes });
  const read = (after: number, limit: number, maxBytes: number) => {
    const span = { conversation, after, limit, maxBytes };
    const { rows, more } = world.ok("log.read", { ...actor(sam), ...span });
    return [rows.map(({ seq }) => seq), more];
  };
  assert.deepEqual(read(0, 2, 100_000), [[2, 3], true]);
  assert.deepEqual(read(0, 9, 2500), [[2, 3], true]);
  assert.deepEqual(read(3, 9, 10), [[4], true]);
  assert.deepEqual(read(4, 9, 2000), [[5, 6], false]);
  assert.deepEqual(read(6, 9, 2000), [[], false]);
});

everyBackend(
  "receipts go to everybody else in the conversation, own other devices included",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const phone = world.enrol(sam);
    const conversation = world.converse(erik, sam, phone);
    world.send(erik, conversation);
    world.ack(sam, conversation, 2);
    const [delivered] = world.told("receipt");
    assert.deepEqual([delivered?.account, delivered?.delivered, delivered?.read], [
      sam.account,
      2,
      0,
    ]);
    assert.deepEqual(delivered?.devices.toSorted(), [erik.device, phone.device].toSorted());
    world.ack(phone, conversation, 2);
    assert.deepEqual(world.told("receipt"), []);
    world.now += 1;
    assert.equal(world.markRead(phone, conversation, 2), 0);
    const [read] = world.told("receipt");
    assert.deepEqual([read?.read, read?.at], [2, world.now]);
    assert.deepEqual(read?.devices.toSorted(), [erik.device, sam.device].toSorted());
    const [, member] = world.conversation(erik, conversation).members;
    assert.deepEqual([member?.name, member?.delivered, member?.read, member?.readAt], [
      "sam",
      2,
      2,
      world.now,
    ]);
  },
);

everyBackend("unread is exact after partial reading, also when the rows are deleted", (world) => {
  const { erik, sam, conversation } = pair(world);
  for (let i = 0; i < 4; i++) world.send(erik, conversation);
  world.send(sam, conversation);
  world.ok("conversation.commit", world.commit(erik, conversation));
  world.send(erik, conversation, { epoch: 2 });
  world.ack(sam, conversation, 8);
  world.ack(erik, conversation, 8);
  assert.deepEqual(world.stored(conversation), []);
  assert.equal(world.conversation(sam, conversation).unread, 5);
  assert.equal(world.markRead(sam, conversation, 3), 3);
  assert.equal(world.markRead(sam, conversation, 2), 3);
  assert.equal(world.markRead(sam, conversation, 7), 1);
  assert.equal(world.markRead(erik, conversation, 5), 1);
  assert.equal(world.markRead(sam, conversation, 99), 0);
  assert.deepEqual([world.conversation(sam, conversation).unread], [0]);
});

everyBackend(
  "messages become one notification per conversation until it is seen or read",
  (world) => {
    const { erik, sam, conversation } = pair(world);
    world.send(erik, conversation);
    assert.deepEqual(world.told("notification").map(({ devices }) => devices), [[sam.device]]);
    world.send(erik, conversation);
    assert.deepEqual(world.told("notification"), []);
    const [only, ...more] = world.notifications(sam);
    assert.deepEqual(more, []);
    assert.deepEqual([only?.kind, only?.from, only?.count, only?.conversation], [
      "message",
      "erik",
      2,
      conversation,
    ]);
    world.run("notification.seen", { ...actor(sam), through: only?.notification ?? 0 });
    assert.deepEqual(world.notifications(sam), []);
    assert.equal(world.notifications(sam, false)[0]?.seen, true);
    world.send(erik, conversation);
    assert.equal(world.notifications(sam)[0]?.count, 1);
    assert((world.notifications(sam)[0]?.notification ?? 0) > (only?.notification ?? 0));
    world.markRead(sam, conversation, 4);
    assert.deepEqual(world.notifications(sam), []);
  },
);

everyBackend("what waits for an account is bounded and shrinks as it is taken", (world) => {
  const { erik, sam, conversation } = pair(world);
  const { tables } = world.backend;
  const key = tables.accounts.byId(sam.account)?.key ?? 0;
  const bytes = new Uint8Array(1024 * 1024);
  world.send(erik, conversation, { bytes });
  world.send(erik, conversation, { bytes });
  assert.equal(tables.accounts.queued(key), 2 * bytes.length);
  world.ack(sam, conversation, 2);
  assert.equal(tables.accounts.queued(key), bytes.length);
  tables.accounts.addQueued(key, serverLimits.queuedBytesPerAccount - bytes.length - 10);
  assert.equal(
    world.code("message.send", world.message(erik, conversation, { bytes })),
    "quota_exceeded",
  );
  assert.equal(world.conversation(sam, conversation).unread, 2);
  assert.equal(
    world.code("conversation.commit", world.commit(erik, conversation, { commit: bytes })),
    "quota_exceeded",
  );
  world.ack(sam, conversation, 3);
  tables.accounts.addQueued(key, -tables.accounts.queued(key));
  assert.equal(world.code("message.send", world.message(sam, conversation, { bytes })), "ok");
});

everyBackend(
  "each device is told how far it is known to be: what it has stored, and which keys it has used",
  (world) => {
    const { erik, sam, conversation } = pair(world);
    const marks = (person: Person) => {
      const { acked, used, cursor } = world.conversation(person, conversation);
      return { acked, used, cursor };
    };
    // The first commit is erik's; he has acknowledged nothing, although everything so far is his.
    assert.deepEqual(marks(erik), { acked: 0, used: { epoch: 1, generations: 0 }, cursor: 1 });
    world.send(erik, conversation, { generation: 0 });
    world.send(erik, conversation, { generation: 4 });
    world.send(erik, conversation, { generation: 2 });
    assert.deepEqual(marks(erik), { acked: 0, used: { epoch: 1, generations: 5 }, cursor: 4 });
    assert.deepEqual(marks(sam), { acked: 1, used: undefined, cursor: 1 });
    world.ack(sam, conversation, 3);
    world.ack(sam, conversation, 2);
    assert.equal(marks(sam).acked, 3);
    // A client that does not say which keys it uses is known by its commits alone.
    world.send(sam, conversation);
    assert.equal(marks(sam).used, undefined);
  },
);
