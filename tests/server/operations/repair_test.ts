import assert from "node:assert/strict";
import { noChange } from "../../../lib/base/membership.ts";
import { mlsLimits } from "../../../lib/base/limits.ts";
import type { Input } from "../../../server/operations/contract.ts";
import { actor, everyBackend, type Person, randomKey, type World } from "../../contract/world.ts";

const hour = 60 * 60 * 1000;

/** The refusal of a commit by a person. */
function refusal(
  person: Person,
  commit: Input<"conversation.commit">,
): Input<"conversation.refuse"> {
  const { conversation, epoch, hash, incarnation = 0 } = commit;
  const about = { conversation, epoch, hash, incarnation };
  return { ...actor(person), ...about, reason: "invalid", signature: randomKey() };
}

/** A conversation of erik with sam's two devices, in which erik has committed. */
function committed(world: World, change: Partial<Input<"conversation.commit">> = {}) {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const conversation = world.converse(erik, sam, phone);
  const commit = world.commit(erik, conversation, change);
  world.ok("conversation.commit", commit);
  return { erik, sam, phone, conversation, commit };
}

everyBackend(
  "a commit that two devices refuse is taken back, and everybody is told by whom",
  (world) => {
    const { erik, sam, phone, conversation, commit } = committed(world);
    const first = refusal(sam, commit);
    assert.deepEqual(world.ok("conversation.refuse", first), {
      ok: true,
      rolledBack: false,
      others: 1,
    });
    assert.equal(world.conversation(erik, conversation).epoch, 2);
    const second = refusal(phone, commit);
    assert.deepEqual(world.ok("conversation.refuse", second), {
      ok: true,
      rolledBack: true,
      others: 0,
    });
    const told = world.told("log").flatMap(({ devices }) => devices);
    assert.deepEqual(told.sort(), [erik, sam, phone].map(({ device }) => device).sort());
    const listed = world.conversation(erik, conversation);
    assert.deepEqual([listed.epoch, listed.incarnation, listed.head], [1, 1, 3]);
    for (const person of [erik, sam, phone]) {
      const row = world.read(person, conversation).at(-1);
      assert(row?.type === "rollback");
      assert.equal(row.device, erik.device);
      assert.deepEqual([row.seq, row.epoch, row.incarnation, row.hash], [3, 1, 1, commit.hash]);
      assert.deepEqual(row.refusals.map(({ device, signature }) => [device, signature]), [
        [sam.device, first.signature],
        [phone.device, second.signature],
      ]);
    }
    const info = world.ok("conversation.info", { ...actor(sam), conversation });
    assert.deepEqual([info.epoch, info.incarnation, info.groupInfo[0]], [1, 1, 3]);
  },
);

everyBackend("the same refusal again gets the same answer and counts once", (world) => {
  const { sam, phone, commit, conversation } = committed(world);
  const first = refusal(sam, commit);
  const answer = world.ok("conversation.refuse", first);
  assert.deepEqual(world.ok("conversation.refuse", first), answer);
  assert.deepEqual(
    world.ok("conversation.refuse", { ...first, signature: randomKey() }),
    answer,
  );
  world.ok("conversation.refuse", refusal(phone, commit));
  for (const person of [sam, phone]) {
    assert.equal(world.ok("conversation.refuse", refusal(person, commit)).rolledBack, true);
  }
  assert.equal(world.conversation(sam, conversation).head, 3);
});

everyBackend(
  "a commit that was taken back stays refused, and the epoch is open to others",
  (world) => {
    const { erik, sam, phone, conversation, commit } = committed(world);
    const accepted = world.ok("conversation.commit", commit);
    world.ok("conversation.refuse", refusal(sam, commit));
    assert.deepEqual(world.ok("conversation.commit", commit), accepted);
    world.ok("conversation.refuse", refusal(phone, commit));
    assert.equal(world.code("conversation.commit", commit), "commit_refused");
    assert.equal(
      world.code("conversation.commit", { ...commit, incarnation: 1 }),
      "commit_refused",
    );
    // Built on the state from before, but by somebody who has not heard of it.
    const unaware = world.commit(sam, conversation);
    assert.equal(world.code("conversation.commit", unaware), "epoch_conflict");
    const next = world.commit(erik, conversation, { incarnation: 1 });
    assert.equal(world.ok("conversation.commit", next).epoch, 2);
  },
);

