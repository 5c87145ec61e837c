import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connectTcp } from "../../../lib/wire/tcp.ts";
import { firstContact } from "../../../lib/wire/first_contact.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { toHex } from "../../../lib/base/bytes.ts";
import { createCertificateAuthority, createServerCertificate } from "../../../lib/crypto/x509.ts";
import { createConversation, offerKeyPackage, sendLookalike } from "../../kit/conversation.ts";
import { TempFolder } from "../../kit/folder.ts";
import { run, Running } from "../../kit/program.ts";
import { serverCommand } from "../../kit/server_commands.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";

/** Names and contents of everything in a folder, the log and what SQLite keeps beside the database left out. */
async function contents(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (/\.log|-shm$|-wal$/.test(name)) continue;
    files[name] = toHex(await Deno.readFile(`${folder}/${name}`));
  }
  return files;
}

/** Starts a server that must not start: one line on standard error and an exit code. */
async function refused(args: string[], home: string): Promise<{ code: number; line: string }> {
  const ended = await inTime(serverCommand(args, { home }));
  const lines = ended.err.split("\n").filter((line) => line.startsWith("sealpost: "));
  strictEqual(ended.out, "");
  return { code: ended.code, line: lines.at(-1) ?? ended.err };
}

/** One that has started after all would never end. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("the server has started")), 60_000);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

Deno.test("the first start makes everything, for nobody else to read, and says what people need", async () => {
  await using home = await TempFolder.make();
  await using process = await Running.start(["server", "0"], { home: home.path });
  await process.waitForLine(/^Ready$/);
  const said = process.out.join("\n");
  match(said, /Data folder: +\/.*\/server$/m);
  match(said, /Fingerprint: +([0-9a-f]{4} ){15}[0-9a-f]{4}$/m);
  match(said, /Invitation: +sealpost:\/\/[^ ]+:\d+\/#[0-9a-f]{64}$/m);
  match(said, /Listening on: 127\.0\.0\.1:\d+, \[::1\]:\d+/);
  const folder = `${home.path}/server`;
  strictEqual((await Deno.stat(folder)).mode! & 0o777, 0o700);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (
    const name of [
      "identity.key",
      "passwords.key",
      "ca.crt",
      "ca.key",
      "server.crt",
      "server.key",
      "sealpost.db",
      "server.log",
    ]
  ) {
    ok(names.includes(name), name);
  }
  for (const name of names) {
    strictEqual((await Deno.stat(`${folder}/${name}`)).mode! & 0o777, 0o600, name);
  }
  const ended = await process.stop();
  deepStrictEqual([ended.code, ended.err.includes("stopped")], [0, true]);
});

Deno.test("with --json it prints one line, listens on IPv4 and IPv6, and is itself again at the next start", async () => {
  await using home = await TempFolder.make();
  const learned = [];
  for (let start = 0; start < 2; start++) {
    await using server = await TestServer.start({
      home: home.path,
      args: ["--name", "Test server"],
    });
    strictEqual(server.process.out.length, 1);
    const { port, fingerprint, link, addresses } = server.ready;
    ok(link.endsWith(`:${port}/#${fingerprint}`));
    ok(addresses.includes(`127.0.0.1:${port}`) && addresses.includes(`[::1]:${port}`));
    for (const host of ["127.0.0.1", "::1"]) {
      const contact = await firstContact({ host, port });
      strictEqual(fingerprintHex(contact.identity), fingerprint);
      strictEqual(contact.name, "Test server");
      learned.push(`${fingerprint} ${contact.authority}`);
    }
    strictEqual((await server.stop()).code, 0);
  }
  strictEqual(new Set(learned).size, 1);
});

Deno.test("a port that cannot be: one line that says what and what to do, and the exit code", async (t) => {
  await using home = await TempFolder.make();
  await t.step("no port number is usage", async () => {
    for (const port of ["70000", "abc", "", "-1"]) {
      const { code, line } = await refused([port], home.path);
      strictEqual(code, 2, line);
      match(line, /^sealpost: .*(port|option)/);
    }
  });
  await t.step("a port in use is the network, on either family", async () => {
    for (const hostname of ["0.0.0.0", "::"]) {
      using holder = Deno.listen({ hostname, port: 0 });
      const { code, line } = await refused([String(holder.addr.port)], home.path);
      strictEqual(code, 3);
      match(line, /^sealpost: port \d+ is in use: .*choose another/);
    }
  });
  strictEqual([...Deno.readDirSync(home.path)].some(({ name }) => name.endsWith(".db")), false);
});

Deno.test("without a port the configuration file decides, and it is said", async () => {
  await using home = await TempFolder.make();
  using holder = Deno.listen({ hostname: "::", port: 0 });
  const { port } = holder.addr;
  await Deno.writeTextFile(`${home.path}/server.json`, JSON.stringify({ port }));
  const ended = await run(["server"], { home: home.path });
  strictEqual(ended.code, 3);
  match(ended.err, new RegExp(`port ${port} from ${home.path}/server.json`));
  match(ended.err, new RegExp(`port ${port} is in use`));
  const missing = await run(["server", "0", "--config", "/nowhere.json"], { home: home.path });
  strictEqual(missing.code, 2);
});

Deno.test("a second server on the same folder is refused, however the first one ended before", async () => {
  await using home = await TempFolder.make();
  const first = await TestServer.start({ home: home.path });
  const { code, line } = await refused(["0"], home.path);
  strictEqual(code, 8);
  match(line, /another server is running on /);
  await first.stop("SIGKILL");
  await using second = await TestServer.start({ home: home.path });
  strictEqual(second.ready.fingerprint, first.ready.fingerprint);
});

Deno.test("a damaged or missing file: a clear line, exit code 8, and nothing is changed", async (t) => {
  await using home = await TempFolder.make();
  const folder = `${home.path}/server`;
  await (await TestServer.start({ home: home.path })).stop();
  const files = [
    "identity.key",
    "passwords.key",
    "ca.crt",
    "ca.key",
    "server.crt",
    "server.key",
    "sealpost.db",
  ];
  for (const name of files) {
    await t.step(name, async () => {
      const path = `${folder}/${name}`;
      const good = await Deno.readFile(path);
      await Deno.writeFile(path, new TextEncoder().encode("this is not what it was"));
      await expectRefusal(name);
      await Deno.writeFile(path, new Uint8Array(0));
      if (name !== "sealpost.db") await expectRefusal(name);
      await Deno.writeFile(path, good);
    });
  }
  for (const name of ["identity.key", "passwords.key", "ca.crt", "ca.key", "server.key"]) {
    await t.step(`${name} missing`, async () => {
      const good = await Deno.readFile(`${folder}/${name}`);
      await Deno.remove(`${folder}/${name}`);
      await expectRefusal(name);
      await Deno.writeFile(`${folder}/${name}`, good);
    });
  }
  await t.step("all back in place it starts again", async () => {
    await using again = await TestServer.start({ home: home.path });
    ok(again.ready.port > 0);
  });

  async function expectRefusal(name: string): Promise<void> {
    const before = await contents(folder);
    const { code, line } = await refused(["0"], home.path);
    strictEqual(code, 8, line);
    ok(line.includes(name.replace(/\.key$|\.crt$/, "")), line);
    deepStrictEqual(await contents(folder), before);
  }
});

Deno.test("a first start that was cut short is taken up again", async () => {
  await using home = await TempFolder.make();
  const folder = `${home.path}/server`;
  const whole = await TestServer.start({ home: home.path });
  await whole.stop();
  // As a kill between any two of its steps leaves the folder; the database comes last.
  for (const name of ["sealpost.db", "server.crt", "server.key", "ca.crt", "passwords.key"]) {
    await Deno.remove(`${folder}/${name}`);
    for (const { name: left } of Deno.readDirSync(folder)) {
      if (left.startsWith("sealpost.db")) await Deno.remove(`${folder}/${left}`);
    }
    await Deno.writeTextFile(`${folder}/${name}.tmp`, "half of it");
    const copy = await TempFolder.make();
    await Deno.mkdir(`${copy.path}/server`);
    for (const { name: left } of Deno.readDirSync(folder)) {
      await Deno.copyFile(`${folder}/${left}`, `${copy.path}/server/${left}`);
    }
    await using server = await TestServer.start({ home: copy.path });
    strictEqual(server.ready.fingerprint, whole.ready.fingerprint);
    await using client = await WireClient.connect(await server.pinned());
    await client.register(newAccount("sam"));
    await server.stop();
    await copy[Symbol.asyncDispose]();
  }
});

Deno.test("a data folder that cannot be made is told, with what to do", async () => {
  await using home = await TempFolder.make();
  await Deno.writeTextFile(`${home.path}/file`, "");
  for (const folder of [`${home.path}/file`, `${home.path}/file/below`]) {
    const { code, line } = await refused(["0", "--data", folder], home.path);
    strictEqual(code, 8);
    match(line, /data folder .* cannot be written: .*--data/);
  }
});

Deno.test("a certificate of one's own is served, and one that does not fit its key is refused", async () => {
  await using home = await TempFolder.make();
  const identityHex = toHex(generateSigningKey().publicKey);
  const ca = await createCertificateAuthority({ serverName: "own", identityHex });
  const { certificate, privateKey } = await createServerCertificate({
    ca,
    identityHex,
    hosts: ["localhost"],
  });
  const [cert, key] = [`${home.path}/own.crt`, `${home.path}/own.key`];
  await Deno.writeTextFile(cert, certificate);
  await Deno.writeTextFile(key, privateKey);
  await using server = await TestServer.start({
    home: home.path,
    args: ["--cert", cert, "--key", key],
  });
  strictEqual((await firstContact(server.address)).authority, "");
  const tcp = await connectTcp({ ...server.address, timeoutMs: 60_000 });
  const tls = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [ca.certificate] });
  await tls.handshake();
  tls.close();
  await server.stop();
  await Deno.writeTextFile(key, ca.privateKey);
  const mixed = await refused(["0", "--cert", cert, "--key", key], home.path);
  strictEqual(mixed.code, 8);
  match(mixed.line, /do not belong together/);
  strictEqual((await refused(["0", "--cert", "/nowhere", "--key", key], home.path)).code, 8);
  strictEqual((await refused(["0", "--cert", cert], home.path)).code, 2);
});

Deno.test("closed registration refuses new accounts and nothing else", async () => {
  await using home = await TempFolder.make();
  const device = generateSigningKey();
  const open = await TestServer.start({ home: home.path });
  const before = await WireClient.connect(await open.pinned(), { device });
  await before.register(newAccount("sam"));
  await before.requests.close();
  await open.stop();
  await using closed = await TestServer.start({
    home: home.path,
    args: ["--registration", "closed"],
  });
  await using client = await WireClient.connect(await closed.pinned());
  const refusal = await client.register(newAccount("rae")).catch((thrown: unknown) => thrown);
  match(String(refusal), /does not accept new accounts/);
  await using old = await WireClient.connect(await closed.pinned(), { device });
  strictEqual((await old.logInDevice()).name, "sam");
});

Deno.test("no worker can do what its permissions forbid", async () => {
  await using home = await TempFolder.make();
  const env = { SEALPOST_TEST_HOOKS: "1", SEALPOST_TEST_TRY: "1" };
  const args = ["server", "0", "--json", "--metrics", "0"];
  await using process = await Running.start(args, { home: home.path, env });
  const tried = JSON.parse(await process.waitForLine('"event":"tried"'));
  const all = ["net", "read", "write", "env", "run", "ffi", "sys"];
  for (const worker of ["gateway", "storage", "metrics"]) {
    deepStrictEqual(Object.keys(tried[worker]), all);
    for (const what of all) strictEqual(tried[worker][what], "NotCapable", `${worker} ${what}`);
  }
  // Whom it dials is known only while it runs: it may use the network, and nothing else.
  for (const what of all) {
    strictEqual(tried.federation[what], what === "net" ? "ConnectionRefused" : "NotCapable", what);
  }
});

Deno.test("a worker that is told to crash takes the whole process with it", async () => {
  await using home = await TempFolder.make();
  const env = { SEALPOST_TEST_HOOKS: "1", SEALPOST_CRASH_AT: "server:replied:2" };
  await using server = await TestServer.start({ home: home.path, env });
  const party = async (name: string) => {
    const client = await WireClient.connect(await server.pinned());
    const account = newAccount(name);
    await client.register(account);
    return { client, account };
  };
  const [alice, bobby] = [await party("alice"), await party("bobby")];
  await using _alice = alice.client;
  await using _bobby = bobby.client;
  await offerKeyPackage(bobby);
  const { conversation } = await createConversation(alice, bobby);
  await sendLookalike(alice, { conversation });
  await sendLookalike(alice, { conversation }).catch(() => undefined);
  strictEqual((await server.process.ended).code, 137);
});
