/**
 * Parity story A: everything that a "secure communication system" (a command protocol over TLS with users and messages
 * in SQLite) could do, row by row, with the start scripts, a real server and real clients.
 */
import assert from "node:assert/strict";
import { createCertificateAuthority, createServerCertificate } from "../../lib/crypto/x509.ts";
import { filesWith, goodPassword, type Person, scriptPath, Town, untilSo } from "../kit/story.ts";
import { hostileClient } from "../kit/hostile.ts";
import { run, Running } from "../kit/program.ts";

const marker = "the-marker-of-story-a-3f81";

Deno.test("parity A: a command protocol with accounts, stored messages and notifications", async (t) => {
  await using town = await Town.make({ script: true });
  const { port } = town.ready;
  const home = town.folder;
  const script = (name: "startServer.sh" | "startClient.sh", ...args: string[]) =>
    run(args, { home, file: scriptPath(name) });

  await t.step("startServer.sh PORT listens on all interfaces, IPv4 and IPv6", async () => {
    assert.ok(town.ready.addresses.length > 0);
    for (const address of town.ready.addresses) {
      const [, host] = /^\[?(.*?)\]?:\d+$/.exec(address) ?? [];
      assert.ok(host, address);
      (await Deno.connect({ hostname: host, port })).close();
    }
  });

  await t.step("startServer.sh says in one line when the port is taken, and fails", async () => {
    const { code, out, err } = await script(
      "startServer.sh",
      `${port}`,
      "--data",
      `${home}/second`,
    );
    assert.notEqual(code, 0);
    assert.equal(out, "");
    assert.match(err, new RegExp(`${port}.*(in use|taken)|(in use|taken).*${port}`));
  });

  for (const bad of ["70000", "abc", "", "-1", "1.5"]) {
    await t.step(`startServer.sh refuses the port "${bad}" with exit code 2`, async () => {
      const { code, out, err } = await script("startServer.sh", bad);
      assert.equal(code, 2, err);
      assert.equal(out, "");
      assert.equal(err.split("\n").length, 1, err);
    });
  }

  await t.step(
    "startServer.sh without a port takes the configured one and says which",
    async () => {
      const config = `${home}/other.json`;
      await Deno.writeTextFile(config, JSON.stringify({ port }));
      const flags = ["--config", config, "--data", `${home}/second`];
      const { code, err } = await script("startServer.sh", ...flags);
      assert.notEqual(code, 0, "the configured port is the one in use");
      assert.ok(err.includes(`port ${port} from ${config}`), err);
    },
  );

  await t.step(
    "startClient.sh says in one line that nobody listens there, with exit code 3",
    async () => {
      const { code, err } = await script("startClient.sh", "localhost", "1");
      assert.equal(code, 3);
      assert.match(err, /^sealpost: localhost refuses connections on port 1;[^\n]*$/);
    },
  );

  await t.step("startClient.sh says that there is no such host, with exit code 3", async () => {
    const { code, err } = await script("startClient.sh", "no-such-host.invalid", "5000");
    assert.equal(code, 3);
    assert.match(err, /^sealpost: there is no host called "no-such-host.invalid"[^\n]*$/);
  });

  await t.step("startClient.sh without arguments shows its usage, with exit code 2", async () => {
    const { code, err } = await script("startClient.sh");
    assert.equal(code, 2);
    assert.match(err, /usage: .*startClient.sh HOST PORT/);
  });

  await t.step(
    "TLS with server.crt and server.key, made at the first start for nobody else to read",
    async () => {
      const certificate = await Deno.readTextFile(`${town.data}/server.crt`);
      assert.match(certificate, /^-----BEGIN CERTIFICATE-----/);
      assert.equal((await Deno.stat(`${town.data}/server.key`)).mode! & 0o777, 0o600);
      assert.equal((await Deno.stat(town.data)).mode! & 0o777, 0o700);
    },
  );

  await t.step("TLS with a certificate and key given by --cert and --key", async () => {
    const made = await givenCertificate(home);
    await using other = await Town.make({ flags: ["--cert", made.cert, "--key", made.key] });
    const ask = (env: Record<string, string>) =>
      run(["client", "check", "ann", "--server", other.address, "--accept-new"], {
        home: other.folder,
        env,
      });
    // The client verifies such a certificate as every TLS client does: by the system's authorities, or this one.
    assert.equal((await ask({ DENO_CERT: made.authority })).code, 6);
    const elsewhere = await other.person("elsewhere");
    const flags = ["--server", other.address, "--accept-new"];
    const { code, err } = await elsewhere.once(["check", "ann", ...flags]);
    assert.equal(code, 5, err);
    assert.match(err, /^sealpost: the TLS certificate of localhost port \d+ does not hold[^\n]*$/);
  });

  await t.step("the database is made at the first start", () => {
    const names = [...Deno.readDirSync(town.data)].map(({ name }) => name);
    assert.ok(names.some((name) => name.endsWith(".db") || name.endsWith(".sqlite")), `${names}`);
  });

  await t.step("the client asks: trust? username? create an account? password twice", async () => {
    const ann = await town.person("ann");
    await using chat = Running.start(["localhost", `${port}`, "--utc"], {
      home: ann.home,
      file: scriptPath("startClient.sh"),
    });
    await chat.waitForRemark("Trust this server? (yes/no)");
    await chat.type("yes");
    await chat.waitForRemark("Username:");
    await chat.type("ann");
    await chat.waitForRemark("There is no ann yet. Create an account? (yes/no)");
    await chat.type("yes");
    await chat.waitForRemark("New password:");
    await chat.type(goodPassword);
    await chat.waitForRemark("The same again:");
    await chat.type(goodPassword);
    await chat.waitForRemark(/^You are ann on test\. No unread messages\./);
    const { code } = await chat.finish();
    assert.equal(code, 0);
  });

  const bob = await town.person("bob");
  await t.step("CREATE_ACCOUNT answers that the account was created", async () => {
    const session = await bob.register();
    assert.equal(session["status"], "ready");
    assert.equal(session["created"], true);
  });

  await t.step(
    "CREATE_ACCOUNT answers that a name exists already, in any case of its letters",
    async () => {
      for (const name of ["bob", "BOB"]) {
        const again = await town.person(name);
        const flags = [
          "--server",
          town.address,
          "--accept-new",
          "--password-file",
          town.passwordFile,
        ];
        const { code, out, err } = await again.once(["register", name, ...flags]);
        assert.equal(code, 4, err);
        assert.equal(out, "");
        assert.match(err, /that name is already taken/);
      }
    },
  );

  await t.step("CHECK answers whether a name exists", async () => {
    assert.deepEqual(await bob.lines(["check", "ann"]), ["ann exists"]);
    const { code, err } = await bob.once(["check", "nobody"]);
    assert.equal(code, 6);
    assert.match(err, /There is no account nobody/);
  });

  const cleo = await town.resident("cleo");
  await messagesAndNotifications(t, { town, bob, cleo });

  await t.step(
    "wrong password: `incorrect password` and nothing more, for unknown names alike",
    async () => {
      await Deno.writeTextFile(`${bob.home}/wrong`, "not the password 1\n");
      const elsewhere = await town.person("elsewhere");
      await Deno.writeTextFile(`${elsewhere.home}/wrong`, "not the password 1\n");
      const flags = ["--server", town.address, "--accept-new", "--password-file", "wrong"];
      const answers = [
        await bob.process(["login", "bob", ...flags]),
        await elsewhere.process(["login", "bob", ...flags]),
        await elsewhere.process(["login", "nobody", ...flags]),
      ];
      for (const answer of answers) {
        assert.deepEqual(answer, { code: 4, out: "", err: "sealpost: incorrect password" });
      }
    },
  );

  await t.step("the server has kept no word of a private message and no password", async () => {
    assert.deepEqual(await filesWith(town.data, marker), []);
    assert.deepEqual(await filesWith(town.data, goodPassword), []);
    assert.ok(!town.server.err.join("\n").includes(marker));
  });

  await t.step("the server stops on SIGTERM with exit code 0, through its script", async () => {
    assert.equal((await town.server.stop("SIGTERM")).code, 0);
  });
});

