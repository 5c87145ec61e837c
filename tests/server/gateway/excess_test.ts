/** More than anybody needs: a server process refuses to keep it. */
import { strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { mlsLimits, serverLimits } from "../../../lib/base/limits.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import * as cheap from "../../kit/cheap_password.ts";
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
