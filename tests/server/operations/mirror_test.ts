/** Conversations of two servers, at the level of operations: what one server orders the other follows. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { actor, randomKey } from "../../contract/world.ts";
import { as, change, creation } from "./group_world.ts";
import {
  converse,
  exchange,
  handed,
  linkedWorlds,
  sameState,
  type Somebody,
} from "./linked_worlds.ts";

linkedWorlds(
  "a conversation with somebody of another server is there as if it were local",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    const [welcome] = beta.world.read(bob, id);
    ok(welcome?.type === "welcome");
    strictEqual(welcome.roster.length, 2);
    strictEqual(welcome.bytes.length, 1);
    const row = beta.world.conversation(bob, id);
    deepStrictEqual(row.members.map(({ name }) => name).toSorted(), ["ann@alpha", "bob"]);
    deepStrictEqual([row.hub, row.head, row.epoch, row.state], ["alpha", 1, 1, "request"]);
    strictEqual(alpha.world.conversation(ann, id).hub, undefined);
    sameState(alpha, beta, id);
    // The same pair again: whichever server is asked.
    strictEqual(
      alpha.world.code(
        "conversation.create",
        alpha.world.creation(crypto.randomUUID(), [ann, bob]),
      ),
      "conversation_exists",
    );
    beta.learn(bob, alpha, [ann]);
    strictEqual(
      beta.world.code("conversation.create", beta.world.creation(crypto.randomUUID(), [bob, ann])),
      "conversation_exists",
    );
  },
);

linkedWorlds(
  "messages are read, counted and acknowledged where people are, and their senders hear of it",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
    exchange(alpha, beta);
    const seq = alpha.world.send(ann, id);
    const reached = () =>
      alpha.world.conversation(ann, id).members.find(({ name }) => name === "bob@beta")?.reached;
    strictEqual(reached(), 1);
    deepStrictEqual(alpha.kinds(beta), ["message"]);
    exchange(alpha, beta);
    strictEqual(reached(), seq);
    deepStrictEqual(beta.world.read(bob, id, 1).map((row) => [row.type, row.seq, row.account]), [
      ["message", 2, ann.account],
    ]);
    const row = beta.world.conversation(bob, id);
    strictEqual(row.unread, 1);
    deepStrictEqual(
      beta.world.notifications(bob).filter(({ kind }) => kind === "message")
        .map(({ from, count }) => [from, count]),
      [["ann@alpha", 1]],
    );
    beta.world.ack(bob, id, seq);
    beta.world.markRead(bob, id, seq);
    exchange(alpha, beta);
    const told = alpha.world.conversation(ann, id).members.find(({ name }) => name === "bob@beta");
    deepStrictEqual([told?.delivered, told?.read], [seq, seq]);
    deepStrictEqual([alpha.world.stored(id), beta.world.stored(id)], [[], []]);
    // And the other way: the hub carries out what bob's server hands on.
    const back = handed(alpha, beta, "message.send", alpha.world.message(bob, id));
    ok(back.ok);
    exchange(alpha, beta);
    deepStrictEqual(alpha.world.read(ann, id, seq).map(({ account }) => account), [bob.account]);
    strictEqual(alpha.world.conversation(ann, id).unread, 1);
    strictEqual(beta.world.conversation(bob, id).unread, 0);
    strictEqual(beta.world.conversation(bob, id).head, back.seq);
    alpha.world.ack(ann, id, back.seq);
    alpha.world.markRead(ann, id, back.seq);
    exchange(alpha, beta);
    const seen = beta.world.conversation(bob, id).members.find(({ name }) => name === "ann@alpha");
    deepStrictEqual([seen?.delivered, seen?.read, seen?.reached], [back.seq, back.seq, back.seq]);
    deepStrictEqual([alpha.world.stored(id), beta.world.stored(id)], [[], []]);
  },
);

linkedWorlds("receipts of a busy hour become few items", (alpha, beta) => {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  exchange(alpha, beta);
  for (let seq = 2; seq < 50; seq++) {
    alpha.world.send(ann, id);
    while (alpha.queued(beta) > 0) exchange(alpha, beta);
    beta.world.ack(bob, id, seq);
  }
  // What is not yet confirmed is not said twice, and what was said meanwhile is said once.
  const again = alpha.world.conversation(ann, id).members.find(({ name }) => name === "bob@beta");
  strictEqual(again?.delivered, 48);
  for (let seq = 50; seq < 60; seq++) {
    alpha.world.send(ann, id);
    alpha.world.run("peer.list", {});
  }
  exchange(alpha, beta);
  for (let seq = 50; seq < 60; seq++) beta.world.ack(bob, id, seq);
  deepStrictEqual(beta.kinds(alpha), ["receipts"]);
});

linkedWorlds(
  "a group of two servers: joining, leaving, removing, changing roles, on either side",
  (alpha, beta) => {
    const [ann, carl] = [alpha.register("ann"), alpha.register("carl")];
    const [bob, dora] = [beta.register("bob"), beta.register("dora")];
    alpha.learn(ann, beta, [bob, dora]);
    const id: string = crypto.randomUUID();
    alpha.world.ok("conversation.create", creation(alpha.world, id, { people: [ann, carl] }));
    exchange(alpha, beta);
    strictEqual(beta.world.run("conversation.list", list(bob)).conversations.length, 0);
    strictEqual(alpha.queued(beta), 0);

    // The server of whoever comes in begins to follow with the commit that adds them.
    const add = (epoch: number, people: Somebody[]) =>
      alpha.world.ok(
        "conversation.commit",
        alpha.world.commit(ann, id, {
          epoch,
          add: people.map(actor),
          membership: change({ add: people.map((each) => as(each)) }),
        }),
      );
    add(1, [bob, dora]);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(beta.world.conversation(bob, id).state, "request");
    strictEqual(beta.world.read(dora, id)[0]?.type, "welcome");
    for (const person of [bob, dora]) {
      beta.world.ok("conversation.answer", {
        ...actor(person),
        conversation: id,
        answer: "accept",
      });
    }
    exchange(alpha, beta);

    // Roles, and a commit by a member of the other server.
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { epoch: 2, membership: change({ roles: [as(bob, "admin")] }) }),
    );
    exchange(alpha, beta);
    strictEqual(
      beta.world.conversation(dora, id).members.find(({ name }) => name === "bob")?.role,
      "admin",
    );
    const removal = alpha.world.commit(bob, id, {
      epoch: 3,
      remove: [carl.device],
      membership: change({ remove: [carl.account] }),
    });
    ok(handed(alpha, beta, "conversation.commit", removal).ok);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    const last = alpha.world.read(carl, id).at(-1);
    ok(last?.type === "commit" && last.account === bob.account);

    // Somebody of the other server leaves: its request is handed on, and everybody learns of it.
    ok(handed(alpha, beta, "conversation.leave", { ...actor(dora), conversation: id }).ok);
    exchange(alpha, beta);
    strictEqual(beta.world.conversation(dora, id).state, "left");
    deepStrictEqual(beta.world.conversation(bob, id).removals, [dora.device]);
    deepStrictEqual(alpha.world.conversation(ann, id).leaving, [dora.account]);
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, {
        epoch: 4,
        remove: [dora.device],
        membership: change({ remove: [dora.account] }),
      }),
    );
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(beta.world.read(dora, id).at(-1)?.type, "commit");
    beta.world.ack(dora, id, beta.world.conversation(bob, id).head);
    strictEqual(beta.world.run("conversation.list", list(dora)).conversations.length, 0);

    // With the last member of the other server its following ends.
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, {
        epoch: 5,
        remove: [bob.device],
        membership: change({ remove: [bob.account] }),
      }),
    );
    exchange(alpha, beta);
    strictEqual(beta.world.read(bob, id).at(-1)?.type, "commit");
    alpha.world.send(ann, id, { epoch: 6 });
    strictEqual(alpha.queued(beta), 0);
    beta.world.ack(bob, id, 99);
    strictEqual(beta.world.backend.tables.conversations.byId(id), undefined);

    // And begins again when somebody comes back.
    add(6, [bob]);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(beta.world.read(bob, id)[0]?.type, "welcome");
  },
);

linkedWorlds(
  "a device that enters anew still gets what it had not got, from its own server",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    beta.world.ack(bob, id, 1);
    const seq = alpha.world.send(ann, id);
    exchange(alpha, beta);
    const info = beta.world.run("conversation.info", { ...actor(bob), conversation: id });
    ok(!info.ok && info.code === "elsewhere");
    strictEqual(info.own?.after, 1);
    const anew = alpha.world.commit(bob, id, { external: true, remove: [bob.device] });
    ok(handed(alpha, beta, "conversation.commit", anew).ok);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    deepStrictEqual(beta.world.read(bob, id).map((row) => [row.type, row.seq]), [["message", seq]]);
  },
);

function list(person: Somebody) {
  return { ...actor(person), after: undefined, limit: 50 };
}

linkedWorlds(
  "devices are added, enter by themselves and are revoked on either side",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    const [ann2, bob2] = [alpha.enrol(ann), beta.enrol(bob)];
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { epoch: 1, add: [actor(ann2)] }),
    );
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    // The hub learns of the other server's device from its certificate.
    alpha.learn(ann, beta, [bob2]);
    const external = alpha.world.commit(bob2, id, { epoch: 2, external: true });
    ok(handed(alpha, beta, "conversation.commit", external).ok);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(beta.world.read(bob2, id).length, 0);
    // What ann's two devices say goes to both of bob's.
    alpha.world.send(ann2, id, { epoch: 3 });
    exchange(alpha, beta);
    for (const device of [bob, bob2]) {
      strictEqual(beta.world.read(device, id).at(-1)?.device, ann2.device);
    }
    beta.revoke(bob, bob2);
    exchange(alpha, beta);
    deepStrictEqual(alpha.world.conversation(ann, id).removals, [bob2.device]);
    deepStrictEqual(beta.world.conversation(bob, id).removals, [bob2.device]);
    ok(!handed(alpha, beta, "message.send", alpha.world.message(bob2, id, { epoch: 3 })).ok);
    alpha.revoke(ann, ann2);
    exchange(alpha, beta);
    deepStrictEqual(
      beta.world.conversation(bob, id).removals.toSorted(),
      [ann2.device, bob2.device].toSorted(),
    );
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { epoch: 3, remove: [ann2.device, bob2.device] }),
    );
    exchange(alpha, beta);
    sameState(alpha, beta, id);
  },
);

linkedWorlds(
  "a commit that is taken back, and a group made anew, are the same on both",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    const [ann2, bob2] = [alpha.enrol(ann), beta.enrol(bob)];
    alpha.learn(ann, beta, [bob2]);
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { epoch: 1, add: [actor(ann2), actor(bob2)] }),
    );
    const bad = alpha.world.commit(ann, id, { epoch: 2 });
    alpha.world.ok("conversation.commit", bad);
    exchange(alpha, beta);
    const refusal = (person: Somebody) => ({
      ...actor(person),
      conversation: id,
      incarnation: 0,
      epoch: 2,
      hash: bad.hash,
      reason: "invalid" as const,
      signature: randomKey() + randomKey(),
    });
    for (const device of [bob, bob2]) {
      ok(
        handed(alpha, beta, "conversation.refuse", { ...refusal(device), signature: sixtyFour }).ok,
      );
    }
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    const row = beta.world.read(bob, id).at(-1);
    ok(row?.type === "rollback" && row.roster.length === 4 && row.refusals.length === 2);
    strictEqual(mlsLimits.refusalsToRollBack, 2);
    const anew = {
      ...alpha.world.commit(bob, id, { add: [actor(ann)] }),
      incarnation: 1,
      roster: [actor(bob), actor(ann)],
    };
    const made = handed(alpha, beta, "conversation.recreate", anew);
    ok(made.ok && made.incarnation === 2);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(alpha.world.read(ann, id).at(-1)?.type, "welcome");
    strictEqual(beta.world.read(bob2, id).at(-1)?.type, "recreated");
  },
);

/** 64 bytes. */
const sixtyFour = "A".repeat(86);

linkedWorlds("a commit that is larger than an item goes in pieces", (alpha, beta) => {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  alpha.learn(ann, beta, [bob]);
  const id = crypto.randomUUID();
  const [commit, welcome] = [300_000, 700_001].map((length) => filled(length));
  const made = alpha.world.creation(id, [ann, bob]);
  alpha.world.ok("conversation.create", {
    ...made,
    commit: commit ?? made.commit,
    welcome: welcome ?? made.welcome,
  });
  ok(alpha.kinds(beta).filter((kind) => kind === "part").length > 2);
  exchange(alpha, beta);
  const [row] = beta.world.read(bob, id);
  ok(row?.type === "welcome");
  deepStrictEqual(row.bytes, welcome);
  sameState(alpha, beta, id);
});

function filled(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
}
