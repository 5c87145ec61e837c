import assert from "node:assert/strict";
import { AppError } from "../../lib/base/errors.ts";
import {
  clientFinishLogin,
  clientFinishRegistration,
  clientStartLogin,
  clientStartRegistration,
  createServerSetup,
  serverFinishLogin,
  serverRegistrationResponse,
  serverStartLogin,
} from "../../lib/crypto/password.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";

/** One account on one server; logins vary from it. */
interface Scene {
  readonly setup: string;
  readonly serverKey: Uint8Array;
  readonly name: string;
  readonly password: string;
  readonly record: string;
  readonly exportKey: string;
}

async function registered(name = "Sam", password = "correct horse"): Promise<Scene> {
  const setup = await createServerSetup();
  const serverKey = generateSigningKey().publicKey;
  const { state, request } = await clientStartRegistration(password);
  const response = await serverRegistrationResponse({ setup, name, request });
  const finished = await clientFinishRegistration({ name, serverKey, password, state, response });
  return { setup, serverKey, name, password, ...finished };
}

interface Attempt {
  readonly name?: string;
  readonly password?: string;
  readonly record?: string | undefined;
  readonly clientServerKey?: Uint8Array;
}

/** A login from both sides; `changes` are what the client or the server has otherwise than registered. */
async function logIn(scene: Scene, changes: Attempt = {}) {
  const { name, password } = { ...scene, ...changes };
  const record = "record" in changes ? changes.record : scene.record;
  const started = await clientStartLogin(password);
  const server = await serverStartLogin({
    setup: scene.setup,
    serverKey: scene.serverKey,
    name,
    record,
    request: started.request,
  });
  const client = await clientFinishLogin({
    name,
    password,
    serverKey: changes.clientServerKey ?? scene.serverKey,
    state: started.state,
    response: server.response,
  });
  return { client, server };
}

Deno.test("the right password gives both sides one session key and brings the export key back", async () => {
  const scene = await registered();
  const { client, server } = await logIn(scene, { name: "SAM" });
  assert.ok(client);
  const finished = await serverFinishLogin({
    name: "sAm",
    serverKey: scene.serverKey,
    state: server.state,
    finish: client.finish,
  });
  assert.equal(finished?.sessionKey, client.sessionKey);
  assert.equal(client.exportKey, scene.exportKey);
});

Deno.test("a wrong password gives nothing on either side", async () => {
  const scene = await registered();
  const { client, server } = await logIn(scene, { password: "wrong horse" });
  assert.equal(client, undefined);
  const other = await logIn(scene);
  const finish = other.client?.finish ?? "";
  const { serverKey, name } = scene;
  assert.equal(
    await serverFinishLogin({ name, serverKey, state: server.state, finish }),
    undefined,
  );
  assert.equal(
    await serverFinishLogin({ name, serverKey, state: server.state, finish: "no proof" }),
    undefined,
  );
});

Deno.test("an unknown name is answered in the same form and refused in the same way", async () => {
  const scene = await registered();
  const real = await logIn(scene, { password: "wrong horse" });
  const unknown = await logIn(scene, { name: "nobody", record: undefined });
  assert.equal(unknown.client, undefined);
  assert.equal(unknown.server.response.length, real.server.response.length);
});

Deno.test("a record under another name, or another server, opens nothing", async () => {
  const scene = await registered();
  assert.equal((await logIn(scene, { name: "erik" })).client, undefined);
  const clientServerKey = generateSigningKey().publicKey;
  assert.equal((await logIn(scene, { clientServerKey })).client, undefined);
});

Deno.test("a password is the same however its accents were composed", async () => {
  const scene = await registered("sam", "caf\u00e9 au lait");
  assert.ok((await logIn(scene, { password: "cafe\u0301 au lait" })).client);
});

Deno.test("what is no message of the exchange is malformed", async () => {
  const { setup, serverKey, name, record } = await registered();
  const isMalformed = (error: unknown) => error instanceof AppError && error.code === "malformed";
  for (const request of ["", "!", "AAAA", "x".repeat(10_000)]) {
    await assert.rejects(serverRegistrationResponse({ setup, name, request }), isMalformed);
    await assert.rejects(
      serverStartLogin({ setup, serverKey, name, record, request }),
      isMalformed,
    );
  }
  const { state } = await clientStartLogin("x");
  await assert.rejects(
    clientFinishLogin({ name, serverKey, password: "x", state, response: "AAAA" }),
    isMalformed,
  );
});
