import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fileLimits } from "../../../lib/base/limits.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { createConversation, offerKeyPackage, type Party } from "../../kit/conversation.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";

async function refusal(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  ok(thrown instanceof RefusedError, `a refusal expected, but ${String(thrown)}`);
  return thrown.code;
}

async function party(server: TestServer, name: string): Promise<Party> {
  const client = await WireClient.connect(await server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

async function back(server: TestServer, { client, account }: Party): Promise<Party> {
  const { device, instance } = client;
  const again = await WireClient.connect(await server.pinned(), { device, instance });
  await again.logInDevice();
  return { client: again, account };
}

const piece = fileLimits.chunkBytes;
const size = 5 * fileLimits.unsyncedBytes + 1000;
const content = new Uint8Array(size);
for (let at = 0; at < size; at += 65_536) {
  crypto.getRandomValues(content.subarray(at, Math.min(size, at + 65_536)));
}

/** Uploads `content` from `from` up to `to`, several pieces under way. */
async function upload(
  { client }: Party,
  { file, from, to }: { file: string; from: number; to: number },
) {
  const under: Promise<unknown>[] = [];
  for (let offset = from; offset < to; offset += piece) {
    const body = content.subarray(offset, Math.min(to, offset + piece));
    under.push(client.request({ type: "file.chunk", file, offset, body: body.length }, body));
    if (under.length >= 4) await under.shift();
  }
  await Promise.all(under);
}

async function download({ client }: Party, file: string): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  for (let offset = 0; offset < size;) {
    const { message, body } = await client.request({
      type: "file.get",
      file,
      offset,
      length: 1024 * 1024,
    });
    deepStrictEqual([message.offset, message.size], [offset, size]);
    whole.set(body, offset);
    offset += body.length;
  }
  return whole;
}

const names = (server: TestServer) =>
  [...Deno.readDirSync(`${server.data}/files`)].map(({ name }) => name);

Deno.test("files, over TLS and frames against a server process that is killed in between", async (t) => {
  await using folder = await TempFolder.make();
  const options = { home: folder.path, args: ["--max-file-size", "21M"] };
  let server = await TestServer.start(options);
  let [erik, sam] = [await party(server, "erik"), await party(server, "sam")];
  const mallory = await party(server, "mallory");
  await offerKeyPackage(sam);
  const { conversation } = await createConversation(erik, sam);
  const file = randomId();
  const begin = { type: "file.begin", conversation, file, size } as const;

  await t.step(
    "the server says what it takes, and refuses what is too large before any byte",
    async () => {
      const { message } = await erik.client.request({ type: "file.limits" });
      deepStrictEqual([message.maxBytes, message.used], [21 * 1024 * 1024, 0]);
      ok(message.types.includes("pdf"));
      const large = { ...begin, file: randomId(), size: 22 * 1024 * 1024 };
      strictEqual(await refusal(erik.client.request(large)), "too_large");
      const chunk = { type: "file.chunk", file, offset: 0, body: 3 } as const;
      const early = erik.client.request(chunk, new Uint8Array(3));
      strictEqual(await refusal(early), "not_found");
    },
  );

  await t.step(
    "an upload survives kill -9 of the server up to what it had put on disk",
    async () => {
      const first = await erik.client.request(begin);
      deepStrictEqual([first.message.offset, first.message.complete], [0, false]);
      await upload(erik, { file, from: 0, to: 10 * 1024 * 1024 });
      strictEqual((await erik.client.request(begin)).message.offset, 10 * 1024 * 1024);
      await upload(erik, { file, from: 10 * 1024 * 1024, to: 11 * 1024 * 1024 });
      await server.stop("SIGKILL");
      // What a crash between row and file leaves behind.
      await Deno.writeTextFile(`${server.data}/files/${randomId()}`, "left over");
      server = await TestServer.start(options);
      [erik, sam] = [await back(server, erik), await back(server, sam)];
      const { message } = await erik.client.request(begin);
      ok(message.offset >= 8 * 1024 * 1024 && message.offset <= 11 * 1024 * 1024);
      const gap = erik.client.request(
        { type: "file.chunk", file, offset: size, body: 1 },
        content.slice(0, 1),
      );
      strictEqual(await refusal(gap), "wrong_offset");
      strictEqual(
        await refusal(erik.client.request({ type: "file.finish", file })),
        "wrong_offset",
      );
      await upload(erik, { file, from: message.offset, to: size });
      await erik.client.request({ type: "file.finish", file });
      strictEqual((await erik.client.request(begin)).message.complete, true);
      deepStrictEqual(names(server), [file]);
    },
  );

  await t.step(
    "members fetch any range of it; nobody else does; when all have it, it goes",
    async () => {
      deepStrictEqual(await download(sam, file), content);
      const { body } = await sam.client.request({ type: "file.get", file, offset: 77, length: 5 });
      deepStrictEqual([...body], [...content.subarray(77, 82)]);
      const stranger = await back(server, mallory);
      const get = { type: "file.get", file, offset: 0, length: 5 } as const;
      strictEqual(await refusal(stranger.client.request(get)), "not_found");
      strictEqual(
        await refusal(stranger.client.request({ type: "file.delete", file })),
        "not_found",
      );
      await sam.client.request({ type: "file.done", file });
      strictEqual(await refusal(sam.client.request(get)), "not_found");
      await stranger.client[Symbol.asyncDispose]();
    },
  );

  await t.step("taking an upload back leaves nothing of it", async () => {
    const other = randomId();
    await erik.client.request({ ...begin, file: other });
    await erik.client.request({ type: "file.delete", file: other });
    strictEqual((await erik.client.request({ type: "file.limits" })).message.used, 0);
    await server.stop();
    deepStrictEqual(names(server), []);
  });

  for (const { client } of [erik, sam, mallory]) await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
