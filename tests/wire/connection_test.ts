import assert from "node:assert/strict";
import { toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { connectionLimits } from "../../lib/base/limits.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import { Connection } from "../../lib/wire/connection.ts";
import { encodeFrame } from "../../lib/wire/frame.ts";
import { noSession } from "../../lib/wire/handshake.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import { clientFacts, connected, ManualClock, pipe, RawClient, serverFacts, turns } from "./kit.ts";

const identity = generateSigningKey();
const check = (id: number, name = "bob") => ({ type: "account.check", id, name } as const);

/** A session of a hand-made client with a real server connection, over a pipe. */
async function rawSession(options: { clock?: ManualClock } = {}) {
  const [clientEnd, serverEnd] = pipe();
  const accepting = Connection.accept(serverEnd, { identity, facts: serverFacts, ...options });
  const client = await new RawClient(clientEnd).greet();
  return { client, server: await accepting, clientEnd, serverEnd };
}

const codeOf = (thrown: unknown) => thrown instanceof AppError ? thrown.code : String(thrown);

const outcome = (promise: Promise<unknown>) => promise.then(() => "nothing thrown", codeOf);

Deno.test("both sides agree on the session and see each other's hello", async () => {
  const { server, client, device, identity } = await connected();
  assert.equal(toBase64url(server.sessionId), toBase64url(client.sessionId));
  assert.equal(server.sessionId.length, 32);
  assert.ok(server.peer.kind === "client" && client.peer.kind === "server");
  assert.equal(server.peer.hello.device, toBase64url(device.publicKey));
  assert.equal(client.peer.hello.identity, toBase64url(identity.publicKey));
  assert.match(server.id, /^[0-9a-f]{12}$/);
  await Promise.all([server.close(), client.close()]);
});

Deno.test("messages and bodies cross in both directions, in order", async () => {
  const { server, client } = await connected();
  client.send(check(1));
  client.send({ ...send(2), body: 3 }, [new Uint8Array([1]), new Uint8Array([2, 3])]);
  const arrived = await server.receive() ?? [];
  assert.deepEqual(arrived.map(({ message, body }) => [message.type, [...body]]), [
    ["account.check", []],
    ["message.send", [1, 2, 3]],
  ]);
  server.send({ type: "account.check.ok", id: 1, exists: true });
  assert.deepEqual((await client.receive())?.[0]?.message, {
    type: "account.check.ok",
    id: 1,
    exists: true,
  });
  await client.close();
  assert.equal(await server.receive(), undefined);
});

function send(id: number) {
  const conversation = "01890a5d-ac96-774b-bcce-b302099a8057";
  return { type: "message.send", id, conversation, message: conversation, epoch: 0 } as const;
}

Deno.test("many sends in one turn leave in one frame, and so do those made while a write is under way", async () => {
  const { server, client, clientEnd } = await connected();
  const before = clientEnd.writes.length;
  for (let id = 0; id < 200; id++) client.send(check(id));
  await Promise.resolve();
  for (let id = 200; id < 256; id++) client.send(check(id));
  assert.equal((await server.receive())?.length, 256);
  assert.equal(clientEnd.writes.length, before + 1);

  let open = () => {};
  clientEnd.gate = new Promise((resolve) => open = resolve);
  client.send(check(0));
  await turns();
  for (let id = 1; id <= 50; id++) {
    client.send(check(id));
    await Promise.resolve();
  }
  await turns();
  open();
  assert.equal((await server.receive())?.length, 1);
  assert.equal((await server.receive())?.length, 50);
  assert.equal(client.traffic.sentFrames, 4);
  await Promise.all([client.close(), server.close()]);
});

Deno.test("more than a frame holds goes into several, in order", async () => {
  const { server, client } = await connected();
  for (let id = 0; id < 600; id++) client.send(check(id));
  const ids: number[] = [];
  while (ids.length < 600) {
    for (const { message } of await server.receive() ?? []) {
      if (message.type === "account.check") ids.push(message.id);
    }
  }
  assert.deepEqual(ids, Array.from({ length: 600 }, (_, id) => id));
  await Promise.all([client.close(), server.close()]);
});

Deno.test("a message that fits no frame is the sender's error, and the connection lives on", async () => {
  const { server, client } = await connected();
  assert.throws(() => client.send(check(1, "x".repeat(70_000))), { code: "too_large" });
  client.send(check(2));
  assert.equal((await server.receive())?.length, 1);
  await Promise.all([client.close(), server.close()]);
});

Deno.test("each violation in a frame is answered by its error, then the end; the server's loop learns it", async (t) => {
  const message = JSON.stringify(check(1));
  const other = crypto.getRandomValues(new Uint8Array(32));
  const flip = (bytes: Uint8Array, at: number) => {
    const bad = bytes.slice();
    bad[at] = (bad[at] ?? 0) ^ 1;
    return bad;
  };
  const cases: Record<string, [string, (client: RawClient) => Uint8Array]> = {
    "a flipped bit in the header": ["tampered", (c) => flip(c.encode(`[${message}]`), 20)],
    "a flipped bit in the signature": ["tampered", (c) => flip(c.encode(`[${message}]`), 100)],
    "a skipped counter": ["tampered", (c) => c.encode(`[${message}]`, [], { counter: 3 })],
    "the counter of the hello": ["tampered", (c) => c.encode(`[${message}]`, [], { counter: 0 })],
    "another session": ["tampered", (c) => c.encode(`[${message}]`, [], { sessionId: other })],
    "no session": ["tampered", (c) => c.encode(`[${message}]`, [], { sessionId: noSession })],
    "the other direction": ["tampered", (c) => c.encode(`[${message}]`, [], { direction: 1 })],
    "another key": [
      "tampered",
      (c) => c.encode(`[${message}]`, [], { key: generateSigningKey() }),
    ],
    "an oversize header": ["too_large", () => new Uint8Array([0, 1, 0, 1, 0, 0, 0, 0])],
    "an oversize body": ["too_large", () => new Uint8Array([0, 0, 0, 9, 0, 16, 0, 1])],
    "an empty header": ["malformed", () => new Uint8Array(8)],
    "deep JSON": ["malformed", (c) => c.encode("[".repeat(30_000))],
    "duplicate keys": ["malformed", (c) => c.encode('[{"type":"ping","type":"ping"}]')],
    "an object instead of an array": ["malformed", (c) => c.encode(message)],
    "no messages": ["malformed", (c) => c.encode("[]")],
    "257 messages": ["malformed", (c) => c.encode(`[${Array(257).fill(message).join(",")}]`)],
    "an unknown type": ["unknown_type", (c) => c.encode('[{"type":"nothing"}]')],
    "a server's type": ["unknown_type", (c) => c.encode('[{"type":"server.closing"}]')],
    "an unknown field": ["malformed", (c) => c.encode('[{"type":"ping","x":1}]')],
    "a body that nobody claims": ["malformed", (c) => c.encode(`[${message}]`, [utf8("x")])],
    "another hello": ["not_permitted_now", (c) => {
      const nonce = toBase64url(new Uint8Array(32));
      const device = toBase64url(c.device.publicKey);
      const hello = { type: "hello.client", version: 1, ...clientFacts, device, nonce };
      return c.encode(JSON.stringify([hello]));
    }],
  };
  for (const [name, [code, make]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const { client, server, serverEnd } = await rawSession();
      await client.write(client.encode(`[${message}]`));
      assert.equal((await server.receive())?.length, 1, "an orderly frame first");
      const good = client.out;
      await client.write(make(client));
      assert.ok(client.out <= good + 1);
      const [told, learned] = await Promise.all([client.refusal(), outcome(server.receive())]);
      assert.deepEqual([told, learned], [code, code]);
      assert.ok(serverEnd.closed && !server.isOpen);
    });
  }
});

