/** What a linked server that lies, repeats or loses something can do to conversations: nothing beyond its own. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { peerLimits } from "../../../lib/base/limits.ts";
import { actor, randomKey } from "../../contract/world.ts";
import {
  converse,
  exchange,
  link,
  linkedWorlds,
  sameState,
  say,
  type Side,
} from "./linked_worlds.ts";

const message = (id: string, device: string, changes: object = {}) => ({
  item: {
    kind: "message",
    conversation: id,
    seq: 2,
    ts: 1,
    epoch: 1,
    device,
    message: "01900000-0000-7000-8000-000000000001",
    ...changes,
  },
  body: new Uint8Array([1]),
});

const three = { names: ["alpha", "beta", "gamma"] };

linkedWorlds("rows count only from the hub, in order, by devices with a seat", (...sides) => {
  const [alpha, beta, gamma] = sides as [Side, Side, Side];
  const [ann, bob, eve] = [alpha.register("ann"), beta.register("bob"), gamma.register("eve")];
  const id = converse(alpha, ann, beta, [bob]);
  const other = converse(gamma, eve, beta, [bob]);
  exchange(alpha, beta, gamma);
  const head = () => beta.world.conversation(bob, id).head;
  // Another server's conversation.
  say(gamma, beta, message(id, ann.device), message(id, eve.device));
  say(gamma, beta, { item: { kind: "end", conversation: id } });
  say(gamma, beta, {
    item: { kind: "standing", conversation: id, removals: [bob.device], leaving: [bob.account] },
  });
  const receipts = [{ conversation: id, account: ann.account, delivered: 9, read: 9, at: 1 }];
  say(gamma, beta, { item: { kind: "receipts", receipts } });
  strictEqual(head(), 1);
  deepStrictEqual(beta.world.conversation(bob, id).removals, []);
  strictEqual(beta.queued(gamma) + beta.queued(alpha), 0);
  // One that nobody knows here is asked for, within bounds.
  for (let count = 0; count < 100; count++) {
    say(gamma, beta, message("00000000-0000-4000-8000-000000000000", eve.device));
  }
  strictEqual(beta.queued(gamma), peerLimits.snapshotsPerHour);
  // Rows again and rows from before change nothing.
  say(
    alpha,
    beta,
    message(id, ann.device),
    message(id, ann.device),
    message(id, ann.device, { seq: 1 }),
  );
  strictEqual(head(), 2);
  // A device without a seat, or a row from far ahead: from here on the hub has to say how things stand.
  say(alpha, beta, message(id, eve.device, { seq: 3 }), message(id, ann.device, { seq: 3 }));
  strictEqual(head(), 2);
  deepStrictEqual(beta.kinds(alpha), ["wanted"]);
  say(gamma, beta, message(other, eve.device, { seq: Number.MAX_SAFE_INTEGER }));
  strictEqual(beta.world.conversation(bob, other).head, 1);
  // The lies are forgotten with the next snapshot, and both go on.
  link(alpha, beta);
  link(gamma, beta);
  exchange(alpha, beta, gamma);
  sameState(alpha, beta, id);
  sameState(gamma, beta, other);
  ok((beta.world.conversation(bob, id).lost ?? 0) > 0 || head() === 1);
}, three);

linkedWorlds(
  "what a hub says of people is believed only as far as it may speak for them",
  (...sides) => {
    const [alpha, beta, gamma] = sides as [Side, Side, Side];
    const [ann, bob, eve] = [alpha.register("ann"), beta.register("bob"), gamma.register("eve")];
    const id = converse(alpha, ann, beta, [bob]);
    exchange(alpha, beta, gamma);
    // How far people of the receiving server are, only that server knows.
    beta.world.ok("conversation.answer", { ...actor(bob), conversation: id, answer: "accept" });
    const receipts = [{ conversation: id, account: bob.account, delivered: 1, read: 1, at: 1 }];
    say(alpha, beta, { item: { kind: "receipts", receipts } });
    strictEqual(
      beta.world.conversation(bob, id).members.find(({ name }) => name === "bob")?.read,
      0,
    );
    // Nor can another server tell the hub about them, or answer for them.
    say(gamma, alpha, { item: { kind: "receipts", receipts } });
    say(gamma, alpha, {
      item: { kind: "answer", conversation: id, account: bob.account, state: "declined" },
    });
    const told = alpha.world.conversation(ann, id).members.find(({ name }) => name === "bob@beta");
    deepStrictEqual([told?.read, told?.delivered], [0, 0]);
    // Certificates of other servers' people, and of one's own, are not taken from it.
    say(gamma, alpha, { item: { kind: "device", certificate: bob.certificate } });
    say(gamma, alpha, { item: { kind: "device", certificate: ann.certificate } });
    say(gamma, alpha, { item: { kind: "device", certificate: "AAAA" } });
    // Revocations by anybody but the account.
    const forged = issueRevocation({
      accountKey: generateSigningKey(),
      accountId: bob.account,
      deviceKey: generateSigningKey().publicKey,
      revokedAt: 1,
    });
    for (const from of [beta, gamma]) {
      say(from, alpha, { item: { kind: "revoked", revocation: toBase64url(forged.bytes) } });
      say(from, alpha, { item: { kind: "revoked", revocation: "AAAA" } });
    }
    const genuine = issueRevocation({
      accountKey: bob.keys,
      accountId: bob.account,
      deviceKey: keyOf(bob.device),
      revokedAt: 1,
    });
    say(gamma, alpha, { item: { kind: "revoked", revocation: toBase64url(genuine.bytes) } });
    deepStrictEqual(alpha.world.conversation(ann, id).removals, []);
    say(beta, alpha, { item: { kind: "revoked", revocation: toBase64url(genuine.bytes) } });
    deepStrictEqual(alpha.world.conversation(ann, id).removals, [bob.device]);
    // A stranger's server that asks for a conversation learns nothing of it.
    say(gamma, alpha, { item: { kind: "wanted", conversation: id } });
    deepStrictEqual(alpha.kinds(gamma), ["end"]);
    strictEqual(eve.name, "eve");
  },
  three,
);

function keyOf(text: string): Uint8Array {
  return Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (each) => each.charCodeAt(0),
  );
}

linkedWorlds("commits and snapshots that do not fit are left out", (alpha, beta) => {
  const [ann, bob, carl] = [alpha.register("ann"), beta.register("bob"), beta.register("carl")];
  const id = converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  const commit = {
    kind: "commit",
    conversation: id,
    incarnation: 0,
    seq: 2,
    ts: 1,
    epoch: 1,
    device: ann.device,
    hash: randomKey(),
    external: false,
    founds: false,
    add: [],
    remove: [],
    parts: [0, 1, 0],
  };
  const body = new Uint8Array([4]);
  const wrong: object[] = [
    { parts: [0, 1, 1] },
    { parts: [0, 2 ** 52, 2 ** 52] },
    { epoch: 2 },
    { incarnation: 1 },
    { device: randomKey() },
    { add: [randomKey()] },
    { add: [carl.device] },
    { remove: [carl.device] },
    { founds: true, epoch: 0 },
  ];
  for (const each of wrong) {
    say(alpha, beta, { item: { ...commit, ...each }, body });
    const { head, epoch } = beta.world.conversation(bob, id);
    deepStrictEqual([head, epoch], [1, 1]);
    link(alpha, beta);
    exchange(alpha, beta);
    sameState(alpha, beta, id);
  }
  const present = {
    kind: "snapshot",
    conversation: id,
    of: "direct",
    by: ann.account,
    incarnation: 0,
    epoch: 1,
    seq: 1,
    ts: 1,
    members: [ann, bob].map(({ account }) => ({ account, role: "member" })),
    roster: [ann.device, bob.device],
    removals: [],
    leaving: [],
  };
  const impossible: object[] = [
    { seq: 2 ** 28 },
    { seq: Number.MAX_SAFE_INTEGER },
    { members: [{ account: crypto.randomUUID(), role: "member" }] },
    { roster: [randomKey()] },
    { roster: [ann.device, ann.device] },
    { roster: [ann.device, carl.device] },
    { by: crypto.randomUUID() },
    { members: [] },
  ];
  for (const each of impossible) say(alpha, beta, { item: { ...present, ...each } });
  sameState(alpha, beta, id);
  // An own conversation, and an id that was deleted here, are nobody else's to describe.
  const own = beta.world.converse(bob, carl);
  say(alpha, beta, { item: { ...present, conversation: own, seq: 9 } });
  strictEqual(beta.world.conversation(bob, own).head, 1);
  // Pieces without an end go nowhere and take no more room than a commit may.
  for (let count = 0; count < 20; count++) {
    say(alpha, beta, { item: { kind: "part" }, body: new Uint8Array(peerLimits.partBytes) });
  }
  say(alpha, beta, { item: commit, body });
  link(alpha, beta);
  exchange(alpha, beta);
  sameState(alpha, beta, id);
  alpha.world.send(ann, id);
  exchange(alpha, beta);
  sameState(alpha, beta, id);
});

linkedWorlds(
  "a peer begins only so many conversations in an hour, and loses none by it",
  (alpha, beta) => {
    const [ann, bob] = [alpha.register("ann"), beta.register("bob")];
    alpha.learn(ann, beta, [bob]);
    const table = beta.world.backend.tables.attempts;
    beta.world.backend.begin();
    table.set("snapshot", alpha.fingerprint, {
      count: peerLimits.newConversationsPerHour,
      at: beta.world.now,
    });
    beta.world.backend.commit();
    const id = converse(alpha, ann, beta, [bob]);
    const items = alpha.waiting(beta);
    const done = beta.world.ok("peer.receive", { peer: beta.keyOf(alpha), items });
    ok(done.retryAfterMs > 0 && done.received < (items.at(-1)?.counter ?? 0));
    beta.world.now += done.retryAfterMs;
    exchange(alpha, beta);
    sameState(alpha, beta, id);
  },
);

linkedWorlds("of one server's conversations only so many are kept", (alpha, beta) => {
  const [ann, amy, bob] = [alpha.register("ann"), alpha.register("amy"), beta.register("bob")];
  converse(alpha, ann, beta, [bob]);
  exchange(alpha, beta);
  const { following } = beta.world.backend.tables;
  const peer = beta.keyOf(alpha);
  strictEqual(following.followedFrom(peer), 1);
  // As if there were as many.
  Object.assign(following, { followedFrom: () => peerLimits.followedConversations });
  const id = converse(alpha, amy, beta, [bob]);
  exchange(alpha, beta);
  strictEqual(
    beta.world.code("conversation.info", { ...actor(bob), conversation: id }),
    "no_such_conversation",
  );
  strictEqual(beta.world.run("peer.list", {}).peers.length, 1);
});
