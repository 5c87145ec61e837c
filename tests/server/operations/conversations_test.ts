import assert from "node:assert/strict";
import { actor, everyBackend, randomKey } from "../../contract/world.ts";

everyBackend(
  "a conversation begins with the commit from epoch 0, seen as welcome by the others",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const phone = world.enrol(sam);
    const conversation = world.converse(erik, sam, phone);
    assert.deepEqual(world.read(erik, conversation), []);
    for (const person of [sam, phone]) {
      const [row, ...more] = world.read(person, conversation);
      assert.deepEqual(more, []);
      assert(row?.type === "welcome");
      assert.deepEqual([row.seq, row.epoch, row.bytes[0], row.device], [1, 1, 2, erik.device]);
      assert.deepEqual(
        row.roster.map(({ device }) => device).sort(),
        [erik, sam, phone].map(({ device }) => device).sort(),
      );
    }
    const info = world.ok("conversation.info", { ...actor(sam), conversation });
    assert.deepEqual([info.epoch, info.head, info.groupInfo[0]], [1, 1, 3]);
  },
);

everyBackend(
  "there is one conversation per pair, whoever begins, and a repeat gets the same answer",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const input = world.creation(crypto.randomUUID(), [erik, sam]);
    const first = world.ok("conversation.create", input);
    world.now += 1000;
    assert.deepEqual(world.ok("conversation.create", input), first);
    const hash = randomKey();
    assert.equal(world.code("conversation.create", { ...input, hash }), "conversation_exists");
    const other = world.creation(crypto.randomUUID(), [sam, erik]);
    assert.equal(world.code("conversation.create", other), "conversation_exists");
  },
);

everyBackend("notes to oneself need nobody else and no welcome", (world) => {
  const erik = world.register("erik");
  const conversation = world.converse(erik);
  world.send(erik, conversation);
  assert.deepEqual(world.stored(conversation), []);
  assert.equal(world.conversation(erik, conversation).unread, 0);
});

everyBackend("a roster that does not fit is refused and leaves nothing behind", (world) => {
  const [erik, sam, eve] = [world.register("erik"), world.register("sam"), world.register("eve")];
  const gone = world.enrol(sam);
  world.revoke(sam, gone);
  const input = world.creation(crypto.randomUUID(), [erik, sam]);
  const wrong: Partial<typeof input>[] = [
    { roster: [actor(sam)] },
    { roster: [actor(erik)], welcome: new Uint8Array() },
    { roster: [actor(erik), actor(sam), actor(eve)] },
    { roster: [actor(erik), actor(sam), actor(sam)] },
    { roster: [actor(erik), actor(sam), actor(gone)] },
    { roster: [actor(erik), { account: sam.account, device: eve.device }] },
    { roster: [actor(erik), { account: sam.account, device: randomKey() }] },
    { welcome: new Uint8Array() },
  ];
  for (const change of wrong) {
    assert.equal(world.code("conversation.create", { ...input, ...change }), "roster_mismatch");
  }
  const nobody = crypto.randomUUID();
  assert.equal(world.code("conversation.create", { ...input, with: nobody }), "no_such_user");
  assert.equal(world.code("conversation.create", input), "ok");
});

everyBackend(
  "of two commits for one epoch one wins, and a repeat of it gets the same answer",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const conversation = world.converse(erik, sam);
    const winner = world.commit(erik, conversation);
    const first = world.ok("conversation.commit", winner);
    assert.deepEqual([first.seq, first.epoch], [2, 2]);
    const loser = world.commit(sam, conversation);
    assert.deepEqual(world.run("conversation.commit", loser), {
      ok: false,
      code: "epoch_conflict",
      epoch: 2,
    });
    world.now += 5000;
    assert.deepEqual(world.ok("conversation.commit", winner), first);
    // The same bytes from somebody else are not the same commit.
    const stolen = { ...winner, ...actor(sam) };
    assert.equal(world.code("conversation.commit", stolen), "epoch_conflict");
    assert.deepEqual(world.read(sam, conversation).map(({ type }) => type), ["welcome", "commit"]);
  },
);

everyBackend("an added device starts with its welcome and gets nothing from before", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  world.send(erik, conversation);
  const phone = world.enrol(sam);
  assert.equal(
    world.code("log.read", { ...actor(phone), conversation, after: 0, limit: 9, maxBytes: 9 }),
    "not_a_member",
  );
  const commit = world.commit(erik, conversation, { add: [actor(phone)] });
  assert.deepEqual(world.ok("conversation.commit", commit).seq, 3);
  world.send(erik, conversation, { epoch: 2 });
  const rows = world.read(phone, conversation);
  assert.deepEqual(rows.map(({ seq, type, epoch }) => [seq, type, epoch]), [
    [3, "welcome", 2],
    [4, "message", 2],
  ]);
  assert.deepEqual(world.read(sam, conversation).map(({ type }) => type), [
    "welcome",
    "message",
    "commit",
    "message",
  ]);
});