Deno.test("a replayed frame is refused", async () => {
  const { client, server } = await rawSession();
  const bytes = client.encode(`[${JSON.stringify(check(1))}]`);
  await client.write(bytes);
  assert.equal((await server.receive())?.length, 1);
  await client.write(bytes);
  const [told, learned] = await Promise.all([client.refusal(), outcome(server.receive())]);
  assert.deepEqual([told, learned], ["tampered", "tampered"]);
});

Deno.test("good frames in front of a bad one still count", async () => {
  const { client, server } = await rawSession();
  const [one, two] = [client.encode('[{"type":"session.close","id":1}]'), new Uint8Array(8)];
  const both = new Uint8Array(one.length + two.length);
  both.set(one);
  both.set(two, one.length);
  await client.write(both);
  assert.equal((await server.receive())?.[0]?.message.type, "session.close");
  assert.equal(await outcome(server.receive()), "malformed");
});

Deno.test("half a frame and silence ends with a timeout after frameMs", async () => {
  const clock = new ManualClock();
  const { client, server } = await rawSession({ clock });
  const receiving = outcome(server.receive());
  const bytes = client.encode('[{"type":"session.close","id":1}]');
  await client.write(bytes.subarray(0, 30));
  await turns();
  await clock.advance(connectionLimits.frameMs - 1000);
  await client.write(bytes.subarray(30, 40));
  await turns();
  assert.ok(server.isOpen);
  await clock.advance(1000);
  assert.equal(await receiving, "timeout");
  assert.equal(clock.pending, 0);
});

