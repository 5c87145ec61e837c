/**
 * Parity story E: everything that a "secure chat protocol" (groups, files, presence, logs) could do on one server, row by
 * row, with a real server and real clients.
 */
import assert from "node:assert/strict";
import { filesWith, type Person, Town } from "../kit/story.ts";

Deno.test("parity E: sessions, groups and files", async (t) => {
  await using town = await Town.make({ flags: ["--max-file-size", "1M"] });
  await accounts(t, town);
  const [alice, bob, carol] = [
    await town.resident("alice"),
    await town.resident("bob"),
    await town.resident("carol"),
  ];
  const cast = { town, alice, bob, carol };
  await sessions(t, cast);
  await groups(t, cast);
  await files(t, cast);
  await logs(t, cast);
});

interface Cast {
  readonly town: Town;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
}

const texts = (messages: readonly Record<string, unknown>[]) => messages.map(({ text }) => text);

async function accounts(t: Deno.TestContext, town: Town) {
  await t.step("registration refuses weak passwords, with the reason", async () => {
    const dave = await town.person("dave");
    for (
      const [password, reason] of [["short1!", /8/], [
        "password1",
        /guess|common|weak|word/i,
      ]] as const
    ) {
      const file = `${town.folder}/weak`;
      await Deno.writeTextFile(file, `${password}\n`);
      const flags = ["--server", town.address, "--accept-new", "--password-file", file];
      const { code, err } = await dave.once(["register", "dave", ...flags]);
      assert.equal(code, 4, err);
      assert.match(err, reason);
    }
  });
}

async function sessions(t: Deno.TestContext, { alice, bob }: Cast) {
  await t.step(
    "each session gets a virtual address, and `/users` shows who is online",
    async () => {
      await using a = await alice.online();
      await using b = await bob.online();
      const mine = await a.waitForLine(/^alice \(you\) {2}online/, await a.type("/users"));
      const his = await a.waitForLine(/^bob {2}online/, await a.type("/users"));
      const address = /10\.8\.\d{1,3}\.\d{1,3}$/;
      assert.match(mine, address);
      assert.match(his, address);
      assert.notEqual(address.exec(mine)?.[0], address.exec(his)?.[0]);
      assert.equal((await b.finish()).code, 0);
    },
  );

  await t.step(
    "messages come live, and their states come back: sent, delivered, read",
    async () => {
      await using b = await bob.online();
      const sent = alice.once(["send", "bob", "are you there?", "--wait", "read", "--json"]);
      await b.waitForLine(/ alice: @bob are you there\?$/);
      await b.type("/read");
      const { code, out } = await sent;
      assert.equal(code, 0);
      assert.equal(JSON.parse(out.split("\n").at(-1) ?? "").state, "read");
    },
  );

  await t.step("the sender is told when the target is offline, or unknown", async () => {
    const offline = await alice.late(
      ["send", "bob", "later", "--wait", "delivered", "--timeout", "1"],
      (event) => event.kind === "changed" && event.message.state === "sent",
    );
    assert.equal(offline.code, 7);
    assert.match(offline.err, /not delivered in the time given/);
    const unknown = await alice.once(["send", "nobody", "hello"]);
    assert.equal(unknown.code, 6);
    assert.match(unknown.err, /no such user/);
    assert.deepEqual(texts(await bob.json(["read", "alice"])), ["later"]);
  });
}

