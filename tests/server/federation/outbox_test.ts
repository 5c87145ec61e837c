import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { signLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { House, linkHouses } from "./kit.ts";

/** Posts these texts, and waits until all of them are on disk. */
async function postAll(client: WireClient, texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => {
    const content = { post: randomId(), sentAt: Date.now(), text };
    const signature = toBase64url(signLobbyPost(client.device, content));
    return client.request({ type: "lobby.post", ...content, signature });
  }));
}

/** All texts of a server's lobby, in their order. */
async function lobbyOf(client: WireClient): Promise<string[]> {
  const texts: string[] = [];
  for (let after = 0, more = true; more;) {
    const reply = await client.request({ type: "lobby.fetch", after, limit: 64 });
    const posts = client.events.splice(0).flatMap(({ message }) =>
      message.type === "lobby" ? [message] : []
    );
    texts.push(...posts.map(({ text }) => text));
    after = posts.at(-1)?.seq ?? after;
    more = reply.message.more;
  }
  return texts;
}

Deno.test("both servers are killed while an outbox empties: everything arrives, once and in order", async () => {
  await using mill = await House.start("mill", "--lobby-peers");
  await using office = await House.start("office", "--lobby-peers");
  await linkHouses(mill, office);
  await office.kill();
  const texts = Array.from({ length: 3000 }, (_, number) => `post ${number}`);
  {
    await using client = await WireClient.connect(await mill.server.pinned(), { receive: false });
    await client.register(newAccount("sam"));
    await postAll(client, texts);
  }
  strictEqual((await mill.peers())[0]?.queued, texts.length);
  await office.again();
  await mill.waitingAtMost(2500);
  await office.kill();
  await office.again();
  await mill.waitingAtMost(1500);
  await mill.kill();
  await mill.again();
  await mill.waitingAtMost(0);
  await using reader = await WireClient.connect(await office.server.pinned(), { receive: false });
  await reader.register(newAccount("rae"));
  deepStrictEqual(await lobbyOf(reader), texts);
});

Deno.test("three servers share a lobby in pairs; nothing goes in circles", async () => {
  const houses: House[] = [];
  await using stack = new AsyncDisposableStack();
  for (const name of ["mill", "office", "yard"]) {
    houses.push(stack.use(await House.start(name, "--lobby-peers")));
  }
  const [mill, office, yard] = houses;
  ok(mill && office && yard);
  await linkHouses(mill, office);
  await linkHouses(office, yard);
  await linkHouses(mill, yard);
  const people: WireClient[] = [];
  for (const house of houses) {
    const client = stack.use(
      await WireClient.connect(await house.server.pinned(), { receive: false }),
    );
    await client.register(newAccount(`of-${house.name}`));
    people.push(client);
  }
  await Promise.all(
    people.map((client, index) => postAll(client, [`from ${houses[index]?.name}`])),
  );
  for (const house of houses) await house.waitingAtMost(0);
  for (const client of people) {
    deepStrictEqual((await lobbyOf(client)).sort(), ["from mill", "from office", "from yard"]);
  }
});
