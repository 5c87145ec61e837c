import assert from "node:assert/strict";
import { toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import { Requests } from "../../lib/wire/client_requests.ts";
import { Connection } from "../../lib/wire/connection.ts";
import { dial, dialSystem, listenTls, type SocketTransport } from "../../lib/wire/tls.ts";
import {
  answerChecks,
  clientFacts,
  makeServerIdentity,
  ManualClock,
  RawClient,
  serverFacts,
  tlsServer,
} from "./kit.ts";

const codeOf = (thrown: unknown) => thrown instanceof AppError ? thrown.code : String(thrown);

async function openClient(transport: SocketTransport, identity: Uint8Array) {
  const connection = await Connection.open(transport, {
    device: generateSigningKey(),
    facts: clientFacts,
    expectIdentity: identity,
  });
  return new Requests(connection, { onEvent: () => {}, onClosed: () => {} });
}

Deno.test("requests and replies cross real TLS sockets, coalesced", async () => {
  await using server = await tlsServer(answerChecks);
  const requests = await openClient(await server.dial(), server.identity.publicKey);
  const many = Array.from({ length: 2000 }, (_, at) => `user${at}`);
  const replies = await Promise.all(
    many.map((name) => requests.request({ type: "account.check", name })),
  );
  assert.ok(replies.every(({ message }) => message.exists));
  assert.ok(requests.connection.traffic.sentFrames < 20, "hundreds of messages a frame");
  await requests.close();
  assert.deepEqual(server.failures, []);
});

Deno.test("large bodies cross in both directions without a change", async () => {
  await using server = await tlsServer(async (connection) => {
    for (let got = await connection.receive(); got; got = await connection.receive()) {
      for (const { message, body } of got) {
        if (message.type !== "account.password.finish") continue;
        connection.send({ type: "vault.get.ok", id: message.id, body: body.length }, body);
      }
    }
  });
  const connection = await Connection.open(await server.dial(), {
    device: generateSigningKey(),
    facts: clientFacts,
  });
  const bodies = [1, 70_000, 1024 * 1024, 3].map((length) =>
    new Uint8Array(length).map((_, at) => at * length)
  );
  for (const [id, body] of bodies.entries()) {
    const type = "account.password.finish";
    connection.send({ type, id, finish: "", record: "", body: body.length }, body);
  }
  const back: Uint8Array[] = [];
  while (back.length < bodies.length) {
    back.push(...(await connection.receive() ?? []).map(({ body }) => body));
  }
  assert.deepEqual(back, bodies);
  await connection.close();
});

Deno.test("violations over real sockets: the right error, the end, and the server serves the next", async (t) => {
  await using server = await tlsServer(answerChecks);
  const check = '[{"type":"account.check","id":1,"name":"bob"}]';
  const flipped = (client: RawClient) => {
    const bytes = client.encode(check);
    bytes[9] = (bytes[9] ?? 0) ^ 4;
    return bytes;
  };
  const cases: Record<string, [string, (client: RawClient) => Uint8Array | Promise<Uint8Array>]> = {
    "a flipped bit": ["tampered", flipped],
    "a skipped counter": ["tampered", (client) => client.encode(check, [], { counter: 2 })],
    "a frame of another session": ["tampered", () => foreignFrame(server.dial, check)],
    "an oversize length": ["too_large", () => new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0])],
    "deep JSON": ["malformed", (client) => client.encode("[".repeat(60_000))],
    "an unknown type": ["unknown_type", (client) => client.encode('[{"type":"x"}]')],
  };
  for (const [name, [code, make]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const client = await new RawClient(await server.dial()).greet();
      await client.write(await make(client));
      assert.equal(await client.refusal(), code);
      client.close();
    });
  }
  await t.step("a replayed frame", async () => {
    const client = await new RawClient(await server.dial()).greet();
    const bytes = client.encode(check);
    await client.write(bytes);
    assert.equal((await client.receive())?.[0]?.message.type, "account.check.ok");
    await client.write(bytes);
    assert.equal(await client.refusal(), "tampered");
    client.close();
  });
  await t.step("an orderly client is served as before", async () => {
    const requests = await openClient(await server.dial(), server.identity.publicKey);
    const reply = await requests.request({ type: "account.check", name: "bob" });
    assert.equal(reply.message.exists, true);
    await requests.close();
  });
});

Deno.test("every client learns that a server has no room, also when its hello has begun to arrive", async () => {
  const { identity, authority, cert, key } = await makeServerIdentity();
  const listener = listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const error = new AppError("too_many_connections");
  for (let round = 0; round < 10; round++) {
    const refusing = listener.accept().then((transport) =>
      transport && Connection.refuse(transport, { identity, facts: serverFacts, error })
    );
    const { port } = listener;
    const there = { host: "127.0.0.1", port, identity: identity.publicKey, authority };
    const device = generateSigningKey();
    const client = await Connection.open(await dial(there), { device, facts: clientFacts });
    const message = (await client.receive())?.[0]?.message;
    assert.equal(message?.type === "error" && message.code, "too_many_connections");
    await Promise.all([client.close(), refusing]);
  }
  listener.close();
});

