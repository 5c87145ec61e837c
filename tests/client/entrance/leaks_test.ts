import assert from "node:assert/strict";
import { fromBase64url, toHex } from "../../../lib/base/bytes.ts";
import { House, password } from "./house.ts";

const marker = "marker-of-a-private-text-4711";
const friend = "Unmistakable-Friend";

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

Deno.test("after a conversation the client's folder shows neither texts, nor friends, nor keys", async () => {
  await using house = await House.make();
  const sam = await house.resident("Sam");
  const other = await house.resident(friend);
  const { id } = await sam.send({ kind: "direct", name: friend }, marker);
  await sam.waitFor(id, "delivered", AbortSignal.timeout(60_000));
  await other.send({ kind: "direct", name: "Sam" }, `${marker} back`);
  await sam.setVerified(friend, true);
  const { account, fingerprint, devices } = await sam.key(friend);
  const latin1 = new TextDecoder("latin1");
  const keys = devices.flatMap(({ device }) => [
    device,
    toHex(fromBase64url(device)),
    latin1.decode(fromBase64url(device)),
  ]);
  const secrets = [marker, friend, friend.toLowerCase(), password, account, fingerprint, ...keys];
  let files = 0;
  for await (const path of filesIn(house.home("Sam"))) {
    files += 1;
    const stored = latin1.decode(await Deno.readFile(path));
    for (const secret of secrets) {
      assert.ok(!stored.includes(secret), `${JSON.stringify(secret)} in ${path}`);
    }
  }
  assert.ok(files >= 6, `${files} files were looked at`);
});
