import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { silentLogger } from "../../../lib/base/log.ts";
import { exitCodes } from "../../../lib/base/exit_codes.ts";
import type { AdminHandlers } from "../../../server/admin/protocol.ts";
import { AdminSocket } from "../../../server/admin/socket.ts";
import { runHealth } from "../../../server/health.ts";
import { parseServerArgs } from "../../../server/config_flags.ts";
import { thisMachine } from "../../../server/machine.ts";
import { runService, type ServiceWorld } from "../../../server/service_commands.ts";
import { unitWord } from "../../../server/systemd_unit.ts";
import { TempFolder } from "../../kit/folder.ts";
import { run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";

/** The words of a command line in a unit, as systemd reads them (systemd.service(5), "Command lines"). */
function readUnitWords(line: string): string[] {
  const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) =>
    bare ?? (quoted ?? "").replace(
      /\\(.)/g,
      (_, escaped) => ({ n: "\n", t: "\t" })[String(escaped)] ?? String(escaped),
    )
  );
  return words.map((word) => word.replaceAll("%%", "%").replaceAll("$$", "$"));
}

Deno.test("a word of a unit's command line means itself, whatever is in it", () => {
  const word = fc.string({ minLength: 1 }).filter((text) =>
    // deno-lint-ignore no-control-regex
    !/[\x00-\x08\x0b-\x1f\x7f]/.test(text)
  );
  fc.assert(fc.property(fc.array(word, { minLength: 1 }), (words) => {
    deepStrictEqual(readUnitWords(words.map(unitWord).join(" ")), words);
  }));
});

const script = decodeURIComponent(new URL("../../../startServer.sh", import.meta.url).pathname);