Deno.test("a client that goes on sending after a violation still learns why it was disconnected", async () => {
  await using server = await tlsServer(answerChecks);
  for (let round = 0; round < 5; round++) {
    const transport = await server.dial();
    const connection = await Connection.open(transport, {
      device: generateSigningKey(),
      facts: clientFacts,
    });
    connection.sendEncoded('{"type":"nothing"}');
    await new Promise((resolve) => setTimeout(resolve, 0));
    const pump = async () => {
      for (let count = 0; count < 200 && connection.isOpen; count++) {
        const message = { type: "vault.get.ok", id: 1, body: 100_000 } as const;
        connection.send(message, new Uint8Array(100_000));
        await connection.queuedAtMost(1_000_000);
      }
    };
    const [arrived] = await Promise.all([connection.receive(), pump()]);
    const first = arrived?.[0]?.message;
    assert.equal(first?.type === "error" && first.code, "unknown_type");
    await connection.close();
  }
});

/** A frame made for one session, to be sent in another. */
async function foreignFrame(dialServer: () => Promise<SocketTransport>, header: string) {
  const other = await new RawClient(await dialServer()).greet();
  const bytes = other.encode(header);
  other.close();
  return bytes;
}

Deno.test("half a frame and silence over a real socket ends by the server's clock", async () => {
  const clock = new ManualClock();
  const waiting = Promise.withResolvers<void>();
  await using server = await tlsServer(async (connection) => {
    const first = connection.receive();
    waiting.resolve();
    await first;
  }, { clock });
  const client = await new RawClient(await server.dial()).greet();
  await waiting.promise;
  const bytes = client.encode('[{"type":"ping"}]');
  await client.write(bytes.subarray(0, 20));
  await clock.advance(60_000);
  const told = await client.receive();
  const types = [told?.[0]?.message.type, (await client.receive())?.[0]?.message.type];
  assert.ok(types.includes("error"), String(types));
  client.close();
});

Deno.test("a client that never reads is disconnected, and the server's memory is bounded", async () => {
  const reached = Promise.withResolvers<number>();
  await using server = await tlsServer(async (connection) => {
    const event = JSON.stringify({ type: "presence", changes: [] });
    const ballast = new Uint8Array(60_000);
    let most = 0;
    while (connection.isOpen) {
      for (let count = 0; count < 50 && connection.isOpen; count++) {
        connection.sendEncoded(event, ballast);
        most = Math.max(most, connection.queuedBytes);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    reached.resolve(most);
    await connection.receive();
  }, { limits: { drainMs: 50 } });
  const transport = await server.dial();
  await new RawClient(transport).greet();
  assert.ok(await reached.promise < 4 * 1024 * 1024 + 200_000);
  transport.close();
});

Deno.test("dialling refuses a server whose certificate is by another authority", async () => {
  await using server = await tlsServer(answerChecks);
  const { authority } = await makeServerIdentity();
  const identity = server.identity.publicKey;
  const target = { host: "127.0.0.1", port: server.port };
  await assert.rejects(dial({ ...target, identity, authority }), { code: "invalid_certificate" });
});

Deno.test("dialling refuses a server of the same authority under another identity", async () => {
  await using server = await tlsServer(answerChecks);
  const { authority } = server;
  const identity = generateSigningKey().publicKey;
  const target = { host: "localhost", port: server.port };
  await assert.rejects(dial({ ...target, identity, authority }), { code: "invalid_certificate" });
});

Deno.test("dialling by the system's authorities refuses a private certificate", async () => {
  await using server = await tlsServer(answerChecks);
  const target = { host: "localhost", port: server.port };
  await assert.rejects(dialSystem(target), { code: "invalid_certificate" });
});

Deno.test("a hello over verified TLS must still carry the pinned identity", async () => {
  await using server = await tlsServer(answerChecks);
  const wrong = generateSigningKey().publicKey;
  const opening = openClient(await server.dial(), wrong).then(() => "opened", codeOf);
  assert.equal(await opening, "tampered");
});

Deno.test("a hello shows the facts of the server and the authority to verify it by", async () => {
  await using server = await tlsServer(answerChecks);
  const requests = await openClient(await server.dial(), server.identity.publicKey);
  const { peer } = requests.connection;
  assert.ok(peer.kind === "server");
  assert.equal(peer.hello.authority, server.authority);
  assert.equal(peer.hello.name, serverFacts.name);
  assert.equal(peer.hello.identity, toBase64url(server.identity.publicKey));
  await requests.close();
});
