/**
 * Parity story D: everything that MessageU (end-to-end encryption through a blind server) could do, row by row, with a
 * real server and real clients.
 */
import assert from "node:assert/strict";
import { hostileClient } from "../kit/hostile.ts";
import { Running } from "../kit/program.ts";
import { copyFolder, filesUnder, filesWith, type Person, Town } from "../kit/story.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

Deno.test("parity D: keys and secrets on the clients, a server that sees nothing", async (t) => {
  await using town = await Town.make();
  const [alice, bob] = [await town.person("alice"), await town.person("bob")];
  await registering(t, { town, alice, bob });
  await lists(t, { town, alice, bob });
  await messages(t, { town, alice, bob });
  await missingKeys(t, { town, alice, bob });
  await menu(t, { town, alice, bob });
  await protocol(t, town);
});

interface Cast {
  readonly town: Town;
  readonly alice: Person;
  readonly bob: Person;
}

async function registering(t: Deno.TestContext, { town, alice, bob }: Cast) {
  await t.step(
    "registering gives a client id of 16 bytes; id and private keys stay in the profile",
    async () => {
      const session = await alice.register();
      await bob.register();
      assert.match(String(session["account"]), uuid);
      const [key] = await alice.json(["key"]);
      assert.equal(key?.["account"], session["account"]);
      const files = await Array.fromAsync(filesUnder(alice.home));
      assert.ok(files.some((path) => path.endsWith("profile.key")), files.join("\n"));
    },
  );

  await t.step("the client without arguments goes to the last server of its profile", async () => {
    const { code, out } = await bob.once(["check", "alice"]);
    assert.deepEqual([code, out], [0, "alice exists"]);
  });

  await t.step("the server's port comes from a small configuration file", async () => {
    const folder = `${town.folder}/configured`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ port: 0 }));
    await using server = Running.start(
      ["server", "--config", `${folder}/config.json`, "--data", `${folder}/data`, "--json"],
      { home: folder },
    );
    const ready = JSON.parse(await server.waitForLine('"event":"ready"'));
    assert.ok(ready.port > 0);
  });
}

async function lists(t: Deno.TestContext, { alice, bob }: Cast) {
  await t.step("601: the list of all clients", async () => {
    const users = await alice.json(["users", "--all"]);
    assert.deepEqual(users.map(({ name }) => name).sort(), ["alice", "bob"]);
  });

  await t.step("602: the public key of a client, with fingerprint and state", async () => {
    const [seen] = await alice.json(["key", "bob"]);
    const [own] = await bob.json(["key"]);
    assert.equal(seen?.["fingerprint"], own?.["fingerprint"]);
    assert.equal(seen?.["state"], "unverified");
    assert.equal((await alice.once(["key", "nobody"])).code, 6);
  });

  await t.step("`verify` compares the safety number, and refuses wrong digits", async () => {
    const [seen] = await bob.json(["key", "alice"]);
    const digits = String(seen?.["safetyNumber"]);
    const wrong = await alice.once([
      "verify",
      "bob",
      "--digits",
      digits.replace(/\d$/, (last) => last === "1" ? "2" : "1"),
    ]);
    assert.equal(wrong.code, 5, wrong.err);
    assert.equal((await alice.json(["key", "bob"]))[0]?.["state"], "unverified");
    const [verified] = await alice.json(["verify", "bob", "--digits", digits]);
    assert.equal(verified?.["state"], "verified");
    assert.equal((await alice.json(["verify", "bob", "--undo"]))[0]?.["state"], "unverified");
  });
}

