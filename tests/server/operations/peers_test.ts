import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { peerLimits } from "../../../lib/base/limits.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { signLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import type { PeerItem, PeerPosition, PeerRow } from "../../../server/operations/contract.ts";
import { itemDigest } from "../../../server/domain/peers.ts";
import { backends, World } from "../../contract/world.ts";
import { TempFolder } from "../../kit/folder.ts";

type Tested = (world: World) => void | Promise<void>;

/** The same on every backend. */
function onAll(name: string, test: Tested): void {
  for (const backend of backends) {
    Deno.test(`${backend.name}: ${name}`, async () => {
      await using folder = await TempFolder.make();
      const opened = backend.open(folder.path);
      await test(new World(opened, { lobbyPeers: true }));
      opened.close();
    });
  }
}

/** Another server with one account. */
function otherServer(name = "sam") {
  const identity = generateSigningKey();
  const account = generateSigningKey();
  const device = generateSigningKey();
  const id = randomId();
  const certificate = (serverKey = identity.publicKey, accountId = id, accountKey = account) =>
    toBase64url(
      issueDeviceCertificate({
        name,
        accountId,
        serverKey,
        accountKey,
        deviceKey: device.publicKey,
        createdAt: 1,
      }).bytes,
    );
  const post = (text: string, changes: { certificate?: string; signature?: string } = {}) => {
    const content = { post: randomId(), sentAt: 5, text };
    const signature = toBase64url(signLobbyPost(device, content));
    return { kind: "lobby", certificate: certificate(), signature, ...content, ...changes };
  };
  return { identity, account, device, id, certificate, post };
}

/** A post by another account of the same server, under a name that is in use there. */
function otherAccount({ identity }: { identity: SigningKey }, name: string) {
  const other = otherServer(name);
  const certificate = other.certificate(identity.publicKey);
  return other.post("another one of that name", { certificate });
}

type Other = ReturnType<typeof otherServer>;

/** Adds a server under its own name for itself. */
function add(world: World, other: Other, declared = "Mill"): PeerRow {
  const { peer } = world.ok("peer.add", {
    fingerprint: fingerprintHex(other.identity.publicKey),
    identity: null,
    name: undefined,
    declared,
    address: "192.0.2.7:1357",
    pin: "fingerprint",
  });
  return peer;
}

const fresh = (): PeerPosition => ({ stream: randomId(), first: 1, received: null });

/** Both have greeted; the counter after which this side sends. */
function link(world: World, peer: PeerRow, other: Other, theirs = fresh()): number | null {
  return world.ok("peer.linked", {
    peer: peer.peer,
    identity: toBase64url(other.identity.publicKey),
    declared: "Mill",
    theirs,
    lobby: true,
  }).after;
}

function items(after: number, ...contents: object[]): PeerItem[] {
  return contents.map((content, index) => ({
    counter: after + 1 + index,
    item: JSON.stringify(content),
    body: new Uint8Array(0),
  }));
}

function lobby(world: World) {
  return world.run("lobby.read", { after: 0, limit: 100 }).posts;
}

function post(world: World, person: { account: string; device: string }, text = "hello") {
  const input = { post: randomId(), text, sentAt: 1, signature: toBase64url(new Uint8Array(64)) };
  return world.ok("lobby.post", { account: person.account, device: person.device, ...input });
}

function waiting(world: World, peer: PeerRow, after = 0): PeerItem[] {
  const span = { peer: peer.peer, after, limit: 1000, maxBytes: 1e9 };
  return world.run("peer.outgoing", span).items;
}

function queued(world: World, peer: PeerRow): number {
  const rows = world.run("peer.list", {}).peers;
  return rows.find((row) => row.peer === peer.peer)?.queued ?? NaN;
}