async function unit(args: string[], world: Partial<ServiceWorld> = {}) {
  const asked = parseServerArgs(["systemd-unit", ...args]);
  if (asked.kind !== "service") throw new TypeError("another command");
  const lines: string[] = [];
  const remarks: string[] = [];
  await runService(asked.command, {
    folder: asked.data ?? "/home/sam/.local/share/sealpost/server",
    named: asked.data !== undefined || asked.home !== undefined,
    home: asked.home,
    isFolder: () => false,
    config: undefined,
    json: false,
    print: (line) => lines.push(line),
    remark: (line) => remarks.push(line),
    program: { kind: "executable", path: "/usr/local/bin/sealpost" },
    env: (name) => name === "USER" ? "sam" : undefined,
    absolute: (path) => path.startsWith("/") ? path : `/here/${path}`,
    configFile: () => "/c/server.json",
    configure: () => {
      throw new TypeError("not needed");
    },
    isThere: () => false,
    machine: thisMachine,
    ...world,
  });
  const values = lines.flatMap((line) => {
    const at = line.indexOf("=");
    return at < 0 || line.startsWith("#") ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  return {
    lines,
    remarks,
    of: (key: string) => values.filter(([k]) => k === key).map(([, v]) => v),
  };
}

Deno.test("a unit without a data folder leaves data and user to systemd", async () => {
  const { of, lines } = await unit([
    "443",
    "--name",
    "our $5 office",
    "--cert",
    "own.crt",
    "--key",
    "/k",
  ]);
  deepStrictEqual(readUnitWords(of("ExecStart")[0] ?? ""), [
    ...["/usr/local/bin/sealpost", "server", "443", "--name", "our $5 office"],
    ...["--cert", "/here/own.crt", "--key", "/k", "--data", "/var/lib/sealpost"],
  ]);
  deepStrictEqual(readUnitWords(of("ExecReload")[0] ?? ""), [
    ...["/usr/local/bin/sealpost", "server", "reload", "--data", "/var/lib/sealpost"],
  ]);
  deepStrictEqual([of("DynamicUser"), of("User"), of("StateDirectory")], [["yes"], [], [
    "sealpost",
  ]]);
  deepStrictEqual(of("AmbientCapabilities"), ["CAP_NET_BIND_SERVICE"]);
  deepStrictEqual(of("RestartPreventExitStatus"), [`${exitCodes.usage} ${exitCodes.localData}`]);
  ok(lines.every((line) => /^(#.*|\[\w+\]|\w+=.*|)$/.test(line)));
});

Deno.test("a unit for one's own data folder runs as its user and may write there alone", async () => {
  const { of } = await unit(["5000", "--data", "/srv/seal post"]);
  deepStrictEqual([of("User"), of("DynamicUser"), of("StateDirectory")], [["sam"], [], []]);
  deepStrictEqual([of("ReadWritePaths"), of("AmbientCapabilities")], [['"/srv/seal post"'], [""]]);
  // Nothing of anybody's home is there for it: neither is a file of settings.
  deepStrictEqual([of("ProtectHome"), of("Environment")], [["yes"], ["XDG_CONFIG_HOME=/etc"]]);
  const config = "/home/sam/.config/sealpost/server.json";
  const own = await unit(["--data", "/srv/x"], { config });
  deepStrictEqual([own.of("ProtectHome"), own.of("Environment")], [["read-only"], []]);
  match(own.of("ExecStart")[0] ?? "", / --config \/home\/sam\//);
  match(own.remarks.join(), /needs \/srv\/x to be there: make it, for sam alone/);
  const ofAnother = await unit(["--data", "/srv/x", "--user", "kim"], { config });
  match(ofAnother.of("ExecStart")[0] ?? "", / --data \/srv\/x$/);
  const together = await unit(["--home", "/srv/x", "--user", "kim"], { isFolder: () => true });
  deepStrictEqual(["ReadWritePaths", "Environment"].map(together.of), [["/srv/x"], []]);
  match(together.of("ExecReload")[0] ?? "", / reload --home \/srv\/x$/);
  deepStrictEqual(together.remarks, []);
  strictEqual((await unit(["--data", "/home/sam/s"])).of("ProtectHome")[0], "read-only");
  await throwsUsage(["--data", "/x", "--user", "a b"]);
  await throwsUsage(["--registration", "maybe"]);
  await throwsUsage(["70000"]);
  const far = await unit([], { program: { kind: "executable", path: "/root/sealpost" } });
  match(far.remarks.join(), /user made up by systemd may not read/);

  async function throwsUsage(args: string[]) {
    const thrown = await unit(args).catch((thrown: unknown) => thrown);
    strictEqual(Object(thrown).reason, "usage", args.join(" "));
  }
});

Deno.test("systemd itself finds nothing wrong with the unit, where it is there to ask", async () => {
  const version = await new Deno.Command("systemd-analyze", { args: ["--version"] }).output()
    .catch(() => undefined);
  const program = { kind: "script", path: script, deno: Deno.execPath() } as const;
  const { lines } = await unit(["5000"], { program });
  strictEqual(lines.filter((line) => line === "[Service]").length, 1);
  if (version === undefined) return;
  await using folder = await TempFolder.make();
  const path = `${folder.path}/sealpost.service`;
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
  /** What it says of this unit: there may be something about others of the machine as well. */
  const verify = async () => {
    const { stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", path],
    }).output();
    const lines = new TextDecoder().decode(stderr).split("\n");
    return lines.filter((line) => line.includes("sealpost.service")).join("\n");
  };
  strictEqual(await verify(), "");
  await Deno.writeTextFile(
    path,
    `${lines.join("\n")}\n`.replace("NoNewPrivileges", "NoNewFriends"),
  );
  match(await verify(), /NoNewFriends/);
});

Deno.test("health waits for 1 to 999 seconds", () => {
  for (const wrong of ["0", "x", "-1", "1000"]) {
    throws(() => parseServerArgs(["health", "--timeout", wrong]), { reason: "usage" });
  }
});

Deno.test("a server tells its manager that it is ready, and health what is wrong with it", async (t) => {
  await using home = await TempFolder.make();
  const path = `${home.path}/manager.sock`;
  const manager = Deno.listenDatagram({ transport: "unixpacket", path });
  const heard = async () => new TextDecoder().decode((await manager.receive())[0]);
  const health = async () => {
    const { code, out } = await run(["server", "health", "--json", "--timeout", "120"], {
      home: home.path,
    });
    return { code, ...JSON.parse(out) };
  };
  await t.step("before it runs", async () => {
    const { code, ok, text } = await health();
    deepStrictEqual([code, ok], [1, false]);
    match(text, /no server is running on/);
  });
  await using server = await TestServer.start({ home: home.path, env: { NOTIFY_SOCKET: path } });
  await t.step("while it runs", async () => {
    strictEqual(await heard(), "READY=1\n");
    const { code, ok, text } = await health();
    deepStrictEqual([code, ok], [0, true]);
    match(text, new RegExp(`serves on port ${server.ready.port}`));
  });
  await t.step("when somebody else has its port", async () => {
    // As if its network side had been replaced: the admin socket still answers, the port is another server's.
    await using folder = await TempFolder.make();
    let status = { port: server.ready.port, fingerprint: "00".repeat(32) };
    const socket = new AdminSocket({
      folder: folder.path,
      handlers: { status: () => Promise.resolve(status) } as unknown as AdminHandlers,
      logger: silentLogger,
    });
    const said: string[] = [];
    const print = (line: string) => void said.push(line);
    const world = { folder: folder.path, json: false, timeoutMs: 60_000, print };
    strictEqual(await runHealth(world), 1);
    match(said.join(), /another server answers on port/);
    // Nobody listens on port 1, and no test running beside this one can be given it.
    status = { ...status, port: 1 };
    strictEqual(await runHealth(world), 1);
    match(said.at(-1) ?? "", /^not well: .* refuses connections/);
    socket.close();
  });
  await t.step("and that it ends", async () => {
    strictEqual((await server.stop()).code, 0);
    strictEqual(await heard(), "STOPPING=1\n");
  });
  manager.close();
});
