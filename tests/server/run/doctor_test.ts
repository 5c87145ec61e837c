import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { serverConfig, type ServerFlags } from "../../../server/config.ts";
import { runDoctor } from "../../../server/doctor.ts";
import type { Finding } from "../../../server/doctor_finding.ts";
import type { DoctorWorld } from "../../../server/doctor_checks.ts";
import { thisMachine } from "../../../server/machine.ts";
import { TempFolder } from "../../kit/folder.ts";
import { run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { serverCommand } from "../../kit/server_commands.ts";

const gib = 1024 ** 3;

/** Looks into a folder, on a machine where everything is as it should be except for `changes`. */
async function look(
  folder: string,
  changes: Partial<DoctorWorld> & { readonly text?: string; readonly flags?: ServerFlags } = {},
) {
  const { text, flags = {}, ...rest } = changes;
  const out: string[] = [];
  const code = await runDoctor({
    folder,
    running: undefined,
    configFile: "/c/server.json",
    configFound: text !== undefined,
    configure: () =>
      serverConfig(flags, { hostname: "h", cores: 2, file: { path: "/c/server.json", text } }),
    now: Date.now,
    freeBytes: () => 100 * gib,
    openFiles: () => Promise.resolve(1_000_000),
    cannotListen: () => undefined,
    json: true,
    print: (line) => out.push(line),
    ...rest,
  });
  const findings: Finding[] = out.map((line) => JSON.parse(line));
  const of = (check: string) => findings.filter((finding) => finding.check === check);
  const level = (check: string) => of(check).map(({ level }) => level).join(" ");
  return { code, findings, of, level };
}

Deno.test("where no server is yet, the doctor says what a first start would find", async (t) => {
  await using temp = await TempFolder.make();
  const folder = `${temp.path}/not/there`;
  await t.step("nothing is wrong, and what cannot be known is said", async () => {
    const { code, level, findings } = await look(folder);
    strictEqual(code, 0);
    deepStrictEqual([level("folder"), level("database"), level("ports")], ["warn", "skip", "ok"]);
    strictEqual(level("reach"), "skip");
    ok(findings.every(({ level, advice }) => level === "ok" || level === "skip" || advice));
  });
  await t.step("a broken line of the configuration file", async () => {
    const { code, of } = await look(folder, { text: '{\n"consent": "some"}' });
    strictEqual(code, 8);
    match(of("config")[0]?.text ?? "", /server\.json:2: .*"consent"/);
  });
  await t.step("a port that somebody has", async () => {
    using holder = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const { cannotListen } = thisMachine;
    const flags = { port: String(holder.addr.port), metrics: "0" };
    const { code, of } = await look(folder, { cannotListen, flags });
    strictEqual(code, 3);
    match(of("ports").map(({ text }) => text).join(), /cannot be listened on: something listens/);
  });
  await t.step("a disk that is full or will be", async () => {
    const disk = async (free: number | undefined) => {
      const { code, level } = await look(folder, { freeBytes: () => free });
      return [code, level("disk")];
    };
    deepStrictEqual(await disk(1000), [8, "fail"]);
    deepStrictEqual(await disk(gib / 2), [0, "warn"]);
    deepStrictEqual(await disk(20 * gib), [0, "warn"]);
    deepStrictEqual(await disk(undefined), [0, "skip"]);
    ok((thisMachine.freeBytes(temp.path) ?? 0) > 0);
  });
  await t.step("too few open files, and a clock that cannot be right", async () => {
    const few = await look(folder, { openFiles: () => Promise.resolve(1024) });
    deepStrictEqual([few.code, few.level("open files")], [0, "warn"]);
    ok((await thisMachine.openFiles() ?? 0) > 0);
    const clock = await look(folder, { now: () => 1_000_000_000_000 });
    deepStrictEqual([clock.code, clock.level("clock")], [1, "fail"]);
  });
  await t.step("a check that throws takes no other with it", async () => {
    const freeBytes = () => {
      throw new Error("no such thing\nwith a second line");
    };
    const { code, of, level } = await look(folder, { freeBytes });
    deepStrictEqual([code, of("disk")[0]?.text, level("clock")], [1, "no such thing", "ok"]);
  });
});

Deno.test("the doctor looks into a server's folder, while it runs and when it does not", async (t) => {
  await using home = await TempFolder.make();
  const server = await TestServer.start({ home: home.path });
  const { data, ready } = server;
  await t.step("all is well while it runs", async () => {
    await Deno.writeTextFile(`${home.path}/server.json`, '{"consent": "all", "name": "x"}');
    const { code, out, err } = await serverCommand(["doctor", "--json"], { home: home.path });
    strictEqual(code, 0, `${out}\n${err}`);
    const findings: Finding[] = out.split("\n").map((line) => JSON.parse(line));
    const server = findings.filter(({ check }) => check === "server");
    match(server.map(({ text }) => text).join(), /process \d+ serves on port \d+/);
    deepStrictEqual(
      findings.filter(({ check, level }) => check === "config" && level === "warn")
        .map(({ advice }) => advice),
      ["restart the server", "sealpost server reload"],
    );
    ok(findings.every(({ level }) => level !== "fail"));
    // Its port stands on its command line alone.
    const port = new RegExp(`machines reach port ${ready.port} `);
    match(findings.find(({ check }) => check === "reach")?.text ?? "", port);
  });
  await t.step("the top-level doctor looks at what is here", async () => {
    const { code, out } = await run(["doctor", "--json"], { home: home.path });
    strictEqual(code, 0);
    ok(out.includes('"check":"database"') && !out.includes('"check":"profile"'), out);
    await using empty = await TempFolder.make();
    const nothing = await run(["doctor"], { home: empty.path });
    strictEqual(nothing.code, 6);
    match(nothing.err, /neither a server nor a client/);
  });
  await server.stop();
  const damage = async (name: string, bytes: Uint8Array) => {
    const path = `${data}/${name}`;
    const good = await Deno.readFile(path);
    await Deno.writeFile(path, bytes);
    const seen = await look(data);
    await Deno.writeFile(path, good);
    return seen;
  };
  await t.step("nothing is wrong with it when it has stopped", async () => {
    const { code, findings } = await look(data);
    deepStrictEqual([code, findings.filter(({ level }) => level === "warn")], [0, []]);
  });
  await t.step("damaged files, each by its name, and the exit code 8", async () => {
    const junk = new TextEncoder().encode("this is not what it was");
    for (
      const [name, check] of [
        ["identity.key", "identity"],
        ["passwords.key", "passwords"],
        ["server.key", "certificate"],
        ["sealpost.db", "database"],
      ] as const
    ) {
      const { code, level, of } = await damage(name, junk);
      deepStrictEqual([code, level(check)], [8, "fail"], name);
      ok(of(check)[0]?.advice);
    }
  });
  await t.step("what others may read, and files from the future", async () => {
    await Deno.chmod(`${data}/server.key`, 0o644);
    const seen = await look(data, { now: () => Date.now() - 3_600_000 });
    await Deno.chmod(`${data}/server.key`, 0o600);
    deepStrictEqual([seen.code, seen.level("folder"), seen.level("clock")], [0, "warn", "warn"]);
  });
  await t.step("a certificate that ends", async () => {
    const now = Date.now() + 100 * 365 * 86_400_000;
    const seen = await look(data, { now: () => now });
    deepStrictEqual([seen.code, seen.level("certificate")], [8, "fail"]);
  });
});
