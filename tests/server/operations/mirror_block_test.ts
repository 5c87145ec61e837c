/** A linked server that the operator has blocked: nothing goes there or comes from there, and the others go on. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { actor } from "../../contract/world.ts";
import { creation } from "./group_world.ts";
import {
  converse,
  deliver,
  exchange,
  link,
  linkedWorlds,
  sameState,
  type Side,
} from "./linked_worlds.ts";

const three = { names: ["alpha", "beta", "gamma"] };

linkedWorlds("a blocked server gets nothing, and the others go on without it", (...sides) => {
  const [alpha, beta, gamma] = sides as [Side, Side, Side];
  const [ann, amy, bob, gil] = [
    alpha.register("ann"),
    alpha.register("amy"),
    beta.register("bob"),
    gamma.register("gil"),
  ];
  const pair = converse(alpha, ann, beta, [bob]);
  const theirs = converse(beta, bob, alpha, [amy]);
  alpha.learn(ann, gamma, [gil]);
  const group: string = crypto.randomUUID();
  const people = [ann, bob, gil] as const;
  alpha.world.ok("conversation.create", creation(alpha.world, group, { people }));
  exchange(...sides);
  for (const [side, person] of [[beta, bob], [gamma, gil]] as const) {
    side.world.ok("conversation.answer", {
      ...actor(person),
      conversation: group,
      answer: "accept",
    });
  }
  exchange(...sides);

  // Something waits for it, which is dropped; and something of its own is on its way.
  alpha.world.send(ann, pair);
  beta.world.send(bob, theirs);
  ok(alpha.queued(beta) > 0);
  const peer = alpha.keyOf(beta);
  strictEqual(alpha.world.ok("peer.block", { peer }).dropped > 0, true);
  strictEqual(alpha.queued(beta), 0);

  const items = beta.waiting(alpha);
  strictEqual(alpha.world.code("peer.receive", { peer, items }), "peer_unknown");
  const { certificate } = bob;
  strictEqual(alpha.world.code("peer.party", { peer, certificate }), "peer_unknown");
  // A conversation of two has nobody to write to; a group has.
  strictEqual(alpha.world.code("message.send", alpha.world.message(ann, pair)), "server_blocked");
  alpha.world.send(ann, group);
  alpha.world.send(ann, group);
  exchange(alpha, gamma);
  deepStrictEqual(gamma.world.read(gil, group).length, 3);
  // Nobody of it is brought in anywhere.
  const more = creation(alpha.world, crypto.randomUUID(), { people: [amy, bob] });
  strictEqual(alpha.world.code("conversation.create", more), "server_blocked");
  // What own people decide about its conversations does not wait either.
  alpha.world.ok("conversation.answer", { ...actor(amy), conversation: theirs, answer: "decline" });
  strictEqual(alpha.queued(beta), 0);

  strictEqual(alpha.world.code("peer.unblock", { peer: alpha.keyOf(gamma) }), "not_found");
  alpha.world.ok("peer.unblock", { peer });
  link(alpha, beta);
  exchange(...sides);
  for (const id of [pair, group]) sameState(alpha, beta, id);
  // What its people had written meanwhile comes; what it did not get is known to be lost.
  strictEqual(
    alpha.world.conversation(amy, theirs).head,
    beta.world.conversation(bob, theirs).head,
  );
  ok((beta.world.conversation(bob, group).lost ?? 0) > 0);
  alpha.world.send(ann, pair);
  exchange(...sides);
  strictEqual(beta.world.conversation(bob, pair).head, alpha.world.conversation(ann, pair).head);
  strictEqual(deliver(alpha, beta), 0);
}, three);

linkedWorlds(
  "a server that was never met can be kept out, and is not let in by forgiving it",
  (alpha) => {
    const { world } = alpha;
    const facts = { identity: null, name: undefined, declared: "", address: null } as const;
    const fingerprint = "ab".repeat(32);
    const added = world.ok("peer.add", {
      fingerprint,
      ...facts,
      pin: "fingerprint",
      blocked: true,
    });
    strictEqual(added.peer.state, "blocked");
    const again = { fingerprint, ...facts, declared: "nice", pin: "incoming" } as const;
    strictEqual(world.code("peer.add", again), "peer_duplicate");
    world.ok("peer.unblock", { peer: added.peer.peer });
    const { peers } = world.run("peer.list", {});
    strictEqual(peers.find((each) => each.fingerprint === fingerprint)?.state, "paused");
  },
);