async function messages(t: Deno.TestContext, { town, alice, bob }: Cast) {
  const marker = "the marmot sleeps under gravel";
  await t.step("603: keys are agreed by themselves, and a text is sent", async () => {
    await alice.lines(["send", "bob", marker]);
  });

  await t.step("the server relays without seeing the text", async () => {
    assert.deepEqual(await filesWith(town.data, marker), []);
  });

  await t.step("604: waiting messages are fetched, and the server deletes them", async () => {
    const [message] = await bob.json(["read"]);
    assert.deepEqual([message?.["from"], message?.["text"]], ["alice", marker]);
    assert.deepEqual(await bob.json(["read"]), []);
  });

  await t.step("a file goes the same way", async () => {
    const path = `${town.folder}/plan.txt`;
    await Deno.writeTextFile(path, `${marker}, in a file\n`);
    await alice.lines(["file", "send", "bob", path]);
    const [file] = await bob.json(["file", "list"]);
    assert.deepEqual([file?.["name"], file?.["from"]], ["plan.txt", "alice"]);
    assert.deepEqual(await filesWith(town.data, marker), []);
    const saved = `${town.folder}/bobs plan.txt`;
    await bob.lines(["file", "get", String(file?.["id"]), "-o", saved]);
    assert.equal(await Deno.readTextFile(saved), `${marker}, in a file\n`);
    await bob.json(["read"]);
  });

  await t.step("`rekey` forces fresh keys, and the conversation goes on", async () => {
    await alice.lines(["rekey", "bob"]);
    await alice.lines(["send", "bob", "with fresh keys"]);
    assert.deepEqual((await bob.json(["read"])).map(({ text }) => text), ["with fresh keys"]);
    assert.equal((await alice.once(["rekey", "#lobby"])).code, 6);
  });
}

async function missingKeys(t: Deno.TestContext, { town, alice, bob }: Cast) {
  await t.step(
    "a message without its key is shown as waiting for keys, and comes by itself later",
    async () => {
      const old = `${town.folder}/bob of yesterday`;
      await copyFolder(bob.home, old);
      await alice.lines(["send", "bob", "today"]);
      await bob.lines(["read"]);
      await alice.lines(["send", "bob", "while bob was away"]);
      // Bob's machine is put back to yesterday: its keys are too old for what waits, and it makes new ones.
      await Deno.remove(bob.home, { recursive: true });
      await copyFolder(old, bob.home);
      const first = (await bob.json(["unread"])).map(({ text }) => String(text));
      assert.ok(first.some((text) => text.startsWith("waiting for keys")), first.join("\n"));
      await using chat = await alice.online();
      await using back = await bob.online();
      await back.waitForLine(/ alice: @bob while bob was away$/);
      assert.equal((await back.finish()).code, 0);
      assert.equal((await chat.finish()).code, 0);
      await bob.json(["read"]);
    },
  );
}

async function menu(t: Deno.TestContext, { alice, bob }: Cast) {
  await t.step("`/menu`: numbers lead to the same actions", async () => {
    await using chat = await alice.online();
    const shown = await chat.type("/menu");
    await chat.waitForLine(" 1) List all users", shown);
    const users = await chat.type("1");
    await chat.waitForLine(/^bob {2}offline/, users);
    const asked = await chat.type("2");
    await chat.waitForRemark("Whose:", asked);
    await chat.waitForLine(/^safety number/, await chat.type("bob"));
    const wrong = await chat.type("77");
    await chat.waitForRemark("There is no 77 in the menu", wrong);
    const unknown = await chat.type("2", "nobody");
    await chat.waitForRemark(/no such user/, unknown);
    const sending = await chat.type("5");
    await chat.waitForRemark("To:", sending);
    await chat.type("bob", "from the menu");
    await Deno.writeTextFile(`${alice.home}/note.txt`, "hello");
    await chat.type("6", "bob", `${alice.home}/note.txt`);
    await chat.waitForLine(/^ +\d+ .* to bob .*note\.txt/, await chat.type("7"));
    await chat.type("0");
    assert.equal((await chat.finish()).code, 0);
    const read = (await bob.json(["read"])).map(({ text }) => text);
    assert.equal(read[0], "from the menu");
    assert.match(String(read[1]), /note\.txt/);
  });
}

async function protocol(t: Deno.TestContext, town: Town) {
  await t.step("a request that nobody knows is answered by a stable error code", async () => {
    const client = await hostileClient(await town.pinned());
    await client.write(client.encode(JSON.stringify([{ type: "no.such.request", id: 1 }])));
    assert.equal(await client.refusal(), "unknown_type");
    client.close();
  });
}
