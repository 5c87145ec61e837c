/**
 * Parity story C: everything that a "certificate chat" (a trusted third party, public and private messages, live
 * delivery) could do, row by row, with a real server and real clients.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { internalHostname } from "../../lib/crypto/x509.ts";
import { hostileClient } from "../kit/hostile.ts";
import type { Running } from "../kit/program.ts";
import {
  copyFolder,
  filesUnder,
  filesWith,
  goodPassword,
  type Person,
  Town,
  untilSo,
} from "../kit/story.ts";

/** The line format: date, time, then what is given. */
const line = (rest: string) =>
  new RegExp(
    `^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ${rest.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`,
  );

Deno.test("parity C: certificates, public and private messages, live", async (t) => {
  await using town = await Town.make();

  await t.step("a trusted third party, made at the first start, certifies the server", async () => {
    const read = async (name: string) =>
      new X509Certificate(await Deno.readTextFile(`${town.data}/${name}`));
    const [authority, server] = [await read("ca.crt"), await read("server.crt")];
    assert.ok(server.checkIssued(authority) && server.verify(authority.publicKey));
    const { identity } = await town.pinned();
    assert.equal(server.checkHost(internalHostname(identity)), internalHostname(identity));
  });

  const alice = await town.person("alice");
  await t.step("`/register NAME` makes an account; its keys are made on the client", async () => {
    await using chat = alice.chat("--remember");
    await chat.waitForRemark("Username:");
    await chat.type("/register alice");
    await chat.waitForRemark("New password:");
    await chat.type(goodPassword, goodPassword);
    await chat.waitForRemark(/^You are alice on test\./);
    assert.equal((await chat.finish()).code, 0);
  });

  await t.step(
    "the account's keys stay in a folder of its own, which nobody else may enter",
    async () => {
      const [profile] = (await Array.fromAsync(filesUnder(alice.home)))
        .filter((path) => path.endsWith("profile.key"));
      assert.ok(profile, "a profile folder with its wrapped key");
      const folder = profile.slice(0, profile.lastIndexOf("/"));
      assert.equal(folder.slice(folder.lastIndexOf("/") + 1), "alice");
      assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
      for await (const path of filesUnder(folder)) {
        assert.equal((await Deno.stat(path)).mode! & 0o077, 0, path);
      }
    },
  );

  await t.step("the account's key certifies the device, and everybody can check it", async () => {
    const [key] = await alice.json(["key"]);
    assert.equal(key?.["state"], "own");
    assert.equal((key?.["devices"] as unknown[]).length, 1);
    assert.ok(Number(key?.["logSize"]) >= 1);
  });

  await t.step(
    "`/login NAME` of a known device: by certificate and signature, no password on the wire",
    async () => {
      const { code, out } = await alice.once(["users"]);
      assert.equal(code, 0);
      assert.match(out, /^alice \(you\) {2}online {2}10\.8\.\d+\.\d+$/m);
      await using chat = alice.chat();
      await chat.waitForRemark("Username");
      await chat.type("/login alice");
      await chat.waitForRemark(/^You are alice on test\./);
      assert.ok(!chat.err.join("\n").includes("Password:"), "the profile is remembered");
      assert.equal((await chat.finish()).code, 0);
    },
  );

  const bob = await town.resident("bob");
  const carol = await town.resident("carol");
  await refusals(t, { town, alice, bob });
  await lobby(t, { alice, bob, carol });
  await privateMessages(t, { town, alice, bob, carol });
  await mallory(t, { town, alice });
  await leaving(t, { alice, bob });
});

interface Cast {
  readonly town: Town;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
}

