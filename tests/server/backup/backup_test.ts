import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { openCopy } from "../../../lib/sql/snapshot.ts";
import { flipped } from "../../kit/hostile.ts";
import { TempFolder } from "../../kit/folder.ts";
import { run } from "../../kit/program.ts";
import { SmallDisk } from "../../kit/small_disk.ts";
import { TestServer } from "../../kit/server.ts";
import { serverCommand } from "../../kit/server_commands.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { message, patience } from "../../client/engine/kit.ts";
import { Village } from "../../client/engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

Deno.test("a backup taken while people chat becomes a server on which they carry on", async (t) => {
  await using elsewhere = await TempFolder.make();
  await using village = await Village.make();
  const backup = `${elsewhere.path}/monday.backup`;
  const admin = (...args: string[]) => run(["server", ...args], { home: village.folder });
  const aliceFacts = await village.device("alice");
  const bobbyFacts = await village.device("bobby");
  await village.briefly(bobbyFacts);

  await t.step("it is taken under load, without a pause", async () => {
    const alice = await village.open(aliceFacts);
    const sent = await alice.send(to("bobby"), "before");
    await alice.waitFor(sent.id, "sent", patience());
    const load = Promise.all(
      Array.from({ length: 200 }, (_, at) => alice.send({ kind: "lobby" }, `load ${at}`)),
    );
    const { code, out, err } = await admin("backup", backup, "--json");
    strictEqual(code, 0, err);
    const told = JSON.parse(out);
    deepStrictEqual([told.type, told.fingerprint], ["backup", village.server.ready.fingerprint]);
    for (const { id } of await load) await alice.waitFor(id, "sent", patience());
    await alice.stop();
  });

  await t.step("nobody else may read it, and it never replaces a file", async () => {
    strictEqual((await Deno.stat(backup)).mode! & 0o777, 0o600);
    const again = await admin("backup", backup);
    strictEqual(again.code, 8);
    match(again.err, /exists already: choose another name/);
  });

  await t.step("on a disk without room for it, nothing of it stays", async () => {
    using disk = SmallDisk.mount(1);
    if (disk === undefined) return;
    disk.fill();
    const { code, err } = await admin("backup", `${disk.path}/it.backup`);
    strictEqual(code, 8);
    match(err, /it\.backup cannot be written: the disk is full$/);
    deepStrictEqual([...Deno.readDirSync(disk.path)].map(({ name }) => name), ["ballast"]);
  });

  const home = `${elsewhere.path}/new machine`;
  await t.step("what was written after it is lost at the server, not at the clients", async () => {
    const bobby = await village.open(bobbyFacts);
    strictEqual((await message(bobby, "before")).kind, "text");
    const alice = await village.open(aliceFacts);
    const late = await alice.send(to("bobby"), "after the backup");
    await message(bobby, "after the backup");
    await alice.waitFor(late.id, "delivered", patience());
    await alice.stop();
    await bobby.stop();
    await village.server.stop("SIGKILL");
    await Deno.mkdir(home);
    const { code, err } = await run(["server", "restore", backup], { home });
    strictEqual(code, 0, err);
  });

  await t.step("a folder in use is not restored over", async () => {
    const { code, err } = await run(["server", "restore", backup], { home });
    strictEqual(code, 8);
    match(err, /there is something in .* already/);
  });

  await t.step(
    "the restored server is the same server, and people talk on, both ways",
    async () => {
      const port = village.server.ready.port;
      await using server = await TestServer.start({ home, port });
      strictEqual(server.ready.fingerprint, village.server.ready.fingerprint);
      // A command that only sends takes nothing in before.
      const command = await village.open(aliceFacts, { receive: false });
      const { id } = await command.send(to("bobby"), "first of all");
      await command.waitFor(id, "sent", patience());
      await command.stop();
      const [alice, bobby] = [await village.open(aliceFacts), await village.open(bobbyFacts)];
      strictEqual((await message(bobby, "first of all")).kind, "text");
      await alice.send(to("bobby"), "we carry on");
      strictEqual((await message(bobby, "we carry on")).kind, "text");
      await bobby.send(to("alice"), "so we do");
      strictEqual((await message(alice, "so we do")).kind, "text");
      await bobby.send({ kind: "lobby" }, "everybody here?");
      await message(alice, "everybody here?");
      const texts = (await bobby.history({ target: to("alice") })).map(({ text }) => text);
      deepStrictEqual(texts, [
        "before",
        "after the backup",
        "first of all",
        "we carry on",
        "so we do",
      ]);
      await alice.stop();
      await bobby.stop();
    },
  );
});

