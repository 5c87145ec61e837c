import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { createConversation, offerKeyPackage, type Party } from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { House, linkFrom } from "./kit.ts";

async function party(house: House, name: string): Promise<Party> {
  const client = await WireClient.connect(await house.server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

const piece = 256 * 1024;
const content = new Uint8Array(3 * piece + 1000);
for (let at = 0; at < content.length; at += 65_536) {
  crypto.getRandomValues(content.subarray(at, Math.min(content.length, at + 65_536)));
}

async function upload({ client }: Party, conversation: string): Promise<string> {
  const file = randomId();
  await client.request({ type: "file.begin", conversation, file, size: content.length });
  for (let offset = 0; offset < content.length; offset += piece) {
    const body = content.subarray(offset, offset + piece);
    await client.request({ type: "file.chunk", file, offset, body: body.length }, body);
  }
  await client.request({ type: "file.finish", file });
  return file;
}

async function range(
  { client }: Party,
  file: string,
  { offset, length, server }: { offset: number; length: number; server?: string },
): Promise<Uint8Array> {
  const where = server === undefined ? {} : { server };
  const { message, body } = await client.request({
    type: "file.get",
    file,
    offset,
    length,
    ...where,
  });
  deepStrictEqual([message.offset, message.size], [offset, content.length]);
  return body;
}

const stored = (house: House) => [...Deno.readDirSync(`${house.server.data}/files`)].length;

Deno.test("files of a conversation of two servers stay on their sender's, and are fetched through one's own", async (t) => {
  await using mill = await House.start("mill", "--consent", "none");
  await using office = await House.start("office", "--consent", "none");
  const [sam, rae, max] = [
    await party(mill, "sam"),
    await party(office, "rae"),
    await party(office, "max"),
  ];
  await using _sam = sam.client;
  await using _rae = rae.client;
  await using _max = max.client;
  await linkFrom(mill, office);
  await offerKeyPackage(rae);
  const { conversation } = await createConversation(sam, rae, { server: "office" });
  await rae.client.event("welcome");
  const file = await upload(sam, conversation);

  await t.step("any range of it, all at once as well", async () => {
    const server = "mill";
    const [middle, end] = await Promise.all([
      range(rae, file, { offset: 77, length: 5, server }),
      range(rae, file, { offset: 2 * piece, length: 2 * piece, server }),
    ]);
    deepStrictEqual([...middle], [...content.subarray(77, 82)]);
    deepStrictEqual(end, content.subarray(2 * piece));
    strictEqual(stored(mill), 1);
  });
  await t.step("nobody else gets it, nor anybody where it is not", async () => {
    const get = { type: "file.get", file, offset: 0, length: 5 } as const;
    await rejects(max.client.request({ ...get, server: "mill" }), { code: "not_found" });
    await rejects(rae.client.request(get), { code: "not_found" });
    await rejects(rae.client.request({ ...get, server: "nowhere" }), { code: "no_such_server" });
    const done = { type: "file.done", file, server: "mill" } as const;
    await rejects(max.client.request(done), { code: "not_found" });
    strictEqual(stored(mill), 1);
  });
  await t.step(
    "whoever has it says so to the server that has it, which forgets it then",
    async () => {
      await rae.client.request({ type: "file.done", file, server: "mill" });
      const get = { type: "file.get", file, offset: 0, length: 5, server: "mill" } as const;
      await rejects(rae.client.request(get), { code: "not_found" });
    },
  );
  await t.step("members whose server only follows send files as well", async () => {
    const back = await upload(rae, conversation);
    deepStrictEqual(
      await range(sam, back, { offset: 0, length: piece, server: "office" }),
      content.subarray(0, piece),
    );
    strictEqual(stored(office), 1);
    await office.kill();
    const get = { type: "file.get", file: back, offset: 0, length: 5, server: "office" } as const;
    await rejects(sam.client.request(get), { code: "server_away" });
  });
});
