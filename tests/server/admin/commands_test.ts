import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TempFolder } from "../../kit/folder.ts";
import { type Ended, run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { serverCommand } from "../../kit/server_commands.ts";

function lastRemark(ended: Ended): string {
  return ended.err.split("\n").filter((line) => line !== "").at(-1) ?? "";
}

Deno.test("without a running server, commands say so and what to do", async (t) => {
  await using home = await TempFolder.make();
  const admin = (...args: string[]) => serverCommand(args, { home: home.path });
  for (const word of ["status", "stop"]) {
    await t.step(word, async () => {
      const ended = await admin(word);
      strictEqual(ended.code, 3);
      strictEqual(ended.out, "");
      match(lastRemark(ended), /^sealpost: no server is running on .*\/server: start it with/);
    });
  }
  await t.step("a fingerprint is not there before the first start", async () => {
    const ended = await admin("fingerprint");
    strictEqual(ended.code, 6);
    match(lastRemark(ended), /there is no server in .*: its first start makes one/);
  });
  await t.step("a word too many is usage", async () => {
    strictEqual((await admin("status", "now")).code, 2);
  });
});

Deno.test("a running server answers its operator, stops when told, and is found again after a kill", async (t) => {
  await using home = await TempFolder.make();
  const admin = (...args: string[]) => serverCommand(args, { home: home.path });
  await using server = await TestServer.start({ home: home.path, args: ["--name", "Mill"] });
  const socket = `${server.data}/admin.sock`;

  await t.step("the socket is for nobody else", async () => {
    const { mode, isSocket } = await Deno.stat(socket);
    deepStrictEqual([isSocket, (mode ?? 0) & 0o777], [true, 0o600]);
  });
  await t.step("status counts who is there", async () => {
    await using client = await WireClient.connect(await server.pinned());
    await client.register(newAccount("sam"));
    const { code, out } = await admin("status", "--json");
    strictEqual(code, 0);
    const status = JSON.parse(out);
    deepStrictEqual([status.v, status.type, status.name], [1, "status", "Mill"]);
    deepStrictEqual([status.accountsOnline, status.sessionsOnline], [1, 1]);
    strictEqual(status.port, server.ready.port);
    strictEqual(status.pid, server.process.pid);
    ok(status.databaseBytes > 0 && status.memoryBytes > 0 && status.operations > 0);
  });
  await t.step("status for people", async () => {
    const { out } = await admin("status");
    match(out, /^Sealpost server "Mill"$/m);
    match(out, /^Linked: +with no server$/m);
    match(out, /^Running: +for .*, process \d+, version /m);
    match(out, /^Fingerprint: +([0-9a-f]{4} ){15}[0-9a-f]{4}$/m);
  });
  await t.step("the fingerprint comes with the link while it runs", async () => {
    const { out } = await admin("fingerprint", "--json");
    const { fingerprint, link } = JSON.parse(out);
    deepStrictEqual([fingerprint, link], [server.ready.fingerprint, server.ready.link]);
  });
  await t.step("stop waits until it has ended", async () => {
    const { code, out } = await admin("stop");
    deepStrictEqual([code, out], [0, "The server has stopped."]);
    strictEqual((await server.process.ended).code, 0);
    strictEqual(
      [...Deno.readDirSync(server.data)].some(({ name }) => name === "admin.sock"),
      false,
    );
  });
  await t.step("what a killed server left behind is no server, and in nobody's way", async () => {
    {
      await using killed = await TestServer.start({ home: home.path });
      await killed.stop("SIGKILL");
    }
    ok((await Deno.stat(socket)).isSocket);
    strictEqual((await admin("status")).code, 3);
    const { out } = await admin("fingerprint");
    strictEqual(out.includes("Invitation"), false);
    await using again = await TestServer.start({ home: home.path });
    strictEqual((await admin("status")).code, 0);
    strictEqual((await again.stop()).code, 0);
  });
});

Deno.test("a data folder too deep for a socket has it elsewhere, and leaves nothing there", async () => {
  await using home = await TempFolder.make();
  const deep = `${home.path}/${"deep".repeat(20)}/${"deeper".repeat(10)}`;
  await Deno.mkdir(deep, { recursive: true });
  const options = { home: deep, env: { TMPDIR: home.path } };
  await using server = await TestServer.start(options);
  const pointer = await Deno.readTextFile(`${server.data}/admin.path`);
  strictEqual((await Deno.stat(pointer.replace(/\/admin\.sock$/, ""))).mode! & 0o777, 0o700);
  strictEqual((await run(["server", "status"], options)).code, 0);
  strictEqual((await run(["server", "stop"], options)).code, 0);
  deepStrictEqual([...Deno.readDirSync(home.path)].map(({ name }) => name), ["deep".repeat(20)]);
});