Deno.test("what is no whole backup is refused, and leaves nothing behind", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const file = `${home.path}/it.backup`;
  strictEqual((await run(["server", "backup", file], { home: home.path })).code, 0);
  const restore = async (path: string) => {
    const data = `${home.path}/${crypto.randomUUID()}`;
    const ended = await run(["server", "restore", path, "--data", data], { home: home.path });
    const left = [...Deno.readDirSync(data)].map(({ name }) => name);
    return { ...ended, left };
  };

  await t.step(
    "what a killed backup of that name left is not taken for part of the next",
    async () => {
      const name = `${home.path}/late.backup`;
      await Deno.copyFile(`${server.data}/sealpost.db-wal`, `${name}.part-wal`);
      await using client = await WireClient.connect(await server.pinned());
      await client.register(newAccount("sam"));
      await server.stop();
      const { code, err } = await serverCommand(["backup", name], { home: home.path });
      strictEqual(code, 0, err);
      const copy = openCopy(name, { readOnly: true });
      try {
        const accounts = copy.prepare("SELECT name FROM accounts").all<{ name: string }>();
        deepStrictEqual(accounts.map(({ name }) => name), ["sam"]);
      } finally {
        copy.close();
      }
      deepStrictEqual(
        [...Deno.readDirSync(home.path)].filter(({ name }) => name.startsWith("late")).length,
        1,
      );
    },
  );
  await t.step("no file", async () => {
    const { code, err, left } = await restore(`${home.path}/none`);
    deepStrictEqual([code, left], [6, []]);
    match(err, /there is no file/);
  });
  await t.step("some other file", async () => {
    const { code, left } = await restore(`${server.data}/server.log`);
    deepStrictEqual([code, left], [8, []]);
  });
  await t.step("a database that is no backup", async () => {
    const { code, err, left } = await restore(`${server.data}/sealpost.db`);
    deepStrictEqual([code, left], [8, []]);
    match(err, /is not a backup of a Sealpost server/);
  });
  await t.step("one that was cut off or changed on the way", async () => {
    const whole = await Deno.readFile(file);
    await Deno.writeFile(`${home.path}/cut`, whole.subarray(0, whole.length / 2));
    await Deno.writeFile(`${home.path}/changed`, flipped(whole, 100));
    for (const name of ["cut", "changed"]) {
      const { code, left } = await restore(`${home.path}/${name}`);
      deepStrictEqual([code, left], [8, []], name);
    }
  });
  await t.step("what root restores belongs to whom the folder belongs", async () => {
    if (Deno.uid() !== 0) return;
    const data = `${home.path}/of somebody`;
    await Deno.mkdir(data);
    await Deno.chown(data, 1234, 2345);
    const { code, err } = await serverCommand(["restore", file, "--data", data], {
      home: home.path,
    });
    strictEqual(code, 0, err);
    for (const { name } of Deno.readDirSync(data)) {
      const { uid, gid } = await Deno.stat(`${data}/${name}`);
      deepStrictEqual([uid, gid], [1234, 2345], name);
    }
  });
  await t.step(
    "one that was not restored to its end is not started, and nothing is made",
    async () => {
      const data = `${home.path}/half`;
      const place = { home: home.path };
      strictEqual((await serverCommand(["restore", file, "--data", data], place)).code, 0);
      await Deno.rename(`${data}/sealpost.db`, `${data}/sealpost.db.part`);
      const before = [...Deno.readDirSync(data)].map(({ name }) => name).sort();
      for (const args of [["restore", file], ["0"]]) {
        const ended = await run(["server", ...args, "--data", data], place);
        strictEqual(ended.code, 8);
        match(
          ended.err,
          /was not restored to its end in .*: delete what is in it, and restore it again/,
        );
      }
      const after = [...Deno.readDirSync(data)].map(({ name }) => name).sort();
      deepStrictEqual(after.filter((name) => !/^(lock|server\.log)$/.test(name)), before);
    },
  );
  await t.step("the whole one makes a server that starts", async () => {
    const data = `${home.path}/good`;
    const ended = await run(["server", "restore", file, "--data", data], { home: home.path });
    strictEqual(ended.code, 0, ended.err);
    const modes = [...Deno.readDirSync(data)].map(({ name }) =>
      Deno.statSync(`${data}/${name}`).mode!
    );
    ok(modes.every((mode) => (mode & 0o077) === 0));
    await using again = await TestServer.start({ home: home.path, args: ["--data", data] });
    strictEqual(again.ready.fingerprint, server.ready.fingerprint);
  });
});
