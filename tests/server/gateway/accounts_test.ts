import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import * as cheap from "../../kit/cheap_password.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";

async function refusal(work: Promise<unknown>): Promise<RefusedError> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  ok(thrown instanceof RefusedError, `a refusal expected, but ${String(thrown)}`);
  return thrown;
}

Deno.test("accounts, over TLS and frames against a server process", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const pinned = await server.pinned();
  const connect = (options = {}) => WireClient.connect(pinned, options);
  const sam = newAccount("Sam");
  const samsDevice = generateSigningKey();

  await t.step("a name is free until somebody registers it, in whatever case", async () => {
    await using client = await connect({ device: samsDevice });
    const exists = async (name: string) =>
      (await client.request({ type: "account.check", name })).message.exists;
    strictEqual(await exists("sam"), false);
    const welcome = await client.register(sam);
    strictEqual(welcome.name, "Sam");
    strictEqual(welcome.device, client.deviceText);
    match(welcome.address, /^10\.8\.\d+\.\d+$/);
    deepStrictEqual([welcome.unread, welcome.notifications, welcome.keyPackages], [0, 0, 0]);
    strictEqual(await exists("SAM"), true);
    await using other = await connect();
    strictEqual((await refusal(other.register(newAccount("sAm")))).code, "name_taken");
  });

  await t.step("a name that is none is refused as such", async () => {
    await using client = await connect();
    for (const name of ["ab", "a b c", "-abc", "x".repeat(33), "sam\u0000"]) {
      strictEqual(
        (await refusal(
          client.register(newAccount(name)).catch((thrown) => {
            // The client's own certificate code refuses such a name too; ask the server itself.
            if (thrown instanceof RefusedError) throw thrown;
            return client.request({ type: "account.check", name });
          }),
        )).code,
        "invalid_name",
      );
    }
  });

  await t.step("a password opens the account for a new device, and gives the vault", async () => {
    await using client = await connect();
    const opened = await client.logIn(sam);
    strictEqual(opened.message.account, sam.id);
    strictEqual(opened.message.accountKey, toBase64url(sam.key.publicKey));
    strictEqual(opened.body.length, 200);
    const welcome = await client.enrol(sam);
    strictEqual(welcome.account, sam.id);
    const { message } = await client.request({ type: "device.list" });
    strictEqual(message.devices.length, 2);
  });

  await t.step(
    "a wrong password and an unknown name get the same answer, shape for shape",
    async () => {
      await using client = await connect();
      const answers = [];
      for (const name of ["Sam", "Nobody"]) {
        const { code, message, retry, retryAfterMs, epoch } = await refusal(
          client.logIn({ name, password: "not the password" }),
        );
        answers.push({ code, message, retry, retryAfterMs, epoch });
      }
      strictEqual(answers[0]?.code, "invalid_credentials");
      strictEqual(answers[0]?.message, "incorrect password");
      deepStrictEqual(answers[0], answers[1]);
      const starts = [];
      for (const name of ["Sam", "Nobody"]) {
        const { startLogin } = await import("../../kit/cheap_password.ts");
        const { request } = await startLogin("x");
        const { message } = await client.request({ type: "account.login.start", name, request });
        starts.push({ fields: Object.keys(message), length: message.response.length });
      }
      deepStrictEqual(starts[0], starts[1]);
    },
  );

  await t.step(
    "a known device logs in by its signature alone; an unknown one does not",
    async () => {
      await using client = await connect({ device: samsDevice });
      strictEqual((await client.logInDevice()).account, sam.id);
      await using stranger = await connect();
      strictEqual((await refusal(stranger.logInDevice())).code, "unknown_device");
    },
  );

  await t.step("a certificate for another device, name or server enrols nothing", async () => {
    await using client = await connect();
    await client.logIn(sam);
    await using other = await connect();
    const foreign = other.certificate(sam);
    const arrival = { instance: randomId(), receive: false };
    const enrol = (certificate: string) =>
      refusal(client.request({ type: "device.enrol", certificate, label: "", ...arrival }));
    strictEqual((await enrol(foreign)).code, "invalid_certificate");
    strictEqual(
      (await enrol(client.certificate({ ...sam, name: "Other" }))).code,
      "invalid_certificate",
    );
    const otherKey = { ...sam, key: generateSigningKey() };
    strictEqual((await enrol(client.certificate(otherKey))).code, "invalid_certificate");
    strictEqual(
      (await enrol(client.certificate({ ...sam, id: randomId() }))).code,
      "invalid_certificate",
    );
    strictEqual((await enrol("AAAA")).code, "invalid_certificate");
    await client.enrol(sam);
  });

  await t.step("before the login, and in the wrong order, nothing else is permitted", async () => {
    await using client = await connect();
    const denied = async (work: Promise<unknown>) =>
      strictEqual((await refusal(work)).code, "not_permitted_now");
    await denied(client.request({ type: "vault.get" }));
    await denied(client.request({ type: "directory.users", scope: "all" }));
    await denied(client.request({ type: "account.login.finish", finish: "AAAA" }));
    await denied(client.enrol(sam));
    await client.logIn(sam);
    await denied(client.logInDevice());
    await denied(client.request({ type: "vault.get" }));
  });

  await t.step("a revoked device is cut off at once and stays out", async () => {
    const victim = generateSigningKey();
    await using thief = await connect({ device: victim });
    await thief.logIn(sam);
    await thief.enrol(sam);
    await using owner = await connect({ device: samsDevice });
    await owner.logInDevice();
    const revoke = (key: typeof sam.key) =>
      owner.request({
        type: "device.revoke",
        revocation: toBase64url(
          issueRevocation({
            accountKey: key,
            accountId: sam.id,
            deviceKey: victim.publicKey,
            revokedAt: Date.now(),
          }).bytes,
        ),
      });
    strictEqual((await refusal(revoke(generateSigningKey()))).code, "invalid_certificate");
    await revoke(sam.key);
    const reason = await thief.closed;
    ok(reason instanceof RefusedError && reason.code === "device_revoked");
    await using again = await connect({ device: victim });
    strictEqual((await refusal(again.logInDevice())).code, "device_revoked");
  });

  await t.step("session.close is answered, and presence ends with it", async () => {
    await using watcher = await connect({ device: samsDevice });
    await watcher.logInDevice();
    const rae = newAccount("rae");
    const client = await connect();
    await client.register(rae);
    const online = (state: boolean) =>
      watcher.event(
        "presence",
        ({ message }) =>
          message.changes.some(({ account, online }) => account === rae.id && online === state),
      );
    await online(true);
    await client.request({ type: "session.close" });
    strictEqual(await client.closed, undefined);
    await online(false);
  });

  await t.step(
    "the password is changed by whoever proves the old one, and by nobody else",
    async () => {
      const owner = newAccount("changing");
      await using client = await connect();
      await client.register(owner);
      const change = async (old: string, fresh: string) => {
        const parties = { name: owner.name, serverKey: pinned.identity };
        const login = await cheap.startLogin(old);
        const registration = await cheap.startRegistration(fresh);
        const { message } = await client.request({
          type: "account.password.start",
          request: login.request,
          registration: registration.request,
        });
        const finish = cheap.finishLogin({
          ...parties,
          password: old,
          state: login.state,
          response: message.response,
        }) ?? "AAAA";
        const record = cheap.finishRegistration({
          ...parties,
          password: fresh,
          state: registration.state,
          response: message.registration,
        });
        const vault = new Uint8Array(60).fill(9);
        await client.request({ type: "account.password.finish", finish, record, body: 60 }, vault);
      };
      strictEqual((await refusal(change("wrong", "new one"))).code, "invalid_credentials");
      await change(owner.password, "new one");
      await using other = await connect();
      strictEqual((await refusal(other.logIn(owner))).code, "invalid_credentials");
      const opened = await other.logIn({ name: owner.name, password: "new one" });
      strictEqual(opened.body[0], 9);
      // Some guesses are free, and one more is when a delay has passed; delays grow.
      const codes: string[] = [];
      while (codes.length < 20 && codes.at(-1) !== "too_many_attempts") {
        codes.push((await refusal(change("wrong", "x"))).code);
      }
      strictEqual(codes.at(-1), "too_many_attempts");
    },
  );

  await t.step("repeated failures are answered with a growing delay", async () => {
    const victim = newAccount("victim");
    await using owner = await connect();
    await owner.register(victim);
    await using client = await connect();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 12 && delays.length < 1; attempt++) {
      const answer = await refusal(client.logIn({ name: "victim", password: "wrong" }));
      if (answer.code === "too_many_attempts") delays.push(answer.retryAfterMs ?? 0);
      else strictEqual(answer.code, "invalid_credentials");
    }
    ok((delays[0] ?? 0) > 0, "a delay is named");
  });

  await t.step("the log is JSON lines without passwords or keys", async () => {
    const lines = await server.log();
    ok(lines.some(({ event }) => event === "account_registered"));
    const text = JSON.stringify(lines);
    const identity = await Deno.readTextFile(`${server.data}/identity.key`);
    const setup = (await Deno.readTextFile(`${server.data}/passwords.key`)).trim();
    const seed = identity.split("\n")[1] ?? "none";
    for (const secret of [sam.password, "not the password", seed, setup]) {
      strictEqual(text.includes(secret), false);
    }
  });

  await t.step("it stops in order", async () => {
    strictEqual((await server.stop()).code, 0);
    await rejects(connect());
  });
});