everyBackend(
  "messages of the epoch that is gone are refused, and may be sent again under their ids",
  (world) => {
    const { erik, sam, phone, conversation, commit } = committed(world);
    const early = world.message(sam, conversation, { epoch: 1 });
    const dead = world.message(erik, conversation, { epoch: 2 });
    world.ok("message.send", early);
    const before = world.ok("message.send", dead);
    world.ok("conversation.refuse", refusal(sam, commit));
    world.ok("conversation.refuse", refusal(phone, commit));
    assert.equal(
      world.code("message.send", world.message(erik, conversation, { epoch: 2 })),
      "epoch_conflict",
    );
    assert.equal(world.code("message.send", world.message(erik, conversation)), "epoch_conflict");
    const again = world.ok("message.send", { ...dead, epoch: 1, incarnation: 1 });
    assert.ok(again.seq > before.seq);
    world.ok("conversation.commit", world.commit(erik, conversation, { incarnation: 1 }));
    // The epoch has the same number, but is another one.
    const late = world.message(erik, conversation, { epoch: 2 });
    assert.equal(world.code("message.send", late), "epoch_conflict");
    assert.equal(world.code("message.send", { ...late, incarnation: 1 }), "ok");
  },
);

everyBackend("whom the commit let in is out again, and whom it removed is in", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const [phone, watch] = [world.enrol(sam), world.enrol(sam)];
  const tablet = world.enrol(erik);
  const conversation = world.converse(erik, sam, phone, watch);
  const change = { add: [actor(tablet)], remove: [watch.device] };
  const commit = world.commit(erik, conversation, change);
  world.ok("conversation.commit", commit);
  // The removed one has got its last row and has given up its seat.
  world.ack(watch, conversation, 2);
  world.ok("conversation.refuse", refusal(sam, commit));
  world.ok("conversation.refuse", refusal(phone, commit));
  const { roster } = world.ok("conversation.info", { ...actor(erik), conversation });
  assert.deepEqual(
    roster.map(({ device }) => device).sort(),
    [erik, sam, phone, watch].map(({ device }) => device).sort(),
  );
  const sent = world.message(tablet, conversation, { incarnation: 1 });
  assert.equal(world.code("message.send", sent), "not_a_member");
  assert.deepEqual(world.read(tablet, conversation).map(({ type }) => type), [
    "welcome",
    "rollback",
  ]);
  assert.deepEqual(world.read(watch, conversation).map(({ type }) => type), ["rollback"]);
  world.send(erik, conversation, { incarnation: 1 });
  assert.equal(world.read(watch, conversation).at(-1)?.type, "message");
  assert.equal(world.read(tablet, conversation).at(-1)?.type, "rollback");
});

everyBackend("a removal that the commit had done waits again", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const [phone, watch, gone] = [world.enrol(sam), world.enrol(sam), world.enrol(sam)];
  const conversation = world.converse(erik, sam, phone, watch, gone);
  world.revoke(sam, gone);
  const commit = world.commit(erik, conversation, { remove: [gone.device] });
  world.ok("conversation.commit", commit);
  world.ok("conversation.refuse", refusal(sam, commit));
  world.ok("conversation.refuse", refusal(phone, commit));
  assert.deepEqual(world.conversation(erik, conversation).removals, [gone.device]);
  const without = world.commit(erik, conversation, { incarnation: 1 });
  assert.equal(world.code("conversation.commit", without), "removals_pending");
  const change = { incarnation: 1, remove: [gone.device] };
  assert.equal(world.code("conversation.commit", world.commit(erik, conversation, change)), "ok");
});