everyBackend("only devices of the listed accounts can be added, once, with a welcome", (world) => {
  const [erik, sam, eve] = [world.register("erik"), world.register("sam"), world.register("eve")];
  const conversation = world.converse(erik, sam);
  const phone = world.enrol(sam);
  const wrong = [
    world.commit(erik, conversation, { add: [actor(eve)] }),
    world.commit(erik, conversation, { add: [actor(sam)] }),
    world.commit(erik, conversation, { add: [actor(phone), actor(phone)] }),
    world.commit(erik, conversation, { add: [actor(phone)], welcome: new Uint8Array() }),
    world.commit(erik, conversation, { welcome: new Uint8Array(1) }),
    world.commit(erik, conversation, { remove: [phone.device] }),
    world.commit(erik, conversation, { remove: [erik.device] }),
  ];
  for (const input of wrong) {
    assert.equal(world.code("conversation.commit", input), "roster_mismatch");
  }
  assert.equal(
    world.code("conversation.commit", world.commit(eve, conversation)),
    "no_such_conversation",
  );
  assert.equal(
    world.code("conversation.commit", world.commit(phone, conversation)),
    "not_a_member",
  );
  assert.equal(
    world.code("conversation.info", { ...actor(eve), conversation }),
    "no_such_conversation",
  );
});

everyBackend("a removed device gets the commit that removes it and nothing after", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const conversation = world.converse(erik, sam, phone);
  world.send(erik, conversation);
  const remove = [phone.device];
  world.ok("conversation.commit", world.commit(erik, conversation, { remove }));
  world.send(erik, conversation, { epoch: 2 });
  assert.deepEqual(world.read(phone, conversation).map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(world.code("message.send", world.message(phone, conversation)), "not_a_member");
  assert.equal(world.conversation(phone, conversation).cursor, null);
  world.ack(phone, conversation, 9);
  assert.equal(
    world.code("log.read", { ...actor(phone), conversation, after: 0, limit: 9, maxBytes: 9 }),
    "not_a_member",
  );
  assert.deepEqual(world.run("log.pending", actor(phone)).conversations, []);
});

everyBackend(
  "a device of a member joins by itself with the group info, and again after losing its state",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const conversation = world.converse(erik, sam);
    const phone = world.enrol(sam);
    const join = world.commit(phone, conversation, { external: true });
    assert.equal(
      world.code("conversation.commit", { ...join, add: [actor(phone)] }),
      "roster_mismatch",
    );
    assert.equal(
      world.code("conversation.commit", { ...join, remove: [sam.device] }),
      "roster_mismatch",
    );
    assert.equal(world.ok("conversation.commit", join).epoch, 2);
    assert.deepEqual(world.read(phone, conversation), []);
    const [, row] = world.read(erik, conversation).concat(world.read(sam, conversation));
    assert(row?.type === "welcome" || row?.type === "commit");
    world.send(erik, conversation, { epoch: 2 });
    const again = world.commit(phone, conversation, { external: true, epoch: 2 });
    assert.equal(world.code("conversation.commit", again), "roster_mismatch");
    world.ok("conversation.commit", { ...again, remove: [phone.device] });
    // What it had not got it still gets: it can ask for what it cannot read.
    assert.deepEqual(world.read(phone, conversation).map(({ type, seq }) => [type, seq]), [
      ["message", 3],
    ]);
    world.send(erik, conversation, { epoch: 3 });
    assert.deepEqual(world.read(phone, conversation).map(({ seq }) => seq), [3, 5]);
    world.ack(phone, conversation, 5);
    assert.deepEqual(world.read(phone, conversation), []);
    const { roster } = world.ok("conversation.info", { ...actor(sam), conversation });
    assert.equal(roster.length, 3);
  },
);

everyBackend("removals queued by a revocation must be part of the next commit", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const conversation = world.converse(erik, sam, phone);
  world.revoke(sam, phone);
  assert.deepEqual(world.conversation(erik, conversation).removals, [phone.device]);
  const update = world.commit(erik, conversation);
  assert.equal(world.code("conversation.commit", update), "removals_pending");
  // A device that joins by itself cannot remove others; what is queued stays queued.
  const tablet = world.enrol(sam, "tablet");
  world.ok("conversation.commit", world.commit(tablet, conversation, { external: true }));
  const remove = [phone.device];
  world.ok("conversation.commit", { ...world.commit(erik, conversation, { remove }), epoch: 2 });
  const row = world.conversation(erik, conversation);
  assert.deepEqual([row.removals, row.epoch], [[], 3]);
});

everyBackend("conversations are listed in pages in the order of their ids", (world) => {
  const erik = world.register("erik");
  const ids = ["ann", "ben", "cat"].map((name) => world.converse(erik, world.register(name)))
    .sort();
  const page = { ...actor(erik), limit: 2 };
  const first = world.run("conversation.list", { ...page, after: undefined });
  assert.deepEqual([first.conversations.map((row) => row.conversation), first.more], [
    ids.slice(0, 2),
    true,
  ]);
  const last = world.run("conversation.list", { ...page, after: ids[1] });
  assert.deepEqual([last.conversations.map((row) => row.conversation), last.more], [
    ids.slice(2),
    false,
  ]);
});