Deno.test("a silent peer is pinged after pingMs and given up on after deadMs", async () => {
  const clock = new ManualClock();
  const { client, server } = await rawSession({ clock });
  const receiving = outcome(server.receive());
  await clock.advance(connectionLimits.pingMs);
  assert.equal((await client.receive())?.[0]?.message.type, "ping");
  await clock.advance(connectionLimits.deadMs - connectionLimits.pingMs - 1);
  assert.ok(server.isOpen);
  await clock.advance(1);
  assert.equal(await receiving, "timeout");
  const types: string[] = [];
  for (let got = await client.receive(); got; got = await client.receive()) {
    types.push(...got.map(({ message }) => message.type));
  }
  assert.deepEqual(types, ["ping", "error"]);
});

Deno.test("a peer that answers pings lives on, and neither side sees them", async () => {
  const clock = new ManualClock();
  const { client, server } = await connected({ server: { clock } });
  const serverGot = server.receive();
  const clientGot = client.receive();
  for (let round = 0; round < 20; round++) await clock.advance(connectionLimits.pingMs);
  assert.ok(server.isOpen && client.isOpen);
  assert.equal(client.traffic.sentFrames, 21);
  client.send({ type: "session.close", id: 1 });
  server.send({ type: "server.closing", retryAfterMs: 0 });
  const only = (got: readonly Arrived[] | undefined) => got?.map(({ message }) => message.type);
  assert.deepEqual(only(await serverGot), ["session.close"]);
  assert.deepEqual(only(await clientGot), ["server.closing"]);
  await Promise.all([client.close(), server.close()]);
});

Deno.test("time in which the owner does not read is not held against the peer", async () => {
  const clock = new ManualClock();
  const { client, server } = await rawSession({ clock });
  await client.write(client.encode(`[${JSON.stringify(check(1))}]`));
  await clock.advance(10 * connectionLimits.deadMs);
  assert.ok(server.isOpen);
  assert.equal((await server.receive())?.length, 1);
  const second = outcome(server.receive());
  await clock.advance(connectionLimits.deadMs);
  assert.equal(await second, "timeout");
});

Deno.test("a reader that is too slow is told so and disconnected, and its queue is freed", async () => {
  const clock = new ManualClock();
  const { client, server, serverEnd } = await connected({ server: { clock } });
  const receiving = outcome(server.receive());
  serverEnd.gate = new Promise(() => {});
  const event = JSON.stringify({ type: "lobby", text: "x".repeat(16_000) });
  let sent = 0;
  while (server.isOpen && sent < 1000) {
    server.sendEncoded(event);
    if (++sent % 100 === 0) await turns(1);
  }
  assert.ok(sent > 200 && sent < 300, `${sent} of about 262`);
  assert.ok(server.queuedBytes < 100_000, "the rest was dropped");
  await clock.advance(connectionLimits.drainMs);
  assert.equal(await receiving, "slow_reader");
  assert.ok(serverEnd.closed);
  await Promise.all([client.close(), server.close()]);
});

Deno.test("a sender of much can wait until the queue has shrunk, or the connection is over", async () => {
  const { server, client, serverEnd } = await connected();
  await server.queuedAtMost(0);
  let open = () => {};
  serverEnd.gate = new Promise((resolve) => open = resolve);
  const event = JSON.stringify({ type: "lobby", text: "x".repeat(50_000) });
  for (let count = 0; count < 10; count++) server.sendEncoded(event);
  const order: string[] = [];
  const waits = [0, 200_000, 600_000].map((bytes) =>
    server.queuedAtMost(bytes).then(() => order.push(`${bytes}`))
  );
  await turns();
  assert.deepEqual(order, ["600000"]);
  open();
  await Promise.all(waits);
  assert.deepEqual(order, ["600000", "200000", "0"]);
  serverEnd.gate = new Promise((resolve) => open = resolve);
  server.sendEncoded(event);
  const last = server.queuedAtMost(0);
  serverEnd.close();
  void server.close();
  await last;
  open();
  await Promise.all([client.close(), server.close()]);
});