onAll("servers of one name get different ones here, and one identity is there once", (world) => {
  const [one, two] = [otherServer(), otherServer()];
  strictEqual(add(world, one, "Old Mill!").name, "old-mill");
  const second = add(world, two, "old mill");
  strictEqual(second.name, `old-mill-${second.fingerprint.slice(0, 4)}`);
  strictEqual(add(world, otherServer(), "水車").name.startsWith("server-"), true);
  const again = {
    fingerprint: second.fingerprint,
    identity: null,
    name: undefined,
    declared: "x",
    address: null,
    pin: "incoming",
  } as const;
  strictEqual(world.code("peer.add", again), "peer_duplicate");
  const other = { ...again, fingerprint: "0".repeat(64) };
  strictEqual(world.code("peer.add", { ...other, name: "old-mill" }), "name_taken");
  strictEqual(world.code("peer.add", { ...other, name: "Not@good" }), "invalid_name");
});

onAll("there are only so many linked servers", (world) => {
  for (let count = 0; count < peerLimits.peers; count++) add(world, otherServer());
  const input = { identity: null, name: undefined, declared: "x", address: null } as const;
  const one = { ...input, fingerprint: "0".repeat(64), pin: "incoming" } as const;
  strictEqual(world.code("peer.add", one), "quota_exceeded");
});

onAll("what waits for a peer is there until it is confirmed, also after a restart", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  const sam = world.register("sam");
  post(world, sam, "before the first link: the peer has not said that it wants this");
  strictEqual(link(world, peer, other), 0);
  for (const text of ["one", "two", "three"]) post(world, sam, text);
  deepStrictEqual(world.told("outbox").map(({ peer }) => peer), [peer.peer]);
  deepStrictEqual(
    waiting(world.restarted(), peer).map(({ counter, item }) => [counter, JSON.parse(item).text]),
    [[1, "one"], [2, "two"], [3, "three"]],
  );
  world.run("peer.acked", { peer: peer.peer, counter: 2 });
  strictEqual(queued(world, peer), 1);
  world.run("peer.acked", { peer: peer.peer, counter: 1 });
  deepStrictEqual(waiting(world, peer).map(({ counter }) => counter), [3]);
  world.run("peer.acked", { peer: peer.peer, counter: 99 });
  strictEqual(queued(world, peer), 0);
});

onAll("a repeated post, and a post that came from elsewhere, are not passed on", (world) => {
  const [mill, office] = [otherServer(), otherServer("rae")];
  const [first, second] = [add(world, mill, "mill"), add(world, office, "office")];
  link(world, first, mill);
  link(world, second, office);
  const sam = world.register("sam");
  const input = {
    account: sam.account,
    device: sam.device,
    post: randomId(),
    text: "x",
    sentAt: 1,
    signature: toBase64url(new Uint8Array(64)),
  };
  world.ok("lobby.post", input);
  world.ok("lobby.post", input);
  world.ok("peer.receive", { peer: first.peer, items: items(0, mill.post("from the mill")) });
  deepStrictEqual([queued(world, first), queued(world, second)], [1, 1]);
  deepStrictEqual(lobby(world).map(({ name }) => name), ["sam", "sam@mill"]);
});

onAll("each item is taken once, in order; a gap is refused", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  link(world, peer, other);
  const [a, b, c] = [other.post("a"), other.post("b"), other.post("c")];
  const receive = (given: PeerItem[]) =>
    world.run("peer.receive", { peer: peer.peer, items: given });
  deepStrictEqual(receive(items(0, a, b)), { ok: true, received: 2, retryAfterMs: 0 });
  deepStrictEqual(receive(items(0, a, b)), { ok: true, received: 2, retryAfterMs: 0 });
  deepStrictEqual(receive(items(1, b, c)), { ok: true, received: 3, retryAfterMs: 0 });
  const gap = receive(items(4, other.post("e")));
  ok(!gap.ok && gap.code === "malformed");
  deepStrictEqual(lobby(world).map(({ text }) => text), ["a", "b", "c"]);
});

onAll("a peer that begins its counting anew brings nothing a second time", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  link(world, peer, other);
  const a = other.post("a");
  world.ok("peer.receive", { peer: peer.peer, items: items(0, a) });
  link(world, peer, other, fresh());
  const again = world.ok("peer.receive", { peer: peer.peer, items: items(0, a, other.post("b")) });
  strictEqual(again.received, 2);
  deepStrictEqual(lobby(world).map(({ text }) => text), ["a", "b"]);
});

