import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { parsePort, serverConfig, type ServerFlags } from "../../../server/config.ts";
import { parseServerArgs } from "../../../server/config_flags.ts";
import { serverPaths } from "../../../server/config_paths.ts";

const configure = (flags: ServerFlags, text?: string) =>
  serverConfig(flags, { hostname: "host", cores: 4, file: { path: "/c/server.json", text } });

const usage = (work: () => unknown) =>
  throws(
    work,
    (thrown) =>
      thrown instanceof ExitError && thrown.exitCode === 2 && !thrown.message.includes("\n"),
  );

Deno.test("a port on the command line wins over the file, the file over the default", () => {
  strictEqual(configure({ port: "5000" }, '{"port":6000}').port, 5000);
  const fromFile = configure({}, '{"port":6000}');
  deepStrictEqual([fromFile.port, fromFile.notes], [6000, ["port 6000 from /c/server.json"]]);
  const byDefault = configure({});
  strictEqual(byDefault.port, 1357);
  match(byDefault.notes.join(), /using 1357/);
});

Deno.test("a value in the file that cannot be used is ignored with a note, and the default is used", () => {
  for (const port of ['"5000"', "70000", "-1", "0", "1.5", "null", "[]"]) {
    const config = configure({}, `{"port":${port}}`);
    strictEqual(config.port, 1357);
    match(config.notes.join(), /"port" is not valid[^]*using 1357/);
  }
  match(configure({}, "port=5000").notes.join(), /not a JSON object[^]*using 1357/);
  match(configure({}, '{"prot":1,"port":99}').notes.join(), /unknown setting "prot"/);
  const bad = configure({}, '{"name":"a\\u001b[31m","registration":"maybe","logLevel":7}');
  deepStrictEqual([bad.name, bad.registration, bad.logLevel], ["host", "closed", "info"]);
});

Deno.test("ports are numbers from 0 to 65535, and nothing else", () => {
  deepStrictEqual(["0", "1", "65535"].map(parsePort), [0, 1, 65535]);
  for (const text of ["70000", "abc", "", "-1", "1e3", " 80", "0x50", "5000 ", "\x1b[31m"]) {
    usage(() => parsePort(text));
  }
});

Deno.test("flags that are not possible end with one line and exit code 2", () => {
  usage(() => configure({ registration: "maybe" }));
  usage(() => configure({ consent: "some" }));
  usage(() => configure({ logLevel: "loud" }));
  usage(() => configure({ gateways: "0" }));
  usage(() => configure({ cert: "/x" }));
  usage(() => configure({ name: "\u202eevil" }));
  usage(() => parseServerArgs(["--nonsense"]));
  usage(() => parseServerArgs(["5000", "6000"]));
  usage(() => parseServerArgs(["--data"]));
});

Deno.test("PORT may stand alone or after run; help is text and no error", () => {
  const run = parseServerArgs(["run", "5000", "--json"]);
  const bare = parseServerArgs(["5000", "--json"]);
  deepStrictEqual(run, bare);
  strictEqual(bare.kind === "run" && bare.flags.port, "5000");
  const help = parseServerArgs(["--help"]);
  match(help.kind === "help" ? help.text : "", /Usage: sealpost server/);
});

Deno.test("one gateway less than cores, but at least one", () => {
  strictEqual(configure({}).gateways, 3);
  strictEqual(
    serverConfig({}, { hostname: "h", cores: 1, file: { path: "/", text: undefined } }).gateways,
    1,
  );
});

Deno.test("files stand where flags say, else under one home, else where XDG says", () => {
  const paths = (env: Record<string, string>, more = {}) =>
    serverPaths({ env: (name) => env[name], cwd: () => "/cwd", ...more });
  deepStrictEqual(paths({ HOME: "/h" }), {
    data: "/h/.local/share/sealpost/server",
    config: "/h/.config/sealpost/server.json",
  });
  deepStrictEqual(paths({ HOME: "/h", XDG_DATA_HOME: "/d", XDG_CONFIG_HOME: "relative" }), {
    data: "/d/sealpost/server",
    config: "/h/.config/sealpost/server.json",
  });
  deepStrictEqual(paths({ SEALPOST_HOME: "/s", HOME: "/h" }), {
    data: "/s/server",
    config: "/s/server.json",
  });
  deepStrictEqual(paths({ SEALPOST_HOME: "/s" }, { home: "mine", data: "here" }), {
    data: "/cwd/here",
    config: "/cwd/mine/server.json",
  });
  usage(() => paths({}));
});

Deno.test("who has to ask first is decided by flag, then file; by default strangers of other servers", () => {
  strictEqual(configure({}).consent, "remote");
  strictEqual(configure({}, '{"consent":"all"}').consent, "all");
  strictEqual(configure({ consent: "none" }, '{"consent":"all"}').consent, "none");
  const bad = configure({}, '{"consent":"some"}');
  strictEqual(bad.consent, "all");
  match(bad.notes.join(), /"consent" is not valid/);
});

Deno.test("a slip in the file opens nothing that it meant to close", () => {
  const broken = configure({}, '{"registration":"invite" "consent":"all"}');
  deepStrictEqual([broken.registration, broken.consent, broken.port], ["closed", "all", 1357]);
  match(broken.notes.join("\n"), /registration is "closed" until that is right/);
  strictEqual(configure({ registration: "open" }, '{"registration":').registration, "open");
  strictEqual(configure({}, "5000 and nothing else").registration, "open");
});
