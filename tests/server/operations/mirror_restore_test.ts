/** What becomes of conversations of two servers when one of them is put back to an older state, or their outbox is full. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { peerLimits } from "../../../lib/base/limits.ts";
import { actor } from "../../contract/world.ts";
import {
  converse,
  exchange,
  handed,
  link,
  linkedWorlds,
  sameState,
  type Side,
  type Somebody,
} from "./linked_worlds.ts";

/** A conversation in which both take part. */
function both(alpha: Side, beta: Side): { ann: Somebody; bob: Somebody; id: string } {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  exchange(alpha, beta);
  return { ann, bob, id };
}

linkedWorlds(
  "a follower that was restored learns how things stand, and says what it has lost",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    beta.save();
    alpha.world.send(ann, id);
    alpha.world.ok("conversation.commit", alpha.world.commit(ann, id));
    exchange(alpha, beta);
    beta.world.ack(bob, id, 4);
    exchange(alpha, beta);
    beta.restore();
    alpha.world.send(ann, id, { epoch: 2 });
    link(alpha, beta);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    const row = beta.world.conversation(bob, id);
    deepStrictEqual([row.head, row.epoch, row.incarnation, row.lost], [5, 2, 0, 4]);
    // What was on its way to it has not gone with what it lost.
    deepStrictEqual(beta.world.read(bob, id).map(({ seq }) => seq), [5]);
    // And goes on from there.
    alpha.world.send(ann, id, { epoch: 2 });
    exchange(alpha, beta);
    strictEqual(beta.world.read(bob, id).at(-1)?.seq, 6);
  },
);

linkedWorlds(
  "of what was on its way to a restored follower nothing counts that came before a commit, or is made up",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    beta.save();
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    beta.restore();
    alpha.world.send(ann, id);
    alpha.world.ok("conversation.commit", alpha.world.commit(ann, id));
    alpha.world.send(ann, id, { epoch: 2 });
    alpha.world.send(ann, id, { epoch: 2 });
    link(alpha, beta);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    deepStrictEqual(beta.world.read(bob, id).map(({ seq }) => seq), [5, 6]);
    strictEqual(beta.world.conversation(bob, id).lost, 4);
    // What is kept of conversations is kept of these rows no longer.
    const { tables } = beta.world.backend;
    deepStrictEqual(tables.following.stashed(tables.conversations.byId(id)?.key ?? 0), []);
  },
);

linkedWorlds(
  "a restored follower that had missed nothing goes on as if nothing had been",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    beta.save();
    beta.restore();
    link(alpha, beta);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    strictEqual(beta.world.conversation(bob, id).lost, undefined);
    deepStrictEqual(beta.world.read(bob, id).map(({ type }) => type), ["welcome", "message"]);
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    strictEqual(beta.world.read(bob, id).length, 3);
  },
);

linkedWorlds("when the hub was restored everybody enters anew, on both servers", (alpha, beta) => {
  const { ann, bob, id } = both(alpha, beta);
  alpha.world.send(ann, id);
  exchange(alpha, beta);
  alpha.save();
  alpha.world.send(ann, id);
  alpha.world.ok("conversation.commit", alpha.world.commit(ann, id));
  exchange(alpha, beta);
  beta.world.ack(bob, id, 4);
  alpha.restore();
  link(alpha, beta);
  exchange(alpha, beta);
  sameState(alpha, beta, id);
  const [last] = beta.world.read(bob, id, 4);
  ok(last?.type === "recreated");
  strictEqual(last.forgotten, 2);
  const own = alpha.world.read(ann, id).at(-1);
  ok(own?.type === "recreated" && own.seq === last.seq && own.incarnation === last.incarnation);
  // Both enter from outside; the conversation goes on.
  const enter = (person: Somebody, epoch: number) => ({
    ...alpha.world.commit(person, id, { epoch, external: true, remove: [person.device] }),
    incarnation: last.incarnation,
  });
  alpha.world.ok("conversation.commit", enter(ann, 1));
  ok(handed(alpha, beta, "conversation.commit", enter(bob, 2)).ok);
  exchange(alpha, beta);
  sameState(alpha, beta, id);
  alpha.world.send(ann, id, { epoch: 3, incarnation: last.incarnation });
  exchange(alpha, beta);
  strictEqual(beta.world.read(bob, id).at(-1)?.type, "message");
});

