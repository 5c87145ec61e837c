/** What a server process refuses to keep: more than anybody needs, and key packages that would make it look like a liar. */
import { strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { mlsLimits, serverLimits } from "../../../lib/base/limits.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import * as cheap from "../../kit/cheap_password.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { createKeyPackage } from "../../../lib/mls/mod.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => "accepted", (error: unknown) => error);
  return thrown instanceof RefusedError ? thrown.code : String(thrown);
}

Deno.test("vaults and key packages are kept only up to their sizes", async () => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  await using client = await WireClient.connect(await server.pinned());
  const account = newAccount("hoarder");
  const { name, password } = account;
  const { state, request } = await cheap.startRegistration(password);
  const { message } = await client.request({ type: "account.register.start", name, request });
  const parties = { name, serverKey: client.server.identity };
  const { response } = message;
  const record = cheap.finishRegistration({ ...parties, password, state, response });
  const register = (size: number) =>
    client.request({
      type: "account.register.finish",
      name,
      record,
      certificate: client.certificate(account),
      label: "",
      instance: client.instance,
      receive: false,
      body: size,
    }, new Uint8Array(size));
  strictEqual(await codeOf(register(serverLimits.vaultBytes + 1)), "too_large");
  await register(serverLimits.vaultBytes);
  const size = mlsLimits.keyPackageBytes + 1;
  const ref = toBase64url(new Uint8Array(64));
  const packages = [{ ref, lastResort: false, length: size }];
  const put = client.request(
    { type: "keypackages.put", packages, body: size },
    new Uint8Array(size),
  );
  strictEqual(await codeOf(put), "too_large");
});

Deno.test("a key package has to be certified by the own account, for this device and this server", async () => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  await using client = await WireClient.connect(await server.pinned());
  const account = newAccount("eve");
  await client.register(account);
  const right = {
    name: account.name,
    accountId: account.id,
    serverKey: client.server.identity,
    accountKey: account.key,
    deviceKey: client.device.publicKey,
    createdAt: Date.now(),
  };
  const put = async (change: Partial<typeof right>) => {
    const certificate = issueDeviceCertificate({ ...right, ...change });
    const identity = { device: client.device, certificate };
    const made = await createKeyPackage(identity, { now: Date.now(), lastResort: false });
    const { ref, keyPackage } = made;
    const packages = [{ ref, lastResort: false, length: keyPackage.length }];
    const body = keyPackage.length;
    return await codeOf(client.request({ type: "keypackages.put", packages, body }, keyPackage));
  };
  strictEqual(await put({}), "accepted");
  strictEqual(await put({ accountId: crypto.randomUUID() }), "malformed");
  strictEqual(await put({ accountKey: generateSigningKey() }), "malformed");
  strictEqual(await put({ serverKey: generateSigningKey().publicKey }), "malformed");
});