async function refusals(t: Deno.TestContext, { town, alice, bob }: Omit<Cast, "carol">) {
  await t.step("`/register` of a name that exists: that name is already taken", async () => {
    const other = await town.person("alice");
    await using chat = other.chat();
    await chat.waitForRemark("Username:");
    await chat.waitForRemark("that name is already taken", await chat.type("/register alice"));
  });

  await t.step("`/login` with wrong credentials: incorrect password", async () => {
    const other = await town.person("alice");
    await using chat = other.chat();
    await chat.waitForRemark("Username:");
    await chat.type("/login alice");
    await chat.waitForRemark("Password:");
    await chat.waitForRemark("incorrect password", await chat.type("wrong password 12"));
  });

  await t.step(
    "a copy of a profile cannot log in while the original is online, and can when it is gone",
    async () => {
      const copy = await town.person("bob");
      await copyFolder(bob.home, copy.home);
      await using original = await bob.online();
      const refused = await copy.once(["users"]);
      assert.equal(refused.code, 4, refused.err);
      assert.match(refused.err, /^sealpost: this profile is in use on another machine/);
      const { err } = await copy.once(["users", "--json"]);
      assert.equal(JSON.parse(err).code, "already_logged_in");
      original.kill("SIGKILL");
      await original.ended;
      assert.equal((await copy.once(["users"])).code, 0);
    },
  );

  await t.step("`/users` lists who is online, `/users --all` every account", async () => {
    await using chat = await alice.online();
    // Bob was here a moment ago, on another machine: the server may still be about to note that he went.
    await untilSo(async () => {
      const [, state] = await shownUser(chat, "bob", "--all");
      return state === "offline";
    }, "bob is listed as offline");
    const after = await chat.type("/users --all");
    await chat.waitForLine(/^carol {2}offline {2}last seen \d{4}-/, after);
    await chat.waitForLine(/^alice \(you\) {2}online {2}10\.8\./, after);
    await using other = await bob.online();
    assert.ok(!other.out.some((line) => line.startsWith("carol")));
    await chat.waitForLine(/^bob {2}online {2}10\.8\./, await chat.type("/users"));
    assert.equal((await chat.finish()).code, 0);
  });
}

/** The words of somebody's line of `/users`; none where there is no such line. */
async function shownUser(chat: Running, name: string, ...flags: string[]): Promise<string[]> {
  const after = await chat.type(["/users", ...flags].join(" "), "/whoami");
  await chat.waitForLine(/^profile /, after);
  const line = chat.out.slice(after.out).find((text) => text.startsWith(`${name} `));
  return line === undefined ? [] : line.split(/ {2,}/);
}

async function lobby(t: Deno.TestContext, { alice, bob, carol }: Omit<Cast, "town">) {
  await t.step("a plain line reaches everybody who is online, at once", async () => {
    await using a = await alice.online();
    await using b = await bob.online();
    await a.type("hello everybody");
    await b.waitForLine(line("alice: hello everybody"));
    await b.type("hello alice");
    await a.waitForLine(line("bob: hello alice"));
  });

  await t.step("who was away sees it at the next login, in order and once", async () => {
    await using c = await carol.online();
    await c.waitForLine(line("bob: hello alice"));
    const lines = c.out.filter((text) => / (alice|bob): /.test(text));
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", line("alice: hello everybody"));
    assert.equal((await c.finish()).code, 0);
  });

  await t.step(
    "lines start with date and time: in the local time zone, or with --utc in UTC",
    async () => {
      const history = ["history", "#lobby", "-n", "1"];
      const [utc] = await bob.lines([...history, "--utc"]);
      assert.match(utc ?? "", line("bob: hello alice"));
      const [message] = await bob.json(history);
      const time = new Date(Number(message?.["ts"])).toISOString();
      assert.equal(utc?.slice(0, 19), time.slice(0, 19).replace("T", " "));
    },
  );
}

async function privateMessages(t: Deno.TestContext, { town, alice, bob, carol }: Cast) {
  const secret = "the-marker-of-story-c-77a0";

  await t.step(
    "`@user text` reaches that user alone, live, with the receiver's name in the line",
    async () => {
      await using a = await alice.online();
      await using b = await bob.online();
      await using c = await carol.online();
      await a.type(`@bob live ${secret}`);
      await b.waitForLine(line(`alice: @bob live ${secret}`));
      await a.type("and this is public again");
      await c.waitForLine(line("alice: and this is public again"));
      assert.ok(![...c.out, ...c.err].some((text) => text.includes(secret)));
      for (const chat of [a, b, c]) assert.equal((await chat.finish()).code, 0);
    },
  );

  await t.step("for a user who is away it is stored until the next login", async () => {
    await alice.lines(["send", "bob", `stored ${secret}`]);
    await using b = await bob.online();
    await b.waitForLine(line(`alice: @bob stored ${secret}`));
    assert.equal((await b.finish()).code, 0);
  });

  await t.step(
    "sender and receiver can read it later from their stored copies, also without the server",
    async () => {
      const texts = [`live ${secret}`, `stored ${secret}`];
      await town.server.stop();
      for (const [person, other] of [[alice, "bob"], [bob, "alice"]] as const) {
        const { code, out, err } = await person.once(["history", other, "--json"]);
        assert.equal(code, 0, err);
        assert.deepEqual(out.split("\n").map((text) => JSON.parse(text).text), texts);
      }
      await town.restart();
    },
  );

  await t.step(
    "nobody else can: not another user, not the server, not a thief of a locked profile",
    async () => {
      assert.ok(!(await carol.lines(["history"])).some((text) => text.includes(secret)));
      assert.deepEqual(await filesWith(town.data, secret), []);
      assert.deepEqual(await filesWith(alice.home, secret), []);
      assert.deepEqual(await filesWith(bob.home, secret), []);
      assert.ok(![...town.server.out, ...town.server.err].some((text) => text.includes(secret)));
    },
  );
}