onAll("a peer speaks for its own users alone", (world) => {
  const [mill, office] = [otherServer(), otherServer("rae")];
  const [peer, second] = [add(world, mill, "mill"), add(world, office, "office")];
  link(world, peer, mill);
  link(world, second, office);
  const sam = world.register("sam");
  const own = generateSigningKey();
  const false_ = [
    // Another server's user, and one of this very server.
    office.post("rae says"),
    mill.post("as if of the office", { certificate: mill.certificate(office.identity.publicKey) }),
    mill.post("as sam", { certificate: mill.certificate(mill.identity.publicKey, sam.account) }),
    // Its own user, with another key than before.
    mill.post("a"),
    mill.post("new key", { certificate: mill.certificate(undefined, undefined, own) }),
    // A name that another of its accounts has.
    otherAccount(mill, "sam"),
    // Words that its user did not sign, and no certificate at all.
    { ...mill.post("signed"), text: "not signed" },
    mill.post("b", { certificate: "AAAA" }),
    mill.post("c", { signature: toBase64url(new Uint8Array(64)) }),
  ];
  const done = world.ok("peer.receive", { peer: peer.peer, items: items(0, ...false_) });
  strictEqual(done.received, false_.length);
  deepStrictEqual(lobby(world).map(({ name, text }) => [name, text]), [["sam@mill", "a"]]);
  strictEqual(
    world.run("directory.users", { scope: "all", after: undefined, limit: 9 }).users.length,
    1,
  );
});

onAll("accounts of other servers can do nothing here by themselves", (world) => {
  const other = otherServer();
  const peer = add(world, other, "mill");
  link(world, peer, other);
  world.ok("peer.receive", { peer: peer.peer, items: items(0, other.post("hello")) });
  const device = toBase64url(other.device.publicKey);
  const actor = { account: other.id, device };
  const arrival = world.arrival();
  strictEqual(world.code("login.device", { device, arrival }), "unknown_device");
  strictEqual(world.code("vault.get", actor), "unknown_device");
  strictEqual(world.code("directory.keys", { name: undefined, account: other.id }), "no_such_user");
  strictEqual(
    world.code("login.succeeded", { name: "sam@mill", remote: "x" }),
    "invalid_credentials",
  );
  strictEqual(world.run("account.exists", { name: "sam@mill" }).exists, false);
  const registration = { ...world.registration("sam"), account: other.id };
  notStrictEqual(world.code("account.register", registration), "ok");
});

onAll("a flooding peer has to wait, and loses nothing by it", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  link(world, peer, other);
  const most = 5;
  const many = items(0, ...Array.from({ length: most }, () => other.post("x".repeat(16_000))));
  // All but a little of what it may has come in this minute already.
  const count = peerLimits.lobbyBytesPerMinute - 40_000;
  world.backend.tables.attempts.set("lobby", peer.fingerprint, { count, at: world.now });
  const first = world.ok("peer.receive", { peer: peer.peer, items: many });
  ok(first.received < most && first.retryAfterMs > 0);
  world.now += first.retryAfterMs;
  const rest = many.slice(first.received);
  const second = world.ok("peer.receive", { peer: peer.peer, items: rest });
  deepStrictEqual([second.received, second.retryAfterMs], [most, 0]);
});

onAll("an outbox is bounded; what does not fit is left out and nothing else fails", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  link(world, peer, other);
  const stored = world.backend.tables.peers.byKey(peer.peer);
  ok(stored);
  const sam = world.register("sam");
  stored.queued = peerLimits.queuedItems;
  post(world, sam, "too much");
  stored.queued = 0;
  post(world, sam, "fits");
  deepStrictEqual(waiting(world, peer).map(({ item }) => JSON.parse(item).text), ["fits"]);
});