everyBackend(
  "a device that joined by itself stays in the group as it was, and keeps its place in the log",
  (world) => {
    const { erik, sam, phone, conversation } = committed(world);
    world.send(erik, conversation, { epoch: 2 });
    world.ack(sam, conversation, 3);
    const resync = world.commit(sam, conversation, {
      epoch: 2,
      external: true,
      remove: [sam.device],
    });
    world.ok("conversation.commit", resync);
    world.ok("conversation.refuse", refusal(erik, resync));
    world.ok("conversation.refuse", refusal(phone, resync));
    assert.deepEqual(world.read(sam, conversation).map(({ seq, type }) => [seq, type]), [
      [5, "rollback"],
    ]);
    assert.equal(
      world.code("message.send", world.message(sam, conversation, { epoch: 2, incarnation: 1 })),
      "ok",
    );
  },
);

everyBackend(
  "only the latest commit can be refused, soon, and not by its committer or whom it let in",
  (world) => {
    const { erik, sam, phone, conversation, commit } = committed(world);
    const tablet = world.enrol(erik);
    assert.equal(world.code("conversation.refuse", refusal(erik, commit)), "not_a_member");
    assert.equal(world.code("conversation.refuse", refusal(tablet, commit)), "not_a_member");
    const other = { ...refusal(sam, commit), hash: randomKey() };
    assert.equal(world.code("conversation.refuse", other), "epoch_conflict");
    assert.equal(
      world.code("conversation.refuse", { ...refusal(sam, commit), incarnation: 1 }),
      "epoch_conflict",
    );
    const adding = world.commit(erik, conversation, { epoch: 2, add: [actor(tablet)] });
    world.ok("conversation.commit", adding);
    assert.equal(world.code("conversation.refuse", refusal(sam, commit)), "epoch_conflict");
    assert.equal(world.code("conversation.refuse", refusal(tablet, adding)), "not_a_member");
    world.now += mlsLimits.refusalWindowMs + 1;
    assert.equal(world.code("conversation.refuse", refusal(phone, adding)), "epoch_too_old");
  },
);

everyBackend("the one other device hears that nobody can second it", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  const commit = world.commit(erik, conversation);
  world.ok("conversation.commit", commit);
  assert.equal(world.ok("conversation.refuse", refusal(sam, commit)).others, 0);
});

everyBackend("members who refuse everything hold a conversation up only so often", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const conversation = world.converse(erik, sam, phone);
  let incarnation = 0;
  for (; incarnation < mlsLimits.rollbacksPerDay; incarnation++) {
    const commit = world.commit(erik, conversation, { incarnation });
    world.ok("conversation.commit", commit);
    world.ok("conversation.refuse", refusal(sam, commit));
    assert.equal(world.ok("conversation.refuse", refusal(phone, commit)).rolledBack, true);
  }
  const commit = world.commit(erik, conversation, { incarnation });
  world.ok("conversation.commit", commit);
  world.ok("conversation.refuse", refusal(sam, commit));
  assert.equal(world.code("conversation.refuse", refusal(phone, commit)), "rate_limited");
  assert.equal(world.conversation(erik, conversation).epoch, 2);
  world.now += 23 * hour;
  assert.equal(world.code("conversation.refuse", refusal(phone, commit)), "rate_limited");
});

everyBackend("refusals that nobody seconds are limited for each device", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const conversation = world.converse(erik, sam, phone);
  for (let epoch = 1; epoch <= mlsLimits.refusalsPerDay; epoch++) {
    const commit = world.commit(erik, conversation, { epoch });
    world.ok("conversation.commit", commit);
    world.ok("conversation.refuse", refusal(sam, commit));
  }
  const commit = world.commit(erik, conversation, { epoch: mlsLimits.refusalsPerDay + 1 });
  world.ok("conversation.commit", commit);
  assert.equal(world.code("conversation.refuse", refusal(sam, commit)), "rate_limited");
});