async function mallory(t: Deno.TestContext, { town, alice }: Omit<Cast, "bob" | "carol">) {
  const before = await Array.fromAsync(filesUnder(town.folder));
  const server = await town.pinned();

  await t.step("Mallory cannot inject SQL through a name or a text", async () => {
    const texts = ["'); DROP TABLE accounts; --", `" OR 1=1; --`, "%s%n\\0"];
    for (const text of texts) {
      await alice.lines(["send", "#lobby", text]);
      const client = await hostileClient(server);
      const question = { type: "account.check", id: 1, name: text };
      await client.write(client.encode(JSON.stringify([question])));
      const [answer] = await client.receive() ?? [];
      assert.ok(answer?.message.type === "error" && answer.message.code === "invalid_name");
      client.close();
    }
    const stored = await alice.json(["history", "#lobby", "-n", "3"]);
    assert.deepEqual(stored.map(({ text }) => text), texts);
    assert.deepEqual(await alice.lines(["check", "alice"]), ["alice exists"]);
  });

  await t.step("Mallory cannot act before logging in", async () => {
    const client = await hostileClient(server);
    const question = { type: "notification.list", id: 1, unseen: true };
    await client.write(client.encode(JSON.stringify([question])));
    const [answer] = await client.receive() ?? [];
    assert.ok(answer?.message.type === "error" && answer.message.code === "not_permitted_now");
    client.close();
  });

  await t.step(
    "Mallory cannot overflow anything or crash the server with broken input",
    async () => {
      const deep = `[${'{"a":'.repeat(500)}1${"}".repeat(500)}]`;
      const headers = [
        "",
        "{}",
        "[]",
        "null",
        "[1]",
        deep,
        '[{"type":"bogus","id":1}]',
        "[{",
        "\u0000",
      ];
      for (const header of headers) {
        const client = await hostileClient(server);
        await client.write(client.encode(header));
        assert.match(await client.refusal(), /^(malformed|unknown_type)$/, header.slice(0, 30));
        client.close();
      }
      const client = await hostileClient(server);
      await client.write(new Uint8Array(8).fill(0xff));
      assert.equal(await client.refusal(), "too_large");
      client.close();
      assert.deepEqual(await alice.lines(["check", "alice"]), ["alice exists"]);
    },
  );

  await t.step("Mallory cannot make the programs write anything but their own data", async () => {
    const client = await hostileClient(server);
    const name = "../../outside";
    await client.write(client.encode(JSON.stringify([{ type: "account.check", id: 1, name }])));
    const [answer] = await client.receive() ?? [];
    assert.ok(answer?.message.type === "error" && answer.message.code === "invalid_name");
    client.close();
    const outside = (path: string) =>
      !path.startsWith(`${town.data}/`) && !path.startsWith(`${alice.home}/`);
    const after = await Array.fromAsync(filesUnder(town.folder));
    assert.deepEqual(after.filter(outside).sort(), before.filter(outside).sort());
  });

  await t.step(
    "Mallory finds no password and no private key of a user in a stolen database",
    async () => {
      assert.deepEqual(await filesWith(town.data, goodPassword), []);
      assert.deepEqual(await filesWith(alice.home, goodPassword), []);
    },
  );
}

async function leaving(t: Deno.TestContext, { alice, bob }: Omit<Cast, "town" | "carol">) {
  const gone = (watcher: Running) =>
    untilSo(
      async () => (await shownUser(watcher, "bob")).length === 0,
      "bob is not listed as online any more",
    );
  const ways: Record<string, (chat: Running) => unknown> = {
    "`/exit`": (chat) => chat.type("/exit"),
    "a dropped connection": (chat) => chat.kill("SIGKILL"),
  };
  for (const [way, leave] of Object.entries(ways)) {
    await t.step(`${way} removes the user from the online list`, async () => {
      await using a = await alice.online();
      await using b = await bob.online();
      await a.waitForLine(/^bob {2}online /, await a.type("/users"));
      await leave(b);
      await b.ended;
      await gone(a);
      assert.equal((await a.finish()).code, 0);
    });
  }
}
