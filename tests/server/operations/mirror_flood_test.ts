/** What a linked server can make this one keep, however much it says. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { peerLimits } from "../../../lib/base/limits.ts";
import { actor } from "../../contract/world.ts";
import { converse, exchange, linkedWorlds, say } from "./linked_worlds.ts";

const many = (count: number, item: () => object) =>
  Array.from({ length: count }, () => ({ item: item() }));

linkedWorlds(
  "of conversations that nobody has heard of only so many are asked for",
  (alpha, beta) => {
    const bob = beta.register("bob");
    const rows = () => ({
      kind: "message",
      conversation: crypto.randomUUID(),
      seq: 1,
      ts: 1,
      epoch: 1,
      device: bob.device,
      message: crypto.randomUUID(),
    });
    say(alpha, beta, ...many(peerLimits.newConversationsPerHour + 50, rows));
    strictEqual(beta.queued(alpha), peerLimits.newConversationsPerHour);
    beta.world.now += 60 * 60 * 1000;
    say(alpha, beta, ...many(1, rows));
    strictEqual(beta.queued(alpha), peerLimits.newConversationsPerHour + 1);
  },
);

linkedWorlds(
  "whoever asks for what there is not fills its own outbox, and no more than that",
  (alpha, beta) => {
    const peer = beta.world.backend.tables.peers.byKey(beta.keyOf(alpha));
    ok(peer !== undefined);
    peer.queued = peerLimits.queuedItems - 3;
    say(
      alpha,
      beta,
      ...many(10, () => ({ kind: "wanted", conversation: crypto.randomUUID() })),
    );
    strictEqual(beta.queued(alpha), peerLimits.queuedItems);
    deepStrictEqual(beta.kinds(alpha), ["end", "end", "end"]);
  },
);

linkedWorlds(
  "a server that has lost everything again and again is told only so often",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta);
    beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
    exchange(alpha, beta);
    const { stream, first } = alpha.world.ok("peer.position", { peer: alpha.keyOf(beta) });
    const greet = () =>
      beta.world.code("peer.linked", {
        peer: beta.keyOf(alpha),
        identity: "A".repeat(43),
        declared: "alpha",
        theirs: { stream, first, received: null },
        lobby: false,
      });
    for (let times = 0; times < peerLimits.toldAnewPerHour; times++) strictEqual(greet(), "ok");
    const before = beta.queued(alpha);
    strictEqual(greet(), "rate_limited");
    strictEqual(beta.queued(alpha), before);
    beta.world.now += 60 * 60 * 1000;
    strictEqual(greet(), "ok");
  },
);

linkedWorlds("a conversation that is told anew again and again has to wait", (alpha, beta) => {
  const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
  converse(alpha, ann, beta, [bob]);
  const snapshot = alpha.waiting(beta).map(({ item }) => JSON.parse(item))
    .find(({ kind }) => kind === "snapshot");
  exchange(alpha, beta);
  const most = peerLimits.replacedPerTenMinutes;
  say(alpha, beta, ...many(most, () => snapshot));
  const received = beta.world.backend.tables.peers.byKey(beta.keyOf(alpha))?.received?.counter ?? 0;
  const next = { counter: received + 1, item: JSON.stringify(snapshot), body: new Uint8Array(0) };
  const offer = () => beta.world.ok("peer.receive", { peer: beta.keyOf(alpha), items: [next] });
  deepStrictEqual(offer(), { ok: true, received, retryAfterMs: 10 * 60 * 1000 });
  beta.world.now += 10 * 60 * 1000;
  strictEqual(offer().received, received + 1);
});