function recreation(
  world: World,
  [creator, ...others]: readonly [Person, ...Person[]],
  conversation: string,
): Input<"conversation.recreate"> {
  const { commit, welcome, groupInfo } = world.creation(conversation, [creator, ...others]);
  const roster = [creator, ...others].map(actor);
  const about = { conversation, incarnation: 0, hash: randomKey(), roster };
  return { ...actor(creator), ...about, membership: noChange, commit, welcome, groupInfo };
}

everyBackend(
  "a group is made anew in its conversation; nothing of the old one is taken any more",
  (world) => {
    const { erik, sam, phone, conversation } = committed(world);
    world.send(erik, conversation, { epoch: 2 });
    const input = recreation(world, [sam, erik], conversation);
    const made = world.ok("conversation.recreate", input);
    assert.deepEqual([made.seq, made.epoch, made.incarnation], [4, 1, 1]);
    assert.deepEqual(world.ok("conversation.recreate", input), made);
    // What was not read before comes first, then the way into the new group.
    assert.deepEqual(world.read(erik, conversation).map(({ type }) => type), ["welcome"]);
    assert.deepEqual(world.read(phone, conversation).map(({ type }) => type), [
      "welcome",
      "commit",
      "message",
      "recreated",
    ]);
    const old = world.message(erik, conversation, { epoch: 1 });
    assert.equal(world.code("message.send", old), "epoch_conflict");
    assert.equal(
      world.code("conversation.commit", world.commit(erik, conversation)),
      "epoch_conflict",
    );
    assert.equal(world.code("message.send", { ...old, incarnation: 1 }), "ok");
    const join = world.commit(phone, conversation, { incarnation: 1, external: true });
    assert.equal(world.code("conversation.commit", join), "ok");
  },
);

everyBackend(
  "of two who make a group anew the first wins, and it can be done only so often",
  (world) => {
    const { erik, sam, phone, conversation } = committed(world);
    const eve = world.register("eve");
    const first = recreation(world, [sam, erik, phone], conversation);
    const second = recreation(world, [erik, sam, phone], conversation);
    const foreign = recreation(world, [erik, eve], conversation);
    assert.equal(world.code("conversation.recreate", foreign), "roster_mismatch");
    const stranger = recreation(world, [eve, sam], conversation);
    assert.equal(world.code("conversation.recreate", stranger), "no_such_conversation");
    world.ok("conversation.recreate", first);
    assert.equal(world.code("conversation.recreate", second), "epoch_conflict");
    for (let incarnation = 1; incarnation < mlsLimits.recreationsPerDay; incarnation++) {
      const again = recreation(world, [sam, erik, phone], conversation);
      world.ok("conversation.recreate", { ...again, incarnation });
    }
    const more = { ...second, hash: randomKey(), incarnation: mlsLimits.recreationsPerDay };
    assert.equal(world.code("conversation.recreate", more), "rate_limited");
    world.now += 25 * hour;
    assert.equal(world.code("conversation.recreate", more), "ok");
  },
);

everyBackend(
  "what waits for an account is counted right after a commit was taken back",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const [phone, watch] = [world.enrol(sam), world.enrol(sam)];
    const conversation = world.converse(erik, sam, phone, watch);
    const commit = world.commit(erik, conversation, { remove: [watch.device] });
    world.ok("conversation.commit", commit);
    world.send(erik, conversation, { epoch: 2 });
    world.ok("conversation.refuse", refusal(sam, commit));
    world.ok("conversation.refuse", refusal(phone, commit));
    for (const person of [sam, phone, watch, erik]) {
      world.ack(person, conversation, world.conversation(person, conversation).head);
    }
    const account = world.backend.tables.accounts.byId(sam.account);
    assert.equal(world.backend.tables.accounts.queued(account?.key ?? 0), 0);
    assert.deepEqual(world.stored(conversation), []);
  },
);