onAll("a paused peer's items are refused, what waits for it goes on waiting", (world) => {
  const other = otherServer();
  const peer = add(world, other);
  link(world, peer, other);
  world.ok("peer.update", { peer: peer.peer, state: "paused" });
  const given = { peer: peer.peer, items: items(0, other.post("a")) };
  strictEqual(world.code("peer.receive", given), "peer_unknown");
  post(world, world.register("sam"), "later");
  strictEqual(queued(world, peer), 1);
  strictEqual(world.ok("peer.remove", { peer: peer.peer }).dropped, 1);
  deepStrictEqual(world.run("peer.list", {}).peers, []);
  strictEqual(add(world, other).queued, 0);
});

onAll(
  "after one side was put back to an older state nothing new is taken for something old",
  (world) => {
    const other = otherServer();
    const peer = add(world, other);
    link(world, peer, other);
    const sam = world.register("sam");
    for (const text of ["one", "two", "three"]) post(world, sam, text);
    const { stream } = world.ok("peer.position", { peer: peer.peer });
    const [first, second] = waiting(world, peer);
    ok(first && second);
    const received = (counter: number, digest: string) => ({
      ...fresh(),
      received: { stream, counter, digest },
    });
    // It has two of them although it never said so: they count as confirmed.
    strictEqual(link(world, peer, other, received(2, itemDigest(second))), 2);
    strictEqual(queued(world, peer), 1);
    // It lost what it had confirmed: that is gone, the rest goes on.
    strictEqual(link(world, peer, other, received(1, itemDigest(first))), 2);
    strictEqual(world.ok("peer.position", { peer: peer.peer }).first, 3);
    // It has another item under that number, or more than there ever were: counting begins anew.
    for (const [counter, digest] of [[3, itemDigest(first)], [9, ""]] as const) {
      const before = world.ok("peer.position", { peer: peer.peer }).stream;
      const theirs = { ...fresh(), received: { stream: before, counter, digest } };
      strictEqual(link(world, peer, other, theirs), null);
      notStrictEqual(world.ok("peer.position", { peer: peer.peer }).stream, before);
    }
    strictEqual(waiting(world, peer).length, 1);
  },
);

Deno.test("an item's digest is over its text, a zero byte and its body", () => {
  const one = itemDigest({ item: "ab", body: utf8("c") });
  notStrictEqual(one, itemDigest({ item: "a", body: utf8("bc") }));
  strictEqual(one, itemDigest({ item: "ab", body: utf8("c") }));
});

onAll("a server that is removed and added again is who it was, whatever it is called", (world) => {
  const [mill, office] = [otherServer(), otherServer("sam")];
  const peer = add(world, mill, "mill");
  link(world, peer, mill);
  const first = mill.post("first");
  world.ok("peer.receive", { peer: peer.peer, items: items(0, first) });
  world.ok("peer.remove", { peer: peer.peer });
  strictEqual(world.code("peer.update", { peer: peer.peer, state: "active" }), "not_found");
  // Its name is free; accounts of the same name there are others.
  const second = add(world, office, "mill");
  link(world, second, office);
  world.ok("peer.receive", { peer: second.peer, items: items(0, office.post("of the new mill")) });
  const again = add(world, mill, "old mill");
  link(world, again, mill);
  world.ok("peer.receive", { peer: again.peer, items: items(0, first, mill.post("second")) });
  deepStrictEqual(lobby(world).map(({ name, text }) => `${name}: ${text}`), [
    "sam@old-mill: first",
    "sam@mill: of the new mill",
    "sam@old-mill: second",
  ]);
});

onAll("new devices of a peer are remembered only so fast, and none of them is lost", (world) => {
  const mill = otherServer();
  const peer = add(world, mill, "mill");
  link(world, peer, mill);
  const subject = `peer ${peer.fingerprint}`;
  const count = peerLimits.newDevicesPerHour;
  world.backend.tables.attempts.set("enrol", subject, { count, at: world.now });
  const given = items(0, mill.post("a"));
  const first = world.ok("peer.receive", { peer: peer.peer, items: given });
  ok(first.received === 0 && first.retryAfterMs > 0);
  world.now += first.retryAfterMs;
  strictEqual(world.ok("peer.receive", { peer: peer.peer, items: given }).received, 1);
});