Deno.test("close writes everything that is queued, however many frames, and then ends", async () => {
  const { server, client } = await connected();
  for (let id = 0; id < 1000; id++) client.send(check(id));
  const closing = client.close();
  client.send(check(1001));
  let count = 0;
  for (let got = await server.receive(); got; got = await server.receive()) count += got.length;
  await closing;
  assert.equal(count, 1000);
  assert.equal(await client.receive(), undefined);
});

Deno.test("close gives up on draining after drainMs", async () => {
  const clock = new ManualClock();
  const { client, clientEnd } = await connected({ client: { clock } });
  clientEnd.gate = new Promise(() => {});
  client.send(check(1));
  const closing = client.close();
  await clock.advance(connectionLimits.drainMs - 1);
  assert.ok(!clientEnd.closed);
  await clock.advance(1);
  await closing;
  assert.ok(clientEnd.closed);
});

Deno.test("aborting the signal ends a session in order: the client is told that the server closes", async () => {
  const stop = new AbortController();
  const { server, client } = await connected({ server: { signal: stop.signal } });
  server.send({ type: "account.check.ok", id: 1, exists: true });
  stop.abort();
  const types: unknown[] = [];
  for (let got = await client.receive(); got; got = await client.receive()) {
    types.push(...got.map(({ message }) => message.type === "error" ? message.code : message.type));
  }
  assert.deepEqual(types, ["account.check.ok", "server_closing"]);
  assert.equal(await outcome(server.receive()), "server_closing");
});

Deno.test("a client says pong in the middle of a frame too, so that the rest of it need not wait", async () => {
  const clock = new ManualClock();
  const { client, serverEnd, clientEnd, identity } = await connected({ client: { clock } });
  const receiving = client.receive();
  const frame = encodeFrame({
    key: identity,
    sessionId: client.sessionId,
    direction: 1,
    counter: 1,
    header: '[{"type":"server.closing","retryAfterMs":1}]',
    bodies: [],
  });
  const before = clientEnd.writes.length;
  for (const [at, pongs] of [[10, 1], [20, 1], [30, 1]] as const) {
    await serverEnd.write(frame.subarray(at - 10, at));
    await turns();
    await clock.advance(1);
    assert.equal(clientEnd.writes.length - before, pongs, "one for each frame, whatever its parts");
  }
  await serverEnd.write(frame.subarray(30));
  assert.equal((await receiving)?.[0]?.message.type, "server.closing");
  await client.close();
});

Deno.test("a client answers a frame with a pong when it has nothing else to say, and only then", async () => {
  const clock = new ManualClock();
  const { server, client } = await connected({ client: { clock } });
  const serverGot = server.receive();
  server.send({ type: "account.check.ok", id: 1, exists: true });
  assert.equal((await client.receive())?.length, 1);
  await clock.advance(1);
  await turns();
  assert.deepEqual([client.traffic.sentFrames, server.traffic.receivedFrames], [2, 2]);
  server.send({ type: "account.check.ok", id: 2, exists: true });
  assert.equal((await client.receive())?.length, 1);
  client.send({ type: "session.close", id: 1 });
  await turns();
  await clock.advance(1);
  await turns();
  assert.equal(client.traffic.sentFrames, 3);
  assert.equal((await serverGot)?.length, 1, "the server's owner sees nothing of pongs");
  await Promise.all([client.close(), server.close()]);
});

Deno.test("a probe tells a live peer from a dead one", async () => {
  const clock = new ManualClock();
  const { server, client } = await connected({ server: { clock } });
  const receiving = [server.receive(), client.receive()];
  assert.equal(await server.probe(connectionLimits.probeMs), true);
  await client.close();
  await Promise.all(receiving);
  assert.equal(await server.probe(connectionLimits.probeMs), false);

  const silent = await rawSession({ clock });
  const waiting = outcome(silent.server.receive());
  const probing = silent.server.probe(connectionLimits.probeMs);
  await clock.advance(connectionLimits.probeMs);
  assert.equal(await probing, false);
  await silent.server.close();
  await waiting;
});

Deno.test("after the end sending does nothing and receiving tells it again", async () => {
  const { server, client } = await connected();
  await client.close();
  client.send(check(1));
  assert.equal(client.queuedBytes, 0);
  assert.equal(await client.receive(), undefined);
  assert.equal(await server.receive(), undefined);
  assert.equal(await server.receive(), undefined);
});
