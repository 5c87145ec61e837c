import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { signLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import type { PendingCommit } from "../../../lib/mls/mod.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import {
  commitBody,
  createConversation,
  lookalikeMessage,
  offerKeyPackage,
  type Party,
  sendLookalike,
} from "../../kit/conversation.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { type ClientOptions, newAccount, WireClient } from "../../kit/wire_client.ts";

async function refusal(work: Promise<unknown>): Promise<RefusedError> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  ok(thrown instanceof RefusedError, `a refusal expected, but ${String(thrown)}`);
  return thrown;
}

async function party(server: TestServer, name: string): Promise<Party> {
  const client = await WireClient.connect(await server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

/** The same device on a new connection. */
async function back(server: TestServer, { client, account }: Party, options: ClientOptions = {}) {
  const { device, instance } = client;
  const again = await WireClient.connect(await server.pinned(), { device, instance, ...options });
  await again.logInDevice();
  return { client: again, account };
}

/** How often `bytes` occur in the files of the data folder. */
async function occurrences(server: TestServer, bytes: Uint8Array): Promise<number> {
  let found = 0;
  const text = (content: Uint8Array) => Buffer.from(content).toString("latin1");
  for (const { name, isFile } of Deno.readDirSync(server.data)) {
    if (!isFile) continue;
    found += text(await Deno.readFile(`${server.data}/${name}`)).split(text(bytes)).length - 1;
  }
  return found;
}

/** How many messages are in the server's database file. */
function storedMessages(server: TestServer): unknown {
  const database = new DatabaseSync(`${server.data}/sealpost.db`, { readOnly: true });
  const row = database.prepare("SELECT count(*) AS count FROM log WHERE message IS NOT NULL").get();
  database.close();
  return row?.count;
}

Deno.test("relaying, over TLS and frames against a server process", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path, args: ["--gateways", "2"] });
  const ann = await party(server, "ann");
  const bob = await party(server, "bob");
  await offerKeyPackage(bob);
  const { conversation, group } = await createConversation(ann, bob);

  await t.step("a new conversation reaches the other device as a welcome", async () => {
    const { message, body } = await bob.client.event("welcome");
    strictEqual(message.conversation, conversation);
    strictEqual(message.epoch, 1);
    const accounts = [ann.account.id, bob.account.id];
    deepStrictEqual(new Set(message.roster.map(({ account }) => account)), new Set(accounts));
    ok(body.length > 500);
    const acks = [{ conversation, seq: message.seq }];
    bob.client.requests.notify({ type: "message.ack", acks });
  });

  await t.step("a message is on its way while both are there, bytes untouched", async () => {
    const sent = await sendLookalike(ann, { conversation });
    const { message, body } = await bob.client.event("message");
    deepStrictEqual([message.seq, message.ts, message.message], [sent.seq, sent.ts, sent.id]);
    strictEqual(message.device, ann.client.deviceText);
    strictEqual(toBase64url(body), sent.text);
  });

  await t.step("what is sent in one burst arrives in the order of sending", async () => {
    const bytes = Array.from({ length: 300 }, () => lookalikeMessage(conversation, { epoch: 1 }));
    const sent = await Promise.all(
      bytes.map((one) => sendLookalike(ann, { conversation, bytes: one })),
    );
    const order = [...sent].sort((a, b) => a.seq - b.seq).map(({ text }) => text);
    deepStrictEqual(sent.map(({ text }) => text), order);
    const got = [];
    for (const _ of sent) got.push(toBase64url((await bob.client.event("message")).body));
    deepStrictEqual(got, order);
  });

  await t.step("the same submission again gets the same answer and appears once", async () => {
    const id = randomId();
    const bytes = lookalikeMessage(conversation, { epoch: 1 });
    const first = await sendLookalike(ann, { conversation, id, bytes });
    const second = await sendLookalike(ann, { conversation, id, bytes });
    deepStrictEqual([second.seq, second.ts], [first.seq, first.ts]);
    strictEqual((await bob.client.event("message")).message.message, id);
    const next = await sendLookalike(ann, { conversation });
    strictEqual((await bob.client.event("message")).message.message, next.id);
  });

  await t.step(
    "what a device acknowledged is gone from the server, down to its bytes",
    async () => {
      const secret = crypto.getRandomValues(new Uint8Array(24));
      const seed = new Uint8Array(400).fill(7);
      seed.set(secret, 100);
      const bytes = lookalikeMessage(conversation, { epoch: 1, seed });
      await bob.client.requests.close();
      const sent = await sendLookalike(ann, { conversation, bytes });
      ok(await occurrences(server, secret) > 0, "kept while bob is away");
      ok(Number(storedMessages(server)) > 0);
      const bobAgain = await back(server, bob);
      const { message } = await bobAgain.client.event(
        "message",
        ({ message }) => message.seq === sent.seq,
      );
      const acks = [{ conversation, seq: message.seq }];
      bobAgain.client.requests.notify({ type: "message.ack", acks });
      // The next answer comes after the acknowledgement was committed.
      await bobAgain.client.request({ type: "conversation.list" });
      const fetched = await bobAgain.client.request({
        type: "message.fetch",
        conversation,
        after: 0,
        limit: 256,
      });
      strictEqual(fetched.message.events, 0);
      strictEqual(storedMessages(server), 0);
      bob.client.requests.close();
      Object.assign(bob, bobAgain);
    },
  );

  await t.step(
    "what arrives while nobody is there waits, and comes once at the next login",
    async () => {
      await bob.client.requests.close();
      const texts = [];
      for (let count = 0; count < 20; count++) {
        texts.push(
          (await sendLookalike(ann, { conversation })).text,
        );
      }
      const again = await back(server, bob);
      const got = [];
      for (const _ of texts) got.push(toBase64url((await again.client.event("message")).body));
      deepStrictEqual(got, texts);
      Object.assign(bob, again);
    },
  );

  await t.step("a session that wants no events gets none, and fetches what it wants", async () => {
    const quiet = await back(server, bob, { receive: false });
    const sent = await sendLookalike(ann, { conversation });
    const fetched = await quiet.client.request({
      type: "message.fetch",
      conversation,
      after: sent.seq - 1,
      limit: 10,
    });
    strictEqual(fetched.message.events, 1);
    deepStrictEqual(quiet.client.events.map(({ message }) => message.type), ["message"]);
    await quiet.client.requests.close();
    await bob.client.event("message", ({ message }) => message.seq === sent.seq);
  });

  await t.step("reading is told to the other side", async () => {
    const { seq } = await sendLookalike(ann, { conversation });
    const { message } = await bob.client.request({ type: "message.read", conversation, seq });
    strictEqual(message.unread, 0);
    const receipt = await ann.client.event("receipt", ({ message }) => message.read === seq);
    strictEqual(receipt.message.account, bob.account.id);
  });

  await t.step("a message with the header of another group, epoch or kind is refused", async () => {
    const send = (bytes: Uint8Array) => refusal(sendLookalike(ann, { conversation, bytes }));
    strictEqual((await send(lookalikeMessage(randomId(), { epoch: 1 }))).code, "malformed");
    strictEqual((await send(lookalikeMessage(conversation, { epoch: 2 }))).code, "malformed");
    strictEqual((await send(new Uint8Array(50))).code, "malformed");
    const commit = await group.commit({ now: Date.now() });
    ok(commit.kind === "pending");
    strictEqual((await send(commit.bytes)).code, "malformed");
    await sendLookalike(ann, { conversation });
  });

  await t.step("somebody who is not in it can neither write, read nor look", async () => {
    await using eve = (await party(server, "eve")).client;
    const bytes = lookalikeMessage(conversation, { epoch: 1 });
    const request = { conversation, message: randomId(), epoch: 1, body: bytes.length };
    const code = async (work: Promise<unknown>) => (await refusal(work)).code;
    const outside = ["no_such_conversation", "not_a_member"];
    ok(outside.includes(await code(eve.request({ type: "message.send", ...request }, bytes))));
    ok(outside.includes(
      await code(eve.request({ type: "message.fetch", conversation, after: 0, limit: 1 })),
    ));
    ok(outside.includes(await code(eve.request({ type: "conversation.info", conversation }))));
    ok(outside.includes(
      await code(eve.request({ type: "message.read", conversation, seq: 1 })),
    ));
  });

  await t.step(
    "of two commits for one epoch the second is refused with the current one",
    async () => {
      const commits: PendingCommit[] = [];
      for (let count = 0; count < 2; count++) {
        const pending = await group.commit({ now: Date.now() });
        ok(pending.kind === "pending");
        commits.push(pending);
      }
      const submit = (pending: PendingCommit) => {
        const { parts, bodies, body } = commitBody(pending);
        const { hash, epoch } = pending;
        const change = { external: false, add: [], remove: [] };
        const message = { conversation, hash, epoch, ...change, parts, body };
        return ann.client.request({ type: "conversation.commit", ...message }, bodies);
      };
      const [first, second] = commits;
      ok(first && second);
      const accepted = await submit(first);
      strictEqual(accepted.message.epoch, 2);
      deepStrictEqual((await submit(first)).message.seq, accepted.message.seq);
      const refused = await refusal(submit(second));
      deepStrictEqual([refused.code, refused.epoch], ["epoch_conflict", 2]);
      const { message, body } = await bob.client.event("commit");
      deepStrictEqual([message.hash, message.epoch], [first.hash, 1]);
      strictEqual(toBase64url(body), toBase64url(first.bytes));
    },
  );

  await t.step("a post in the lobby reaches everybody and is replayed", async () => {
    const content = { post: randomId(), text: "hello, all", sentAt: Date.now() };
    const signature = toBase64url(signLobbyPost(ann.client.device, content));
    const { message } = await ann.client.request({ type: "lobby.post", ...content, signature });
    for (const { client } of [ann, bob]) {
      const event = await client.event("lobby");
      deepStrictEqual([event.message.seq, event.message.text], [message.seq, content.text]);
    }
    const forged = { ...content, post: randomId(), text: "forged" };
    const refused = await refusal(ann.client.request({ type: "lobby.post", ...forged, signature }));
    strictEqual(refused.code, "tampered");
    // Escapes make this text six times as long in JSON: others could not be sent what just fitted into the request.
    const long = { post: randomId(), text: "\u0001".repeat(10_850), sentAt: Date.now() };
    const valid = toBase64url(signLobbyPost(ann.client.device, long));
    const tooLong = ann.client.request({ type: "lobby.post", ...long, signature: valid });
    strictEqual((await refusal(tooLong)).code, "too_large");
    await using late = (await party(server, "late")).client;
    const fetched = await late.request({ type: "lobby.fetch", after: 0, limit: 64 });
    strictEqual(fetched.message.head, message.seq);
    strictEqual((await late.event("lobby")).message.name, "ann");
  });

  await t.step("a stop while messages are under way loses nothing that was accepted", async () => {
    const outcomes = Array.from(
      { length: 400 },
      () =>
        sendLookalike(ann, { conversation, epoch: 2 })
          .then(({ text }) => text, () => undefined),
    );
    await outcomes[0];
    const stopped = server.stop();
    const accepted = (await Promise.all(outcomes)).filter((text) => text !== undefined);
    strictEqual((await stopped).code, 0);
    await Promise.all([ann.client.closed, bob.client.closed]);
    await using restarted = await TestServer.start({ home: home.path });
    strictEqual(restarted.ready.fingerprint, server.ready.fingerprint);
    const again = await back(restarted, bob);
    const got = new Set();
    const acceptedNow = new Set(accepted);
    while (acceptedNow.size > 0) {
      const text = toBase64url((await again.client.event("message")).body);
      strictEqual(got.has(text), false);
      got.add(text);
      acceptedNow.delete(text);
    }
    await again.client.requests.close();
  });
});
