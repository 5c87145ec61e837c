/** How long what is said between two servers stays on either of them, and in what waits between them. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor } from "../../contract/world.ts";
import {
  converse,
  exchange,
  link,
  linkedWorlds,
  sameState,
  type Side,
  type Somebody,
} from "./linked_worlds.ts";

const day = 24 * 60 * 60 * 1000;
const keptDays = serverLimits.messageRetentionMs / day;

function both(alpha: Side, beta: Side): { ann: Somebody; bob: Somebody; id: string } {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
  exchange(alpha, beta);
  return { ann, bob, id };
}

/** Time passes on both; the one that forgets looks. */
function later(sides: readonly Side[], ms: number): void {
  for (const { world } of sides) {
    world.now += ms;
    world.run("retention.run", {});
  }
}

const bytes = new Uint8Array(1000).fill(7);
const sizes = (side: Side, person: Somebody, id: string) =>
  side.world.read(person, id).filter(({ type }) => type === "message")
    .map(({ bytes }) => bytes.length);
const bytesWaiting = (side: Side) =>
  side.world.run("peer.list", {}).peers.map(({ queued, queuedBytes }) => [queued, queuedBytes]);

linkedWorlds(
  "a message with a time of its own is forgotten then on both servers, whichever of them has it",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    alpha.world.send(ann, id, { keepDays: 1, bytes });
    exchange(alpha, beta);
    alpha.world.send(ann, id, { bytes });
    exchange(alpha, beta);
    later([alpha, beta], day - 1);
    deepStrictEqual(sizes(beta, bob, id), [1000, 1000]);
    later([alpha, beta], 1);
    deepStrictEqual(sizes(beta, bob, id), [0, 1000]);
    strictEqual(beta.world.conversation(bob, id).unread, 1);
    sameState(alpha, beta, id);
  },
);

linkedWorlds("and also in what waits for a server that is away", (alpha, beta) => {
  const { ann, bob, id } = both(alpha, beta);
  alpha.world.send(ann, id, { keepDays: 1, bytes });
  alpha.world.send(ann, id, { keepDays: 7, bytes });
  const [[, before = 0] = []] = bytesWaiting(alpha);
  later([alpha], day);
  deepStrictEqual(bytesWaiting(alpha), [[2, before - 1000]]);
  deepStrictEqual(alpha.waiting(beta).map(({ body }) => body.length), [0, 1000]);
  link(alpha, beta);
  exchange(alpha, beta);
  deepStrictEqual(bytesWaiting(alpha), [[0, 0]]);
  deepStrictEqual(sizes(beta, bob, id), [0, 1000]);
  sameState(alpha, beta, id);
});

linkedWorlds("whether or not the other one had it, the two go on as before", (alpha, beta) => {
  const { ann, bob, id } = both(alpha, beta);
  const streamOf = () => alpha.world.ok("peer.position", { peer: alpha.keyOf(beta) }).stream;
  const before = streamOf();
  for (const arrives of [true, false]) {
    alpha.world.send(ann, id, { keepDays: 1, bytes });
    const items = alpha.waiting(beta);
    // The confirmation is lost with the link.
    if (arrives) beta.world.ok("peer.receive", { peer: beta.keyOf(alpha), items });
    later([alpha], day);
    if (!arrives) {
      const emptied = alpha.waiting(beta);
      beta.world.ok("peer.receive", { peer: beta.keyOf(alpha), items: emptied });
    }
    link(alpha, beta);
    exchange(alpha, beta);
    link(alpha, beta);
  }
  strictEqual(streamOf(), before);
  later([beta], 2 * day);
  deepStrictEqual(sizes(beta, bob, id), [0, 0]);
  strictEqual(beta.world.conversation(bob, id).lost, undefined);
  sameState(alpha, beta, id);
});

linkedWorlds(
  "nothing waits longer for a server than for a person; whoever comes back later learns how things stand",
  (alpha, beta) => {
    const { ann, bob, id } = both(alpha, beta);
    const phone = alpha.enrol(ann);
    alpha.world.ok(
      "conversation.commit",
      alpha.world.commit(ann, id, { add: [actor(phone)] }),
    );
    exchange(alpha, beta);
    alpha.revoke(ann, phone);
    alpha.world.send(ann, id, { epoch: 2, bytes });
    deepStrictEqual(alpha.kinds(beta), ["revoked", "standing", "message"]);
    // In steps: a clock that jumps is not believed.
    for (let days = 0; days < keptDays; days++) later([alpha], day);
    strictEqual(alpha.queued(beta), 3);
    alpha.world.send(ann, id, { epoch: 2, bytes });
    later([alpha], 1);
    deepStrictEqual(alpha.kinds(beta), ["message"]);
    beta.world.now = alpha.world.now;
    link(alpha, beta);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    const { tables } = beta.world.backend;
    strictEqual(typeof tables.devices.anyById(phone.device)?.revokedAt, "number");
    const { lost, head } = beta.world.conversation(bob, id);
    strictEqual(lost, head - 1, "what was sent lately is there");
    alpha.world.send(ann, id, { epoch: 2, bytes });
    exchange(alpha, beta);
    strictEqual(beta.world.read(bob, id).at(-1)?.seq, head + 1);
  },
);
