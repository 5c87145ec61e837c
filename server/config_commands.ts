/** `sealpost server config ...`: what holds and why, whether a file can be used, and a file to begin with. */
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { typedLine } from "../lib/base/json_line.ts";
import { RunningServer } from "./admin/ask.ts";
import type { SettingRow } from "./admin/protocol.ts";
import { valueText } from "./admin/text.ts";
import { type ServerConfig, serverConfig, type ServerFlags, settingValues } from "./config.ts";
import { type Setting, settingNames, settings } from "./config_settings.ts";
import { type PathOrigins, type ServerPaths } from "./config_paths.ts";
import { runningFacts } from "./running.ts";

/** A command about the configuration. */
export type ConfigCommand =
  /** `flags`: as `server run` would be given; undefined when none were. */
  | { readonly action: "show"; readonly flags: ServerFlags | undefined }
  /** `file` in place of the usual one. */
  | { readonly action: "check"; readonly file: string | undefined }
  | { readonly action: "template" };

/** Where a command runs. */
export interface ConfigWorld {
  readonly json: boolean;
  readonly print: (line: string) => void;
  readonly paths: ServerPaths;
  readonly origins: PathOrigins;
  /** What a server that is started here would use. Throws `ExitError`. */
  readonly configure: (flags: ServerFlags) => ServerConfig;
  /** The text of a file; undefined when there is none. Throws `ExitError` (localData). */
  readonly read: (path: string) => string | undefined;
}

/** Runs a command; returns the exit code. Throws `ExitError`. */
export async function runConfig(command: ConfigCommand, world: ConfigWorld): Promise<number> {
  switch (command.action) {
    case "show":
      return await show(command.flags, world);
    case "check":
      return check(command.file ?? await usualFile(world), command.file !== undefined, world);
    case "template":
      configTemplate().forEach((line) => world.print(line));
      return exitCodes.done;
  }
}

/** That of the server that runs here, unless the command line says another. */
async function usualFile({ paths, origins }: ConfigWorld): Promise<string> {
  if (origins.config === "flag") return paths.config;
  return (await runningFacts(paths.data))?.file ?? paths.config;
}

/** Every setting with its value and where that comes from. No setting is a secret: `key` is the name of a file. */
export function settingRows(config: ServerConfig): SettingRow[] {
  const values = settingValues(config);
  return settingNames.map((setting) => ({
    setting,
    value: values[setting],
    from: config.origins[setting],
    live: settings[setting].live,
  }));
}

async function show(flags: ServerFlags | undefined, world: ConfigWorld): Promise<number> {
  const { json, print, paths, origins } = world;
  using server = flags === undefined ? await RunningServer.find(paths.data) : undefined;
  const asked = await server?.ask("config.show", {});
  const rows: readonly SettingRow[] = [
    { setting: "data", value: paths.data, from: origins.data, live: false },
    ...asked === undefined
      ? [{ setting: "config", value: paths.config, from: origins.config, live: false }]
      : [{ setting: "config", value: asked.file, from: asked.fileFrom, live: false }],
    ...asked?.settings ?? settingRows(world.configure(flags ?? {})),
  ];
  const running = asked !== undefined;
  if (json) {
    for (const row of rows) print(typedLine("setting", { ...row, running }));
  } else {
    print(running ? "The server that runs here:" : "A server that is started here:");
    for (const row of rows) print(rowText(row));
    print("A change of what has a * needs a restart.");
  }
  return exitCodes.done;
}

function rowText({ setting, value, from, live }: SettingRow): string {
  return `${live ? " " : "*"} ${setting.padEnd(22)} ${from.padEnd(12)} ${valueText(value)}`;
}

function check(path: string, named: boolean, world: ConfigWorld): number {
  const { json, print } = world;
  const text = world.read(path);
  if (text === undefined && named) throw new ExitError("notFound", `${path} does not exist`);
  // The machine does not matter for whether a file can be used.
  const surroundings = { hostname: "localhost", cores: 1, file: { path, text } };
  const { problems, origins } = together(path, () => serverConfig({}, surroundings));
  const used = settingNames.filter((name) => origins[name] === "file").length;
  const found = text !== undefined;
  if (json) {
    for (const problem of problems) {
      print(typedLine("config_problem", { file: path, ...problem }));
    }
    const ok = problems.length === 0;
    print(typedLine("config_checked", { file: path, found, ok, settings: used }));
  } else {
    for (const { line, text } of problems) print(`${path}:${line}: ${text}`);
    if (problems.length === 0) print(verdict(path, found, used));
  }
  return problems.length === 0 ? exitCodes.done : exitCodes.localData;
}

/** Settings that are possible each for itself may not fit together. Throws `ExitError` (localData). */
function together<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ExitError)) throw cause;
    throw new ExitError("localData", `${path}: ${cause.message}`, { cause });
  }
}

function verdict(path: string, found: boolean, used: number): string {
  if (!found) return `There is no ${path}: defaults hold.`;
  return `${path} can be used; it has ${used} setting${used === 1 ? "" : "s"}.`;
}

/** Every setting with its meaning and default, each switched off by a comment: a file that changes nothing yet. */
export function configTemplate(): string[] {
  const lines = settingNames.flatMap((name) => {
    const { about, usual, form, example, flag, live }: Setting = settings[name];
    return [
      "",
      `  // ${about[0]?.toUpperCase()}${about.slice(1)} (${flag}).`,
      `  // It is ${form}. Default: ${usual}.${live ? "" : " A change needs a restart."}`,
      `  // "${name}": ${example},`,
    ];
  });
  return [
    "// The configuration of a Sealpost server: remove the // before a setting to change it, then run",
    "// `sealpost server config check` and `sealpost server reload`. Flags of `sealpost server` win over this file.",
    "{",
    ...lines.slice(1),
    "}",
  ];
}
