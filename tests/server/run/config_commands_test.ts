import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import type { Word } from "../../../lib/base/completion.ts";
import { serverConfig, settingValues } from "../../../server/config.ts";
import { type ConfigCommand, configTemplate, runConfig } from "../../../server/config_commands.ts";
import { parseServerArgs, serverWord } from "../../../server/config_flags.ts";
import { pathOrigins } from "../../../server/config_paths.ts";
import { runServerFor } from "../../../server/run.ts";
import { settingNames } from "../../../server/config_settings.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { serverCommand } from "../../kit/server_commands.ts";

const surroundings = (text: string | undefined) => ({
  hostname: "host",
  cores: 4,
  file: { path: "/c/server.json", text },
});

/** Runs a command where no server runs, over files that are only text. */
async function ask(command: ConfigCommand, files: Record<string, string>, json = false) {
  const out: string[] = [];
  const code = await runConfig(command, {
    json,
    print: (line) => out.push(line),
    paths: { data: "/nowhere/data", config: "/c/server.json" },
    origins: { data: "environment", config: "default" },
    configure: (flags) => serverConfig(flags, surroundings(files["/c/server.json"])),
    read: (path) => files[path],
  });
  return { code, out };
}

Deno.test("the template can be used as it is, and with every line of it switched on", () => {
  const template = configTemplate().join("\n");
  const off = serverConfig({}, surroundings(template));
  deepStrictEqual(off.problems, []);
  deepStrictEqual(settingValues(off), settingValues(serverConfig({}, surroundings(undefined))));
  const on = serverConfig({}, surroundings(template.replace(/^ {2}\/\/ (?=")/gm, "  ")));
  deepStrictEqual(on.problems, []);
  ok(settingNames.every((name) => on.origins[name] === "file"), "every setting is in it");
  // What it shows as defaults are the defaults, where there is one that does not depend on the machine.
  const [shown, usual] = [settingValues(on), settingValues(off)];
  for (const name of settingNames) {
    if (["name", "cert", "key", "gateways", "metrics"].includes(name)) continue;
    strictEqual(shown[name], usual[name], name);
  }
});

Deno.test("show says for each setting where its value comes from", async () => {
  const files = { "/c/server.json": '{"consent": "all", "registration": "invite"}' };
  const flags = { registration: "closed" };
  const { code, out } = await ask({ action: "show", flags }, files, true);
  strictEqual(code, 0);
  const rows = new Map(out.map((line) => JSON.parse(line)).map((row) => [row.setting, row]));
  const brief = (name: string) => [rows.get(name)?.value, rows.get(name)?.from];
  deepStrictEqual(brief("registration"), ["closed", "flag"]);
  deepStrictEqual(brief("consent"), ["all", "file"]);
  deepStrictEqual(brief("peers"), ["listed", "default"]);
  deepStrictEqual(brief("data"), ["/nowhere/data", "environment"]);
  deepStrictEqual(rows.get("peers"), {
    ...{ v: 1, type: "setting", setting: "peers", value: "listed", from: "default" },
    ...{ live: true, running: false },
  });
  const { out: text } = await ask({ action: "show", flags: undefined }, files);
  match(text.join("\n"), /^\* port +default +1357$/m);
  match(text.join("\n"), /^ {2}consent +file +all$/m);
});

Deno.test("check names every line that cannot be used, and ends with exit code 8", async () => {
  const files = { "/x": '{"port": 1,\n"prot": 2,\n"peers": "all"}', "/good": '{"port": 99}' };
  const bad = await ask({ action: "check", file: "/x" }, files);
  strictEqual(bad.code, 8);
  deepStrictEqual(bad.out.length, 2);
  match(bad.out[0] ?? "", /^\/x:2: unknown setting "prot"/);
  match(bad.out[1] ?? "", /^\/x:3: .*one of: open, listed/);
  const lines = (await ask({ action: "check", file: "/x" }, files, true)).out
    .map((line) => JSON.parse(line));
  deepStrictEqual(lines.map(({ type, line }) => [type, line]), [
    ["config_problem", 2],
    ["config_problem", 3],
    ["config_checked", undefined],
  ]);
  strictEqual(lines.at(-1)?.ok, false);
  strictEqual((await ask({ action: "check", file: "/good" }, files)).code, 0);
  strictEqual((await ask({ action: "check", file: undefined }, files)).code, 0);
  await rejects(ask({ action: "check", file: "/none" }, files), { reason: "notFound" });
  const half = { "/half": '{"cert": "/x"}' };
  const refused = { reason: "localData", message: /\/half: .*belong together/ };
  await rejects(ask({ action: "check", file: "/half" }, half), refused);
});

Deno.test("where paths come from is told apart", () => {
  const origins = (env: Record<string, string>, more = {}) =>
    pathOrigins({ env: (name) => env[name], cwd: () => "/", ...more });
  deepStrictEqual(origins({ HOME: "/h" }), { data: "default", config: "default" });
  deepStrictEqual(origins({ XDG_DATA_HOME: "/d" }), { data: "environment", config: "default" });
  deepStrictEqual(origins({ SEALPOST_HOME: "/s" }, { data: "x" }), {
    data: "flag",
    config: "environment",
  });
  deepStrictEqual(origins({}, { home: "x" }), { data: "flag", config: "flag" });
});

Deno.test("every command of the server shows an example in its help", () => {
  const leaves = (word: Word, path: readonly string[] = []): string[][] =>
    word.words.length === 0
      ? [[...path]]
      : word.words.flatMap((each) => leaves(each, [...path, each.name]));
  const commands = leaves(serverWord());
  ok(commands.length > 20);
  for (const command of commands) {
    const help = parseServerArgs([...command, "--help"]);
    const text = help.kind === "help" ? help.text : "";
    const [, example] = /For example: sealpost server (.*)/.exec(text) ?? [];
    ok(example !== undefined, `${command.join(" ")} has one`);
    // It is one that the program takes.
    const words = [...example.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) =>
      quoted ?? bare
    );
    const before = words.indexOf(words.find((word) => word?.startsWith(">")));
    const asked = parseServerArgs(words.slice(0, before < 0 ? undefined : before) as string[]);
    ok(asked.kind !== "help", example);
  }
});

Deno.test("a running server tells what it goes by, whatever its file says by now", async () => {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path, args: ["--name", "here"] });
  await Deno.writeTextFile(`${home.path}/server.json`, '{"registration": "closed"}');
  const rows = async (...args: string[]) => {
    const { code, out, err } = await serverCommand(["config", "show", "--json", ...args], {
      home: home.path,
    });
    strictEqual(code, 0, err);
    const all = out.split("\n").map((line) => JSON.parse(line));
    return Object.fromEntries(all.map((row) => [row.setting, [row.value, row.from, row.running]]));
  };
  const out: string[] = [];
  const quiet = { err: () => undefined, ask: () => undefined };
  const operator = { out: (line: string) => out.push(line), ...quiet };
  const code = await runServerFor(["config", "check", "--data", server.data], operator);
  deepStrictEqual([code, out], [0, [`${home.path}/server.json can be used; it has 1 setting.`]]);
  const now = await rows();
  deepStrictEqual([now.name, now.registration], [["here", "flag", true], [
    "open",
    "default",
    true,
  ]]);
  strictEqual(now.config[1], "environment");
  const next = await rows("--consent", "all");
  deepStrictEqual(next.consent, ["all", "flag", false]);
  deepStrictEqual(next.registration, ["closed", "file", false]);
});
