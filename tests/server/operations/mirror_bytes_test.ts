/** What a message brings back to the server of whoever wrote it. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { actor } from "../../contract/world.ts";
import { as, change, creation } from "./group_world.ts";
import {
  converse,
  exchange,
  handed,
  linkedWorlds,
  sameState,
  type Side,
  type Somebody,
} from "./linked_worlds.ts";

const bytes = new Uint8Array(600).fill(7);

/** Hands on what somebody of `from` writes; the sequence that it gets. */
function write(
  [hub, from]: readonly [hub: Side, from: Side],
  writer: Somebody,
  { id, epoch = 1 }: { readonly id: string; readonly epoch?: number },
): number {
  const message = hub.world.message(writer, id, { bytes, epoch });
  const sent = handed(hub, from, "message.send", message);
  ok(sent.ok);
  return sent.seq;
}

const sizes = (hub: Side, follower: Side) =>
  hub.waiting(follower).filter(({ item }) => JSON.parse(item).kind === "message")
    .map(({ body }) => body.length);

const got = (side: Side, reader: Somebody, id: string) =>
  side.world.read(reader, id).filter(({ type }) => type === "message")
    .map(({ bytes }) => bytes.length);

linkedWorlds(
  "where a message only comes back to the device that wrote it, its bytes stay with the hub",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    const seq = write([alpha, beta], bob, { id });
    deepStrictEqual(sizes(alpha, beta), [0]);
    alpha.world.send(ann, id, { bytes });
    deepStrictEqual(sizes(alpha, beta), [0, 600]);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
    deepStrictEqual(got(alpha, ann, id), [600]);
    deepStrictEqual(got(beta, bob, id), [600]);
    // It is a row like any other to those who count rows.
    const row = beta.world.conversation(bob, id);
    deepStrictEqual([row.head, row.unread], [seq + 1, 1]);
    const seen = alpha.world.conversation(ann, id).members
      .find(({ name }) => name === "bob@beta");
    strictEqual(seen?.reached, seq + 1);
    strictEqual(alpha.queued(beta), 0);
  },
);

linkedWorlds(
  "another device there gets the whole message, also of its own account",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const phone = beta.enrol(bob);
    const id = converse(alpha, ann, beta, [bob, phone]);
    exchange(alpha, beta);
    write([alpha, beta], bob, { id });
    deepStrictEqual(sizes(alpha, beta), [600]);
    exchange(alpha, beta);
    deepStrictEqual([got(beta, phone, id), got(beta, bob, id)], [[600], []]);
    sameState(alpha, beta, id);
  },
);

linkedWorlds("in a group each server gets what its people need", (...sides) => {
  const [alpha, beta, gamma] = sides as [Side, Side, Side];
  const [ann, bob, dora] = [alpha.register("ann"), beta.register("bob"), beta.register("dora")];
  const eve = gamma.register("eve");
  alpha.learn(ann, beta, [bob, dora]);
  alpha.learn(ann, gamma, [eve]);
  const id: string = crypto.randomUUID();
  alpha.world.ok("conversation.create", creation(alpha.world, id, { people: [ann, bob, eve] }));
  exchange(...sides);
  write([alpha, beta], bob, { id });
  deepStrictEqual([sizes(alpha, beta), sizes(alpha, gamma)], [[0], [600]]);
  exchange(...sides);
  // Somebody comes in there: from then on it is for them as well.
  const added = change({ add: [as(dora)] });
  const commit = alpha.world.commit(ann, id, { epoch: 1, add: [actor(dora)], membership: added });
  alpha.world.ok("conversation.commit", commit);
  write([alpha, beta], bob, { id, epoch: 2 });
  deepStrictEqual(sizes(alpha, beta), [600]);
  exchange(...sides);
  deepStrictEqual(got(beta, dora, id), [600]);
  deepStrictEqual(got(gamma, eve, id), [600, 600]);
  for (const side of [beta, gamma]) sameState(alpha, side, id);
}, { names: ["alpha", "beta", "gamma"] });