/** Three PEM files as an operator brings them: an authority, and a certificate by it for this machine. */
async function givenCertificate(folder: string) {
  const identityHex = "00".repeat(32);
  const ca = await createCertificateAuthority({ serverName: "elsewhere", identityHex });
  const issued = await createServerCertificate({ ca, identityHex, hosts: ["localhost"] });
  const files = { authority: ca.certificate, cert: issued.certificate, key: issued.privateKey };
  const paths = { authority: `${folder}/a.pem`, cert: `${folder}/c.pem`, key: `${folder}/k.pem` };
  for (const name of ["authority", "cert", "key"] as const) {
    await Deno.writeTextFile(paths[name], files[name]);
  }
  return paths;
}

interface Cast {
  readonly town: Town;
  readonly bob: Person;
  readonly cleo: Person;
}

async function messagesAndNotifications(t: Deno.TestContext, { town, bob, cleo }: Cast) {
  await t.step(
    "LOGIN answers status, unread messages and notifications as one JSON object",
    async () => {
      await cleo.lines(["send", "bob", `first ${marker}`]);
      const [session, ...rest] = await bob.json([
        "login",
        "bob",
        "--password-file",
        town.passwordFile,
      ]);
      assert.deepEqual(rest, []);
      assert.equal(session?.["status"], "ready");
      assert.equal(session?.["unread"], 1);
      assert.ok(Number(session?.["notifications"]) >= 1);
    },
  );

  await t.step(
    "VIEW notifications answers them as JSON once, then `No New Notifications`",
    async () => {
      const seen = await bob.json(["notifications"]);
      assert.ok(seen.some(({ kind, from }) => kind === "message" && from === "cleo"), `${seen}`);
      const { code, out, err } = await bob.once(["notifications"]);
      assert.deepEqual({ code, out, err }, { code: 0, out: "", err: "No New Notifications" });
    },
  );

  await t.step("COMPOSE by /compose, @name and `client send`; each says sent", async () => {
    await using chat = await cleo.online();
    await chat.type("/compose", "bob", "second, composed", "@bob third, addressed");
    const after = await chat.type("/history bob");
    await chat.waitForLine("third, addressed", after);
    const [sent] = await cleo.json(["send", "bob", "fourth, from a script"]);
    assert.equal(sent?.["state"], "sent");
    assert.equal((await chat.finish()).code, 0);
  });

  await t.step("COMPOSE to somebody who does not exist is an error, with exit code 6", async () => {
    const { code, err } = await cleo.once(["send", "nobody", "hello?"]);
    assert.equal(code, 6);
    assert.match(err, /no such user/);
  });

  await t.step(
    "the sender is always the authenticated account: a message cannot name another",
    async () => {
      const hostile = await hostileClient(await town.pinned());
      const forged = { type: "lobby.post", id: 1, from: "bob", text: "I am bob" };
      await hostile.write(hostile.encode(JSON.stringify([forged])));
      assert.equal(await hostile.refusal(), "malformed");
      hostile.close();
    },
  );

  await t.step(
    "READ_UNREAD answers a JSON array's worth of messages, READ_ALL every one",
    async () => {
      const texts = [`first ${marker}`, "second, composed", "third, addressed"]
        .concat("fourth, from a script");
      const unread = await bob.json(["unread"]);
      assert.deepEqual(unread.map(({ text }) => text), texts);
      assert.ok(unread.every(({ from, to, read }) => from === "cleo" && to === "bob" && !read));
      assert.deepEqual((await bob.json(["read"])).map(({ text }) => text), texts);
      const { code, out, err } = await bob.once(["unread"]);
      assert.deepEqual({ code, out, err }, { code: 0, out: "", err: "No Messages Yet" });
      assert.deepEqual((await bob.json(["history"])).map(({ text }) => text), texts);
    },
  );

  await t.step("READ_ALL of nothing answers `No Messages Yet`", async () => {
    const { out, err } = await bob.once(["history", "#lobby"]);
    assert.deepEqual({ out, err }, { out: "", err: "No Messages Yet" });
  });

  await t.step("a message keeps its send time, delivery, read time and state", async () => {
    const messages = await cleo.json(["history", "bob"]);
    assert.equal(messages.length, 4);
    for (const message of messages) {
      assert.equal(message["state"], "read");
      const times = ["sentAt", "deliveredAt", "readAt"].map((field) => Number(message[field]));
      assert.ok(times.every((time) => time > 1_700_000_000_000), `${times}`);
      assert.ok(Number(message["readAt"]) >= Number(message["sentAt"]));
    }
  });

  await t.step("users shows who is online, and when the others were last seen", async () => {
    await using chat = await cleo.online();
    const users = await bob.json(["users", "--all"]);
    const user = (name: string) => users.find((user) => user["name"] === name);
    assert.deepEqual(users.map(({ name }) => name).sort(), ["ann", "bob", "cleo"]);
    assert.equal(user("cleo")?.["online"], true);
    assert.equal(user("ann")?.["online"], false);
    assert.ok(Number(user("ann")?.["lastSeen"]) > 1_700_000_000_000);
    assert.equal((await chat.finish()).code, 0);
  });

  await t.step("EXIT by /exit and by the end of input closes the session", async () => {
    for (const leave of [(chat: Running) => chat.type("/exit"), (chat: Running) => chat.finish()]) {
      await using chat = await cleo.online();
      await leave(chat);
      assert.equal((await chat.ended).code, 0);
      await untilSo(
        async () => !(await bob.json(["users"])).some(({ name }) => name === "cleo"),
        "cleo is not listed as online any more",
      );
    }
  });
}
