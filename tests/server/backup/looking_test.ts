import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TempFolder } from "../../kit/folder.ts";
import { Running } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { serverCommand } from "../../kit/server_commands.ts";

Deno.test("check finds a whole server whole, and says what is broken in a damaged one", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const check = async () => {
    const { code, out } = await serverCommand(["check", "--json"], { home: home.path });
    const findings = out.split("\n").map((line) => JSON.parse(line));
    return { code, bad: findings.filter(({ state }) => state !== "ok").map(({ part }) => part) };
  };

  await t.step("while it runs", async () => deepStrictEqual(await check(), { code: 0, bad: [] }));
  await server.stop();
  await t.step("and when it does not", async () => {
    deepStrictEqual(await check(), { code: 0, bad: [] });
  });
  await t.step("rights that are too wide are a warning", async () => {
    await Deno.chmod(`${server.data}/ca.key`, 0o644);
    deepStrictEqual(await check(), { code: 0, bad: ["rights"] });
    await Deno.chmod(`${server.data}/ca.key`, 0o600);
  });
  await t.step("a link that leads to the folder has no rights of its own", async () => {
    const data = `${home.path}/link`;
    await Deno.symlink(server.data, data);
    const { out } = await serverCommand(["check", "--data", data], { home: home.path });
    match(out, /^ok +rights: /m);
  });
  await t.step("a damaged key, certificate and database are broken", async () => {
    await Deno.writeTextFile(`${server.data}/passwords.key`, "nonsense");
    await Deno.writeTextFile(`${server.data}/server.key`, "nonsense");
    const database = await Deno.open(`${server.data}/sealpost.db`, { write: true });
    await database.seek(4096, Deno.SeekMode.Start);
    await database.write(new Uint8Array(8192).fill(7));
    database.close();
    deepStrictEqual(await check(), { code: 8, bad: ["passwords", "certificate", "database"] });
  });
  await t.step("where no server is, it says so", async () => {
    const { code, err } = await serverCommand(["check"], { home: `${home.path}/none` });
    strictEqual(code, 6);
    match(err, /there is no server in/);
  });
});

Deno.test("the log is shown readable, by level, as JSON, and followed", async (t) => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  const logs = (...flags: string[]) => serverCommand(["logs", ...flags], { home: home.path });

  await t.step("readable lines, the last first so many", async () => {
    const { code, out } = await logs("-n", "1");
    strictEqual(code, 0);
    match(out, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+ +\S.*$/);
    match((await logs()).out, /^.* info +ready name=/m);
  });
  await t.step("nothing below the level", async () => {
    strictEqual((await logs("--level", "error")).out, "");
    strictEqual((await logs("--level", "loud")).code, 2);
  });
  await t.step("JSON as it is in the file", async () => {
    const lines = (await logs("--json", "-n", "1000")).out.split("\n").map((line) =>
      JSON.parse(line)
    );
    ok(lines.some(({ event }) => event === "ready"));
  });
  await t.step("with --follow what comes is shown as it comes", async () => {
    const args = ["server", "logs", "--follow", "-n", "1"];
    await using following = Running.start(args, { home: home.path });
    // It has looked at what there is; a request of the operator's is logged behind that.
    await following.waitForLine(/^\d/);
    const mark = following.mark();
    await serverCommand(["status"], { home: home.path });
    match(await following.waitForLine(/admin request action="status"/, mark), / info /);
  });
  strictEqual((await server.stop()).code, 0);
});