linkedWorlds(
  "a conversation that a restored hub does not know any more ends on the follower",
  (alpha, beta) => {
    alpha.save();
    const { bob, id } = both(alpha, beta);
    const list = { ...actor(bob), after: undefined, limit: 50 };
    strictEqual(beta.world.run("conversation.list", list).conversations.length, 1);
    alpha.restore();
    link(alpha, beta);
    exchange(alpha, beta);
    strictEqual(beta.world.run("conversation.list", list).conversations.length, 0);
    strictEqual(beta.world.backend.tables.conversations.byId(id), undefined);
  },
);

linkedWorlds(
  "a restored server learns again what its neighbour's people have done",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    alpha.save();
    const bob2 = beta.enrol(bob);
    alpha.learn(ann, beta, [bob2]);
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { epoch: 1, add: [actor(bob2)] }),
    );
    const seq = alpha.world.send(ann, id, { epoch: 2 });
    exchange(alpha, beta);
    beta.world.ack(bob, id, seq);
    beta.world.markRead(bob, id, seq);
    beta.revoke(bob2, bob);
    exchange(alpha, beta);
    deepStrictEqual(alpha.world.conversation(ann, id).removals, [bob.device]);
    alpha.restore();
    link(alpha, beta);
    exchange(alpha, beta);
    // The hub has forgotten that bob's second device came in; that the first is revoked it hears again.
    deepStrictEqual(alpha.world.conversation(ann, id).removals, [bob.device]);
    sameState(alpha, beta, id);
  },
);

/** As if so much waited for beta. */
function fill(alpha: Side, beta: Side, bytes: number): void {
  const { backend } = alpha.world;
  const peer = backend.tables.peers.byKey(alpha.keyOf(beta));
  ok(peer !== undefined);
  backend.begin();
  peer.queuedBytes += bytes;
  backend.tables.peers.save(peer);
  backend.commit();
}

linkedWorlds(
  "a full outbox refuses what would wait in it, and nothing is half done",
  (alpha, beta) => {
    const { ann, id } = both(alpha, beta);
    fill(alpha, beta, peerLimits.queuedBytes);
    const { head, epoch } = alpha.world.conversation(ann, id);
    strictEqual(alpha.world.code("message.send", alpha.world.message(ann, id)), "quota_exceeded");
    strictEqual(
      alpha.world.code("conversation.commit", alpha.world.commit(ann, id)),
      "quota_exceeded",
    );
    const dora = beta.register("dora");
    alpha.learn(ann, beta, [dora]);
    const creation = alpha.world.creation(crypto.randomUUID(), [ann, dora]);
    strictEqual(alpha.world.code("conversation.create", creation), "quota_exceeded");
    const after = alpha.world.conversation(ann, id);
    deepStrictEqual([after.head, after.epoch, alpha.queued(beta)], [head, epoch, 0]);
    fill(alpha, beta, -peerLimits.queuedBytes);
    alpha.world.send(ann, id);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
  },
);

linkedWorlds(
  "in a group those who are there go on, and the server without room catches up later",
  (...sides) => {
    const [alpha, beta, gamma] = sides as [Side, Side, Side];
    const [ann, bob, eve] = [alpha.register("ann"), beta.register("bob"), gamma.register("eve")];
    alpha.learn(ann, beta, [bob]);
    alpha.learn(ann, gamma, [eve]);
    const id: string = crypto.randomUUID();
    alpha.world.ok("conversation.create", group(alpha, id, [ann, bob]));
    exchange(alpha, beta, gamma);
    const carl = alpha.register("carl");
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, {
        add: [actor(carl)],
        membership: { add: [{ account: carl.account, role: "member" }], remove: [], roles: [] },
      }),
    );
    exchange(alpha, beta, gamma);
    fill(alpha, beta, peerLimits.queuedBytes);
    alpha.world.send(ann, id, { epoch: 2 });
    alpha.world.send(carl, id, { epoch: 2 });
    strictEqual(alpha.queued(beta), 0);
    strictEqual(beta.world.conversation(bob, id).head, 2);
    fill(alpha, beta, -peerLimits.queuedBytes);
    // Whatever moves next brings the snapshot.
    const other = alpha.world.backend.tables.peers.byKey(alpha.keyOf(beta));
    ok(other !== undefined);
    converse(alpha, ann, beta, [beta.register("dora")]);
    exchange(alpha, beta, gamma);
    sameState(alpha, beta, id);
    strictEqual(beta.world.conversation(bob, id).lost, 4);
  },
  { names: ["alpha", "beta", "gamma"] },
);

function group(side: Side, id: string, people: readonly Somebody[]) {
  const roles = people.map(({ account }, at) => ({
    account,
    role: at === 0 ? "owner" as const : "member" as const,
  }));
  return {
    ...side.world.creation(id, people),
    kind: "group" as const,
    with: undefined,
    membership: { add: roles, remove: [], roles: [] },
  };
}
