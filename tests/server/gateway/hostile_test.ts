import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { u32be } from "../../../lib/base/bytes.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { clientHello } from "../../../lib/wire/handshake.ts";
import { dial } from "../../../lib/wire/tls.ts";
import { TempFolder } from "../../kit/folder.ts";
import { flipped, hostileClient } from "../../kit/hostile.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { clientFacts, RawClient } from "../../wire/kit.ts";

const check = '[{"type":"account.check","id":1,"name":"somebody"}]';

Deno.test("hostile clients, over real sockets against a server process", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const pinned = await server.pinned();
  await using bystander = await WireClient.connect(pinned);
  await bystander.register(newAccount("bystander"));

  /** Sends what `make` makes in a fresh session; the error's code, once the connection is closed. */
  async function answerTo(make: (client: RawClient) => Uint8Array | Uint8Array[]): Promise<string> {
    const client = await hostileClient(pinned);
    const frames = make(client);
    for (const frame of Array.isArray(frames) ? frames : [frames]) await client.write(frame);
    const code = await client.refusal();
    client.close();
    return code;
  }

  /** The server goes on: a session from before still gets its answers. */
  async function unharmed(): Promise<void> {
    const { message } = await bystander.request({ type: "account.check", name: "bystander" });
    strictEqual(message.exists, true);
  }

  await t.step("one flipped bit anywhere in a frame is tampering", async () => {
    for (const at of [8, 20, -70, -1]) {
      strictEqual(await answerTo((client) => flipped(client.encode(check), at)), "tampered");
    }
    await unharmed();
  });

  await t.step(
    "a replayed frame, a skipped counter and a frame of another session are tampering",
    async () => {
      const client = await hostileClient(pinned);
      const frame = client.encode(check);
      await client.write(frame);
      strictEqual((await client.receive())?.[0]?.message.type, "account.check.ok");
      await client.write(frame);
      strictEqual(await client.refusal(), "tampered");
      client.close();
      strictEqual(await answerTo((one) => one.encode(check, [], { counter: 2 })), "tampered");
      const other = await hostileClient(pinned);
      strictEqual(
        await answerTo((one) => one.encode(check, [], { sessionId: other.sessionId })),
        "tampered",
      );
      strictEqual(
        await answerTo((one) => one.encode(check, [], { key: other.device })),
        "tampered",
      );
      strictEqual(await answerTo((one) => one.encode(check, [], { direction: 1 })), "tampered");
      other.close();
      await unharmed();
    },
  );

  await t.step("lengths beyond the limits are refused before anything is buffered", async () => {
    const lengths = (header: number, body: number) =>
      new Uint8Array([...u32be(header), ...u32be(body)]);
    strictEqual(await answerTo(() => lengths(64 * 1024 + 1, 0)), "too_large");
    strictEqual(await answerTo(() => lengths(10, 1024 * 1024 + 1)), "too_large");
    strictEqual(await answerTo(() => lengths(0xffffffff, 0xffffffff)), "too_large");
    ok(["malformed", "too_large"].includes(await answerTo(() => lengths(0, 0))));
    await unharmed();
  });

  await t.step(
    "JSON that is deep, huge, doubled, no array, no object or no JSON is malformed",
    async () => {
      const deep = `[{"type":"account.check","id":1,"name":${"[".repeat(500)}${"]".repeat(500)}}]`;
      const many = `[${Array<string>(257).fill('{"type":"ping"}').join(",")}]`;
      const cases = [
        deep,
        many,
        '[{"type":"account.check","id":1,"name":"a","name":"b"}]',
        '{"type":"account.check","id":1,"name":"somebody"}',
        "[7]",
        "[]",
        "[null]",
        "nonsense",
        '[{"type":"account.check","id":1}]',
        '[{"type":"account.check","id":-1,"name":"somebody"}]',
        '[{"type":"account.check","id":1,"name":"somebody","extra":1}]',
        '[{"type":"account.check","id":1,"name":"somebody"}] ]',
        '[{"type":"account.check","id":1,"name":"\\ud800"},{}]',
        '[{"type":7}]',
        '[{"__proto__":{"type":"ping"}}]',
      ];
      for (const header of cases) {
        strictEqual(
          await answerTo((client) => client.encode(header)),
          "malformed",
          header.slice(0, 80),
        );
      }
      await unharmed();
    },
  );

  await t.step("an unknown type and one that only servers send are refused", async () => {
    for (
      const type of ["account.destroy", "toString", "account.check.ok", "error", "hello.server"]
    ) {
      strictEqual(
        await answerTo((client) => client.encode(`[{"type":"${type}","id":1}]`)),
        "unknown_type",
      );
    }
    await unharmed();
  });

  await t.step("bodies that do not add up are malformed", async () => {
    strictEqual(await answerTo((client) => client.encode(check, [new Uint8Array(5)])), "malformed");
    const finish = { type: "account.register.finish", id: 1, body: 100 };
    strictEqual(await answerTo((client) => client.encode(JSON.stringify([finish]))), "malformed");
    await unharmed();
  });

  await t.step(
    "a second hello, a hello with a bad signature or for another version ends the session",
    async () => {
      const device = generateSigningKey();
      const nonce = new Uint8Array(32);
      const hello = clientHello(clientFacts, { device, nonce });
      strictEqual(await answerTo(() => hello), "tampered");
      const bad = await new RawClient(await dial(pinned)).greet(flipped(hello, -1));
      strictEqual(await bad.refusal(), "tampered");
      bad.close();
      const text = JSON.stringify([{
        type: "hello.client",
        version: 99,
        software: "x",
        role: "client",
        device: "A".repeat(43),
        nonce: "A".repeat(43),
      }]);
      const unsigned = await new RawClient(await dial(pinned)).greet(
        new RawClient(await dial(pinned)).encode(text),
      );
      ok(["tampered", "malformed", "unsupported_version"].includes(await unsigned.refusal()));
      unsigned.close();
      await unharmed();
    },
  );

  await t.step("a notice before the login ends the session", async () => {
    const ack = JSON.stringify([{
      type: "message.ack",
      acks: [{ conversation: randomId(), seq: 1 }],
    }]);
    strictEqual(await answerTo((client) => client.encode(ack)), "not_permitted_now");
    await unharmed();
  });

  await t.step("requests of a session that never logs in are refused one by one", async () => {
    const client = await hostileClient(pinned);
    await client.write(
      client.encode('[{"type":"vault.get","id":9},{"type":"device.list","id":10}]'),
    );
    const codes: unknown[] = [];
    while (codes.length < 2) {
      for (const { message } of await client.receive() ?? []) {
        codes.push(message.type === "error" ? [message.id, message.code] : message.type);
      }
    }
    deepStrictEqual(codes, [[9, "not_permitted_now"], [10, "not_permitted_now"]]);
    client.close();
  });

  await t.step("noise instead of TLS, and TLS without a hello, are just dropped", async () => {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: server.ready.port });
    await tcp.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    const buffer = new Uint8Array(1000);
    let read: number | null = 0;
    while (read !== null) read = await tcp.read(buffer).catch(() => null);
    tcp.close();
    (await dial(pinned)).close();
    await unharmed();
  });

  await t.step(
    "every violation is in the log, under the connection's id, and its text drives no terminal",
    async () => {
      const violations = (await server.log()).filter(({ event }) => event === "session_failed");
      ok(violations.length >= 20);
      const codes = new Set(violations.map(({ code }) => code));
      for (const code of ["tampered", "malformed", "too_large", "unknown_type"]) {
        ok(codes.has(code));
      }
      ok(violations.every(({ connection }) => /^[0-9a-f]{12}$/.test(String(connection))));
      // deno-lint-ignore no-control-regex -- control characters are what this is about
      strictEqual(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(server.process.err.join("\n")), false);
    },
  );
});
