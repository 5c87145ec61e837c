/** Conversations with members on three servers, some of which know each other by the word of a third one alone. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { actor } from "../../contract/world.ts";
import { as, change, creation } from "./group_world.ts";
import { exchange, handed, linkedWorlds, sameState, say, type Side } from "./linked_worlds.ts";

/** A group of alpha's with one member on each server. */
function group(sides: readonly Side[]) {
  const [alpha, beta, gamma] = sides as [Side, Side, Side];
  const [ann, bob, eve] = [alpha.register("ann"), beta.register("bob"), gamma.register("eve")];
  alpha.learn(ann, beta, [bob]);
  alpha.learn(ann, gamma, [eve]);
  const id: string = crypto.randomUUID();
  alpha.world.ok("conversation.create", creation(alpha.world, id, { people: [ann, bob, eve] }));
  exchange(alpha, beta, gamma);
  for (const [side, person] of [[beta, bob], [gamma, eve]] as const) {
    side.world.ok("conversation.answer", { ...actor(person), conversation: id, answer: "accept" });
  }
  exchange(alpha, beta, gamma);
  return { alpha, beta, gamma, ann, bob, eve, id };
}

const names = ["alpha", "beta", "gamma"];

linkedWorlds("a group of three servers is the same on all of them", (...sides) => {
  const { alpha, beta, gamma, ann, bob, eve, id } = group(sides);
  for (const side of [beta, gamma]) sameState(alpha, side, id);
  deepStrictEqual(
    beta.world.conversation(bob, id).members.map(({ name }) => name).toSorted(),
    ["ann@alpha", "bob", "eve@gamma"],
  );
  const sent = handed(alpha, beta, "message.send", alpha.world.message(bob, id));
  ok(sent.ok);
  exchange(alpha, beta, gamma);
  strictEqual(gamma.world.read(eve, id).at(-1)?.account, bob.account);
  strictEqual(alpha.world.read(ann, id).at(-1)?.account, bob.account);
  // Bob's server hears through the hub what eve's has on disk, and how far she is.
  gamma.world.ack(eve, id, sent.seq);
  exchange(alpha, beta, gamma);
  const seen = beta.world.conversation(bob, id).members.find(({ name }) => name === "eve@gamma");
  deepStrictEqual([seen?.reached, seen?.delivered], [sent.seq, sent.seq]);
  // Somebody of a second server removes somebody of a third.
  alpha.world.ok(
    "conversation.commit",
    alpha.world.commit(ann, id, { epoch: 1, membership: change({ roles: [as(bob, "admin")] }) }),
  );
  const removal = alpha.world.commit(bob, id, {
    epoch: 2,
    remove: [eve.device],
    membership: change({ remove: [eve.account] }),
  });
  ok(handed(alpha, beta, "conversation.commit", removal).ok);
  exchange(alpha, beta, gamma);
  sameState(alpha, beta, id);
  strictEqual(gamma.world.read(eve, id).at(-1)?.type, "commit");
  strictEqual(alpha.queued(gamma), 0);
}, { names });

linkedWorlds("people of a server that is not linked are known as the hub calls it", (...sides) => {
  const { alpha, beta, gamma, bob, eve, id } = group(sides);
  for (const side of [beta, gamma]) sameState(alpha, side, id);
  const named = (side: Side, person: typeof bob) =>
    side.world.conversation(person, id).members.map(({ name }) => name).toSorted();
  deepStrictEqual(named(beta, bob), ["ann@alpha", "bob", "eve@gamma"]);
  deepStrictEqual(named(gamma, eve), ["ann@alpha", "bob@beta", "eve"]);
  strictEqual(beta.world.run("peer.list", {}).peers.length, 1);
  // Nothing can be begun with them before there is a link.
  const own = beta.world.creation(crypto.randomUUID(), [bob, eve]);
  strictEqual(beta.world.code("conversation.create", own), "no_such_user");
  // The operator's name for another server goes first.
  const { peer } = beta.world.ok("peer.add", {
    fingerprint: "0".repeat(64),
    identity: null,
    name: "gamma",
    declared: "another",
    address: null,
    pin: "fingerprint",
  });
  strictEqual(peer.name, "gamma");
  deepStrictEqual(named(beta, bob).length, 3);
  ok(named(beta, bob).every((name) => name !== "eve@gamma"));
  const added = beta.world.ok("peer.add", {
    fingerprint: gamma.fingerprint,
    identity: toBase64url(gamma.identity.publicKey),
    name: "third",
    declared: "gamma",
    address: null,
    pin: "fingerprint",
  });
  strictEqual(added.peer.name, "third");
  ok(named(beta, bob).includes("eve@third"));
}, { names, links: [["alpha", "beta"], ["alpha", "gamma"]] });

linkedWorlds(
  "what a hub makes up about people of a third server gives way to that server",
  (...sides) => {
    const [alpha, beta, gamma] = sides as [Side, Side, Side];
    const [bob, eve] = [beta.register("bob"), gamma.register("eve")];
    // Alpha gives eve's id, name and device another account key; then another id her name.
    const forged = (accountId: string, deviceKey: Uint8Array) => {
      const made = issueDeviceCertificate({
        name: "eve",
        accountId,
        serverKey: gamma.identity.publicKey,
        accountKey: generateSigningKey(),
        deviceKey,
        createdAt: 1,
      });
      return { item: { kind: "device", certificate: toBase64url(made.bytes), server: "gamma" } };
    };
    say(alpha, beta, forged(eve.account, gamma.identity.publicKey));
    strictEqual(beta.world.backend.tables.accounts.anyById(eve.account)?.name, "eve");
    beta.learn(bob, gamma, [eve]);
    const account = beta.world.backend.tables.accounts.anyById(eve.account);
    strictEqual(account?.accountKey, toBase64url(eve.keys.publicKey));
    strictEqual(beta.world.backend.tables.devices.anyById(eve.device)?.accountId, eve.account);
    const id: string = crypto.randomUUID();
    beta.world.ok("conversation.create", beta.world.creation(id, [bob, eve]));
    exchange(alpha, beta, gamma);
    strictEqual(gamma.world.conversation(eve, id).hub, "beta");
    // Afterwards its own server's word stands.
    say(alpha, beta, forged(eve.account, generateSigningKey().publicKey));
    strictEqual(account, beta.world.backend.tables.accounts.anyById(eve.account));
    // Nobody is told of people of one's own server.
    const own = issueDeviceCertificate({
      name: "mallory",
      accountId: crypto.randomUUID(),
      serverKey: beta.identity.publicKey,
      accountKey: generateSigningKey(),
      deviceKey: generateSigningKey().publicKey,
      createdAt: 1,
    });
    say(alpha, beta, { item: { kind: "device", certificate: toBase64url(own.bytes) } });
    strictEqual(beta.world.backend.tables.accounts.anyById(own.accountId), undefined);
  },
  { names },
);
