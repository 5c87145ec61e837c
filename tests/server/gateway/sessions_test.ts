import { ok, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { textLimits } from "../../../lib/base/limits.ts";
import { signLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { clientHello } from "../../../lib/wire/handshake.ts";
import { dial, type PinnedServer } from "../../../lib/wire/tls.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { RawClient } from "../../wire/kit.ts";

/** A logged-in device that answers nothing from now on, as a machine that lost its line. */
async function silent(server: PinnedServer, device: SigningKey): Promise<RawClient> {
  const client = new RawClient(await dial(server));
  Object.assign(client, { device });
  await client.greet();
  const login = { type: "account.login.device", id: 1, instance: randomId(), receive: true };
  await client.write(client.encode(JSON.stringify([login])));
  strictEqual((await client.receive())?.[0]?.message.type, "account.login.device.ok");
  return client;
}

Deno.test("sessions of one device, against a server process with two gateways", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path, args: ["--gateways", "2"] });
  const pinned = await server.pinned();
  const device = generateSigningKey();
  await using first = await WireClient.connect(pinned, { device });
  await first.register(newAccount("sam"));

  const arrive = async (instance: string) => {
    const client = await WireClient.connect(pinned, { device, instance });
    return { client, welcome: await client.logInDevice().catch((thrown: unknown) => thrown) };
  };

  await t.step("several processes of one profile are there at once", async () => {
    for (let count = 0; count < 5; count++) {
      const { client, welcome } = await arrive(first.instance);
      ok(!(welcome instanceof Error));
      await client.requests.close();
    }
  });

  await t.step(
    "a copied profile is refused while the original lives, wherever it is connected",
    async () => {
      for (let count = 0; count < 6; count++) {
        const { client, welcome } = await arrive(randomId());
        ok(welcome instanceof RefusedError && welcome.code === "already_logged_in");
        await client.requests.close();
      }
      strictEqual(first.connection.isOpen, true);
    },
  );

  await t.step("a session whose line is dead gives way", async () => {
    await first.request({ type: "session.close" });
    await first.closed;
    const dead = await silent(pinned, device);
    const { client, welcome } = await arrive(randomId());
    ok(!(welcome instanceof Error), String(welcome));
    await using _ = client;
    const said: string[] = [];
    for (let next = await dead.receive(); next !== undefined; next = await dead.receive()) {
      said.push(...next.map(({ message }) => message.type));
    }
    ok(said.includes("session.replaced"), said.join());
    dead.close();
  });

  await t.step("who never reads is cut off, and others are served meanwhile", async () => {
    const { client } = await arrive(randomId());
    await using writer = client;
    const text = "x".repeat(textLimits.lobbyTextBytes);
    for (let count = 0; count < 24; count++) {
      const content = { post: randomId(), text, sentAt: Date.now() };
      const signature = toBase64url(signLobbyPost(device, content));
      await writer.request({ type: "lobby.post", ...content, signature });
    }
    const reader = await WireClient.connect(pinned);
    await reader.register(newAccount("reader"));
    const slow = await silent(pinned, reader.device).catch(() => undefined);
    strictEqual(slow, undefined, "the device is there already");
    await reader.request({ type: "session.close" });
    await reader.closed;
    const glutton = await silent(pinned, reader.device);
    const fetches = Array.from(
      { length: 60 },
      (_, id) => ({ type: "lobby.fetch", id, after: 0, limit: 64 }),
    );
    await glutton.write(glutton.encode(JSON.stringify(fetches)));
    await server.process.waitForRemark(/slow reader/);
    const { message } = await writer.request({ type: "account.check", name: "reader" });
    strictEqual(message.exists, true);
    glutton.close();
  });
});

Deno.test("a client that only greets is not kept from the log by its words", async () => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const raw = new RawClient(await dial(await server.pinned()));
  const nonce = new Uint8Array(32);
  const software = "\x1b]0;owned\x07\u202e".slice(0, 60);
  await raw.greet(clientHello({ software, role: "client" }, { device: raw.device, nonce }));
  raw.close();
  await server.stop();
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  strictEqual(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/.test(server.process.err.join("\n")), false);
});