async function groups(t: Deno.TestContext, { town, alice, bob, carol }: Cast) {
  await t.step("a group is created, and members are added", async () => {
    await alice.lines(["group", "create", "crew", "bob"]);
    await alice.lines(["group", "add", "crew", "carol"]);
    const members = await alice.json(["group", "members", "crew"]);
    assert.deepEqual(members.map(({ name, role }) => `${name} ${role}`).sort(), [
      "alice owner",
      "bob member",
      "carol member",
    ]);
  });

  await t.step("every member sees it in the list", async () => {
    for (const person of [alice, bob, carol]) {
      const groups = await person.json(["group", "list"]);
      assert.deepEqual(groups.map(({ name }) => name), ["crew"], person.name);
    }
  });

  await t.step("a message to the group reaches all members, and nobody else reads it", async () => {
    await bob.lines(["send", "#crew", "the marmot is in the crew room"]);
    for (const person of [alice, carol]) {
      assert.deepEqual(texts(await person.json(["read", "#crew"])).slice(-1), [
        "the marmot is in the crew room",
      ], person.name);
    }
    assert.deepEqual(await filesWith(town.data, "the marmot is in the crew room"), []);
    assert.deepEqual(await filesWith(town.data, "crew"), []);
  });

  await t.step("a removed member gets nothing further and cannot write", async () => {
    await alice.lines(["group", "remove", "crew", "carol"]);
    await alice.lines(["send", "#crew", "without carol"]);
    assert.ok(texts(await bob.json(["read", "#crew"])).includes("without carol"));
    assert.ok(!texts(await carol.json(["read"])).includes("without carol"));
    const { code } = await carol.once(["send", "#crew", "let me in"]);
    assert.ok(code === 4 || code === 6, String(code));
  });

  await t.step("roles: promoted, a member may add; leaving and renaming work", async () => {
    assert.equal((await bob.once(["group", "add", "crew", "carol"])).code, 4);
    await alice.lines(["group", "promote", "crew", "bob"]);
    await bob.lines(["group", "add", "crew", "carol"]);
    await alice.lines(["group", "rename", "crew", "night-crew"]);
    await carol.lines(["group", "leave", "night-crew"]);
    const left = (await alice.json(["group", "members", "night-crew"])).map(({ name }) => name);
    assert.deepEqual(left.sort(), ["alice", "bob"]);
  });
}

async function files(t: Deno.TestContext, { town, alice, bob }: Cast) {
  const folder = `${town.folder}/papers`;
  await Deno.mkdir(folder);
  const report = `${folder}/quarter 3 – report 📈.pdf`;
  const bytes = new TextEncoder().encode("%PDF-1.7\nthe marmot's secret figures\n".repeat(2000));
  await Deno.writeFile(report, bytes);

  await t.step(
    "a file goes to a user, encrypted, and is saved under its original name",
    async () => {
      await alice.lines(["file", "send", "bob", report]);
      const [file] = await bob.json(["file", "list"]);
      assert.deepEqual([file?.["name"], file?.["size"], file?.["from"]], [
        "quarter 3 – report 📈.pdf",
        bytes.length,
        "alice",
      ]);
      assert.deepEqual(await filesWith(town.data, "secret figures"), []);
      assert.deepEqual(await filesWith(town.data, "report"), []);
      const out = `${folder}/bob`;
      await Deno.mkdir(out);
      await bob.lines(["file", "get", String(file?.["id"]), "-o", out]);
      assert.deepEqual(await Deno.readFile(`${out}/quarter 3 – report 📈.pdf`), bytes);
      assert.equal((await Deno.stat(`${out}/quarter 3 – report 📈.pdf`)).mode! & 0o777, 0o600);
    },
  );

  await t.step("a file goes to a group", async () => {
    const photo = `${folder}/crew.png`;
    await Deno.writeFile(photo, new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]));
    await bob.lines(["file", "send", "#night-crew", photo]);
    const files = await alice.json(["file", "list"]);
    assert.ok(files.some(({ name, from }) => name === "crew.png" && from === "bob"));
  });

  await t.step(
    "what is too large, or of a type that is not allowed, is refused before it is sent",
    async () => {
      const large = `${folder}/large.txt`;
      await Deno.writeFile(large, new Uint8Array(1024 * 1024 + 1).fill(97));
      const tooLarge = await alice.once(["file", "send", "bob", large]);
      assert.notEqual(tooLarge.code, 0);
      assert.match(tooLarge.err, /1 ?M|1048576|1\.0 MiB|large/);
      const program = `${folder}/setup.exe`;
      await Deno.writeTextFile(program, "MZ");
      const notAllowed = await alice.once(["file", "send", "bob", program]);
      assert.equal(notAllowed.code, 4, notAllowed.err);
      assert.match(notAllowed.err, /exe/);
    },
  );
}

async function logs(t: Deno.TestContext, { town }: Cast) {
  await t.step(
    "structured logs: JSON lines in server.log, the same readable on the console",
    async () => {
      const lines = (await Deno.readTextFile(`${town.data}/server.log`)).trim().split("\n")
        .map((line) => JSON.parse(line));
      assert.ok(lines.every(({ time, level, event }) => time && level && event));
      assert.ok(
        lines.some(({ event, name }) => event === "account_registered" && name === "carol"),
      );
      assert.ok(town.server.err.some((line) => /account registered .*name=carol/.test(line)));
    },
  );
}
