/** Conversations of two servers: what people decide, and what there is room for, counts on their own server. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor } from "../../contract/world.ts";
import { creation } from "./group_world.ts";
import { converse, exchange, handed, linkedWorlds, sameState } from "./linked_worlds.ts";

linkedWorlds("whom somebody has blocked cannot reach them from elsewhere either", (alpha, beta) => {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  beta.world.ok("account.block", { ...actor(bob), other: ann.account });
  alpha.world.send(ann, id);
  exchange(alpha, beta);
  deepStrictEqual(beta.world.read(bob, id).map(({ type }) => type), ["welcome"]);
  strictEqual(beta.world.conversation(bob, id).unread, 0);
  beta.world.ack(bob, id, 2);
  exchange(alpha, beta);
  const told = alpha.world.conversation(ann, id).members.find(({ name }) => name === "bob@beta");
  strictEqual(told?.delivered, 0);
  // A hub that brings them in all the same is answered with a refusal, and nothing is delivered.
  const carl = alpha.register("carl");
  alpha.learn(ann, beta, [bob]);
  const group: string = crypto.randomUUID();
  alpha.world.ok("conversation.create", creation(alpha.world, group, { people: [ann, carl, bob] }));
  exchange(alpha, beta);
  strictEqual(
    beta.world.code("log.read", { ...actor(bob), conversation: group, ...everything }),
    "not_a_member",
  );
  deepStrictEqual(alpha.world.conversation(ann, group).leaving, [bob.account]);
});

linkedWorlds("whoever blocks a server hears nobody of it, known or not", (alpha, beta) => {
  const [ann, amy, bob] = [alpha.register("ann"), alpha.register("amy"), beta.register("bob")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  beta.world.ok("account.block", { ...actor(bob), other: ann.account });
  beta.world.ok("server.block", { ...actor(bob), server: "alpha" });
  strictEqual(beta.world.code("server.block", { ...actor(bob), server: "moon" }), "no_such_server");
  const listed = beta.world.run("account.blocks", { ...actor(bob), after: undefined, limit: 9 });
  deepStrictEqual(listed.servers.map(({ server }) => server), ["alpha"]);
  deepStrictEqual(listed.blocked.map(({ name }) => name), ["ann@alpha"]);
  // Somebody who was never seen here.
  const claim = { target: bob.account, conversation: crypto.randomUUID(), limit: 1 };
  const party = beta.world.ok("peer.party", {
    peer: beta.keyOf(alpha),
    certificate: amy.certificate,
  });
  const asker = { account: party.account, device: party.device, peer: beta.keyOf(alpha) };
  strictEqual(beta.world.code("keypackages.claim", { ...asker, ...claim }), "not_accepted");
  const second = converse(alpha, amy, beta, [bob]);
  exchange(alpha, beta);
  strictEqual(beta.world.conversation(bob, second).state, "declined");
  // The one who is blocked by name stays so.
  beta.world.ok("server.unblock", { ...actor(bob), server: "alpha" });
  alpha.world.send(ann, id);
  exchange(alpha, beta);
  strictEqual(beta.world.conversation(bob, id).unread, 0);
  beta.world.ok("account.unblock", { ...actor(bob), other: ann.account });
  alpha.world.send(ann, id);
  exchange(alpha, beta);
  strictEqual(beta.world.conversation(bob, id).unread, 1);
});

const everything = { after: 0, limit: 10, maxBytes: 1000 };

linkedWorlds(
  "a request from another server waits for its answer, which travels back",
  (alpha, beta) => {
    const [ann, bob, dora] = [alpha.register("ann"), beta.register("bob"), beta.register("dora")];
    const first = converse(alpha, ann, beta, [bob], true);
    const second = converse(alpha, ann, beta, [dora], true);
    for (let count = 0; count < 5; count++) alpha.world.send(ann, first);
    strictEqual(
      alpha.world.code("message.send", alpha.world.message(ann, first)),
      "consent_pending",
    );
    exchange(alpha, beta);
    deepStrictEqual(
      beta.world.notifications(bob).map(({ kind, from }) => [kind, from]),
      [["request", "ann@alpha"]],
    );
    beta.world.ok("conversation.answer", { ...actor(bob), conversation: first, answer: "accept" });
    exchange(alpha, beta);
    alpha.world.send(ann, first);
    beta.world.ok("conversation.answer", {
      ...actor(dora),
      conversation: second,
      answer: "decline",
    });
    exchange(alpha, beta);
    alpha.world.send(ann, second);
    exchange(alpha, beta);
    strictEqual(beta.world.conversation(dora, second).state, "declined");
    strictEqual(beta.world.conversation(dora, second).unread, 0);
  },
);

linkedWorlds(
  "a device that is away for long gives up what there is no room for, and is told",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
    exchange(alpha, beta);
    const { backend } = beta.world;
    const conversation = backend.tables.conversations.byId(id);
    const member = conversation?.members.find(({ peer }) => peer === null);
    ok(conversation !== undefined && member !== undefined);
    backend.begin();
    Object.assign(member, { waiting: serverLimits.queuedBytesPerConversation, changed: true });
    backend.tables.conversations.save(conversation);
    backend.commit();
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    const row = beta.world.conversation(bob, id);
    deepStrictEqual([row.lost, row.head], [2, 2]);
  },
);

linkedWorlds("whoever is deleted on one server leaves the groups of another", (alpha, beta) => {
  const [ann, bob, carl] = [alpha.register("ann"), beta.register("bob"), alpha.register("carl")];
  const direct = converse(alpha, ann, beta, [bob]);
  const id: string = crypto.randomUUID();
  alpha.world.ok("conversation.create", creation(alpha.world, id, { people: [ann, carl, bob] }));
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  exchange(alpha, beta);
  beta.world.ok("admin.delete", { name: "bob" });
  exchange(alpha, beta);
  deepStrictEqual(alpha.world.conversation(ann, id).leaving, [bob.account]);
  alpha.world.send(ann, direct);
  exchange(alpha, beta);
  deepStrictEqual([alpha.world.stored(direct), beta.world.stored(direct)], [[], []]);
  alpha.world.ok(
    "conversation.commit",
    alpha.world.commit(ann, id, {
      remove: [bob.device],
      membership: { add: [], remove: [bob.account], roles: [] },
    }),
  );
  exchange(alpha, beta);
  sameState(alpha, beta, id);
  deepStrictEqual(alpha.world.conversation(ann, id).leaving, []);
});

linkedWorlds(
  "two people who begin their conversation on both servers at once have two, and both work",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    alpha.learn(ann, beta, [bob]);
    beta.learn(bob, alpha, [ann]);
    const ids: string[] = [crypto.randomUUID(), crypto.randomUUID()];
    const [first = "", second = ""] = ids;
    alpha.world.ok("conversation.create", alpha.world.creation(first, [ann, bob]));
    beta.world.ok("conversation.create", beta.world.creation(second, [bob, ann]));
    exchange(alpha, beta);
    for (const id of ids) {
      sameState(alpha, beta, id);
      deepStrictEqual(alpha.world.conversation(ann, id).state, "active");
    }
    alpha.world.send(ann, first);
    beta.world.send(bob, second);
    exchange(alpha, beta);
    strictEqual(beta.world.read(bob, first).at(-1)?.type, "message");
    strictEqual(alpha.world.read(ann, second).at(-1)?.type, "message");
    // The one with the smaller id stands for the pair on both; blocking concerns both.
    const smaller = ids.toSorted()[0];
    for (const side of [alpha, beta]) {
      const { accounts, conversations } = side.world.backend.tables;
      const keys = [ann, bob].map(({ account }) => accounts.anyById(account)?.key ?? 0);
      strictEqual(conversations.byPair([keys[0] ?? 0, keys[1] ?? 0])?.id, smaller);
    }
    beta.world.ok("account.block", { ...actor(bob), other: ann.account });
    alpha.world.send(ann, first);
    ok(handed(beta, alpha, "message.send", beta.world.message(ann, second)).ok);
    exchange(alpha, beta);
    for (const id of ids) strictEqual(beta.world.read(bob, id, 2).length, 0);
  },
);
