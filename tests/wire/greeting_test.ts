import assert from "node:assert/strict";
import { toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { connectionLimits } from "../../lib/base/limits.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import { Connection } from "../../lib/wire/connection.ts";
import { encodeFrame } from "../../lib/wire/frame.ts";
import { clientHello, noSession, serverHello } from "../../lib/wire/handshake.ts";
import { clientFacts, ManualClock, pipe, RawClient, serverFacts, turns } from "./kit.ts";

const identity = generateSigningKey();

const codeOf = (thrown: unknown) => thrown instanceof AppError ? thrown.code : String(thrown);

const outcome = (promise: Promise<unknown>) => promise.then(() => "nothing thrown", codeOf);

Deno.test("hellos that do not hold are refused with an error outside of any session", async (t) => {
  const device = generateSigningKey();
  const good = (change: object = {}) => ({
    type: "hello.client",
    version: 1,
    ...clientFacts,
    device: toBase64url(device.publicKey),
    nonce: toBase64url(new Uint8Array(32)),
    ...change,
  });
  const zero = { sessionId: noSession, direction: 0, counter: 0, key: device } as const;
  const hello = (change: object, context: object = {}) =>
    encodeFrame({ ...zero, header: JSON.stringify([good(change)]), bodies: [], ...context });
  const zeroKey = toBase64url(new Uint8Array(32));
  const cases: Record<string, [string, Uint8Array]> = {
    "another version": ["unsupported_version", hello({ version: 2 })],
    "a key that did not sign": ["tampered", hello({}, { key: generateSigningKey() })],
    "a wrong counter": ["tampered", hello({}, { counter: 1 })],
    "a point of small order as key": ["malformed", hello({ device: zeroKey })],
    "a key that is not canonical base64url": [
      "malformed",
      hello({ device: `${"A".repeat(42)}B` }),
    ],
    "no hello at all": [
      "not_permitted_now",
      encodeFrame({ ...zero, header: '[{"type":"ping"}]', bodies: [] }),
    ],
    "two hellos": [
      "malformed",
      encodeFrame({ ...zero, header: JSON.stringify([good(), good()]), bodies: [] }),
    ],
    "plain text": ["too_large", utf8("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  };
  for (const [name, [code, bytes]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const [clientEnd, serverEnd] = pipe();
      const accepting = outcome(Connection.accept(serverEnd, { identity, facts: serverFacts }));
      const client = await new RawClient(clientEnd).greet(bytes);
      assert.deepEqual([await client.refusal(), await accepting], [code, code]);
    });
  }
});

Deno.test("a client learns why its hello was refused", async () => {
  const [clientEnd, serverEnd] = pipe();
  const error = new AppError("too_many_connections", { retryAfterMs: 1500 });
  const refusing = Connection.refuse(serverEnd, { identity, facts: serverFacts, error });
  const device = generateSigningKey();
  const client = await Connection.open(clientEnd, { device, facts: clientFacts });
  const message = (await client.receive())?.[0]?.message;
  assert.ok(message?.type === "error" && message.retryAfterMs === 1500);
  assert.equal(message.code, "too_many_connections");
  await refusing;
  assert.ok(serverEnd.closed);
  await client.close();
});

Deno.test("outside of the session a client takes nothing but errors", async () => {
  const [clientEnd, serverEnd] = pipe();
  const device = generateSigningKey();
  const opening = Connection.open(clientEnd, { device, facts: clientFacts });
  const nonce = new Uint8Array(32);
  await serverEnd.write(serverHello(serverFacts, { identity, nonce }));
  const client = await opening;
  const header = '[{"type":"server.closing","retryAfterMs":1}]';
  const outside = { key: identity, sessionId: noSession, direction: 1, counter: 1 } as const;
  await serverEnd.write(encodeFrame({ ...outside, header, bodies: [] }));
  assert.equal(await outcome(client.receive()), "tampered");
});

Deno.test("a server with another identity than the pinned one is refused, and sent nothing", async () => {
  const [clientEnd, serverEnd] = pipe();
  const device = generateSigningKey();
  const expectIdentity = generateSigningKey().publicKey;
  const accepting = outcome(Connection.accept(serverEnd, { identity, facts: serverFacts }));
  // A clock that stands still: none of the bytes that may go before the server has spoken.
  const clock = new ManualClock();
  const facts = clientFacts;
  const opening = Connection.open(clientEnd, { device, facts, expectIdentity, clock });
  assert.equal(await outcome(opening), "tampered");
  assert.equal(clientEnd.writes.length, 0);
  assert.equal(clock.pending, 0);
  assert.equal(await accepting, "timeout");
});

Deno.test("while the server's hello is held back a client sends what says nothing of it, and then the rest", async () => {
  const sent: string[] = [];
  for (const isPinned of [true, false]) {
    const clock = new ManualClock();
    const [clientEnd, serverEnd] = pipe();
    const device = generateSigningKey();
    const expectIdentity = isPinned ? identity.publicKey : generateSigningKey().publicKey;
    const opening = Connection.open(clientEnd, {
      device,
      facts: clientFacts,
      expectIdentity,
      clock,
    });
    await clock.advance(1000);
    sent.push(clientEnd.writes.join());
    if (!isPinned) {
      const hello = serverHello(serverFacts, { identity, nonce: new Uint8Array(32) });
      await serverEnd.write(hello);
      assert.equal(await outcome(opening), "tampered");
      assert.equal(clientEnd.writes.join(), sent[1], "and nothing more");
    } else {
      const server = await Connection.accept(serverEnd, { identity, facts: serverFacts });
      const client = await opening;
      client.send({ type: "session.close", id: 1 });
      assert.equal((await server.receive())?.[0]?.message.type, "session.close");
      await Promise.all([client.close(), server.close()]);
    }
    assert.equal(clock.pending, 0);
  }
  // The lengths of a header below 64 KiB and of no body, but for the last of them.
  assert.match(sent[0] ?? "", /^0,0,\d+,\d+,0$/);
  assert.equal(sent[0], sent[1], "the same for every device");
});

Deno.test("a timer that goes off although it was stopped adds nothing to a client's hello", async () => {
  const due: (() => void)[] = [];
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_: number, action: () => void) => {
      due.push(action);
      return () => undefined;
    },
  };
  const [clientEnd, serverEnd] = pipe();
  const device = generateSigningKey();
  const [client, server] = await Promise.all([
    Connection.open(clientEnd, { device, facts: clientFacts, clock }),
    Connection.accept(serverEnd, { identity, facts: serverFacts }),
  ]);
  const sent = clientEnd.writes.length;
  due.forEach((action) => action());
  await turns();
  assert.equal(clientEnd.writes.length, sent);
  await Promise.all([client.close(), server.close()]);
});

Deno.test("a server's hello signed by another key, or offering no version of ours, is refused", async () => {
  const nonce = new Uint8Array(32);
  const good = serverHello(serverFacts, { identity, nonce });
  const forged = good.slice();
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const text = new TextDecoder().decode(good.subarray(8, -64)).replace(
    '"versions":[1]',
    '"versions":[2]',
  );
  const zero = { sessionId: noSession, direction: 1, counter: 0, key: identity } as const;
  const future = encodeFrame({ ...zero, header: text, bodies: [] });
  for (const [code, bytes] of [["tampered", forged], ["unsupported_version", future]] as const) {
    const [clientEnd, serverEnd] = pipe();
    const device = generateSigningKey();
    const opening = Connection.open(clientEnd, { device, facts: clientFacts });
    await serverEnd.write(bytes);
    assert.equal(await outcome(opening), code);
    assert.ok(clientEnd.closed);
  }
});

Deno.test("who does not finish the greeting is given up on after helloMs", async () => {
  for (const started of [false, true]) {
    const clock = new ManualClock();
    const [clientEnd, serverEnd] = pipe();
    const accepting = outcome(
      Connection.accept(serverEnd, { identity, facts: serverFacts, clock }),
    );
    const client = new RawClient(clientEnd);
    await client.frame();
    const device = generateSigningKey();
    const hello = clientHello(clientFacts, { device, nonce: new Uint8Array(32) });
    if (started) await client.write(hello.subarray(0, 50));
    await clock.advance(connectionLimits.helloMs - 1);
    assert.ok(!serverEnd.closed);
    await clock.advance(1);
    assert.equal(await accepting, "timeout");
    assert.ok(serverEnd.closed);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("aborting during the greeting rejects it", async () => {
  const stop = new AbortController();
  const [clientEnd, serverEnd] = pipe();
  const accepting = outcome(
    Connection.accept(serverEnd, { identity, facts: serverFacts, signal: stop.signal }),
  );
  const device = generateSigningKey();
  const [otherEnd] = pipe();
  const opening = outcome(
    Connection.open(otherEnd, { device, facts: clientFacts, signal: stop.signal }),
  );
  await turns();
  stop.abort();
  assert.equal(await accepting, "server_closing");
  assert.equal(await opening, "timeout");
  assert.ok(serverEnd.closed && otherEnd.closed);
  clientEnd.close();
});
