/** The composition root of the server: reads the command line, picks the adapters, starts the workers, stops them. */
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { type CrashPlan, parseCrashPlan } from "../lib/base/crashpoint.ts";
import { exitErrorLine } from "../lib/base/json_line.ts";
import { sanitizeText } from "../lib/base/sanitize.ts";
import { runAdmin } from "./admin/commands.ts";
import { runFiles } from "./backup/commands.ts";
import { type ServerConfig, serverConfig, type ServerFlags } from "./config.ts";
import { parseServerArgs, type ServerCommand, serverWord } from "./config_flags.ts";
import { thisMachine } from "./machine.ts";
import { runConfig, settingRows } from "./config_commands.ts";
import { type PathInput, pathOrigins, type ServerPaths, serverPaths } from "./config_paths.ts";
import { reloaded } from "./config_reload.ts";
import { type ConfigFile, type Program, runService } from "./service_commands.ts";
import { openLog } from "./log.ts";
import { hostname } from "./supervisor/addresses.ts";
import { readOptional } from "./supervisor/folder.ts";
import { superviseServer } from "./supervisor/supervise.ts";

/** Where a command says what it has to say, and whom it asks. */
export interface Operator {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Asks the person at the terminal; undefined when there is nobody to ask. */
  readonly ask: (question: string) => string | undefined;
}

/** Runs `sealpost server ARGS` and returns the exit code. Never throws. */
export async function runServer(args: readonly string[]): Promise<number> {
  // Before anything is written: nothing of the server is for other users of the machine.
  Deno.umask(0o077);
  return await runServerFor(args, {
    out: (line) => print(Deno.stdout, line),
    err: (line) => print(Deno.stderr, line),
    ask: (question) => Deno.stdin.isTerminal() ? prompt(question) ?? "" : undefined,
  });
}

/** Runs a command for somebody and returns the exit code. Never throws. */
export async function runServerFor(args: readonly string[], operator: Operator): Promise<number> {
  try {
    const command = parseServerArgs(args);
    if (command.kind === "run") return await run(command, operator);
    if (command.kind === "admin") return await admin(command, operator);
    if (command.kind === "files") return await files(command, operator);
    if (command.kind === "service") return await service(command, operator);
    if (command.kind === "config") return await config(command, operator);
    operator.out(command.text);
    return exitCodes.done;
  } catch (thrown) {
    return fail(thrown, { json: args.includes("--json"), err: operator.err });
  }
}

export { serverWord };

/** The schema of every object that the server's commands print with `--json`, by its name. */
export async function serverOutputs(): Promise<Readonly<Record<string, object>>> {
  return (await import("./schemas/outputs.ts")).outputs;
}

/** Where a server keeps its data and looks for its configuration, as things stand here. Throws `ExitError` (usage). */
export function serverPlaces(): ServerPaths {
  return pathsOf({});
}

type Place = Pick<PathInput, "data" | "home" | "config">;

function placed({ data, home, config }: Place): PathInput {
  return { data, home, config, env: (name) => Deno.env.get(name), cwd: () => Deno.cwd() };
}

/** Whether a server has been started here once. `args`: as for its commands. */
export function isServerHere(args: readonly string[]): boolean {
  const at = args.indexOf("--home");
  const home = at < 0 ? undefined : args[at + 1];
  return readOptional(
    `${pathsOf({ home, data: undefined, config: undefined }).data}/server.crt`,
  ) !== undefined;
}

function pathsOf(command: Place): ServerPaths {
  return serverPaths(placed(command));
}

async function config(
  command: ServerCommand & { kind: "config" },
  operator: Operator,
): Promise<number> {
  return await runConfig(command.command, {
    json: command.json,
    print: operator.out,
    paths: pathsOf(command),
    origins: pathOrigins(placed(command)),
    configure: (flags) => readConfig(flags, fileOf(command)).config,
    read: readOptional,
  });
}

async function admin(
  { command, data, home }: ServerCommand & { kind: "admin" },
  { ask, out }: Operator,
): Promise<number> {
  const { data: folder } = pathsOf({ data, home });
  return await runAdmin(command, {
    folder,
    now: Date.now,
    ask,
    print: out,
  });
}

async function service(
  { command, json, data, home }: ServerCommand & { kind: "service" },
  operator: Operator,
): Promise<number> {
  const paths = pathsOf({ data, home, config: undefined });
  return await runService(command, {
    folder: paths.data,
    named: data !== undefined || home !== undefined,
    home: data === undefined && home !== undefined ? absolute(home) : undefined,
    config: readOptional(paths.config) === undefined ? undefined : paths.config,
    json,
    print: operator.out,
    remark: (line) => operator.err(`sealpost: ${line}`),
    program: thisProgram(),
    env: (name) => Deno.env.get(name),
    absolute,
    configFile: (config) => pathsOf({ data, home, config }).config,
    configure: (flags, file) => readConfig(flags, file).config,
    isThere: (path) => readOptional(path) !== undefined,
    isFolder,
    machine: thisMachine,
  });
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** What one starts to get here. */
function thisProgram(): Program {
  const deno = Deno.execPath();
  if (Deno.build.standalone) return { kind: "executable", path: deno };
  const path = decodeURIComponent(new URL("../startServer.sh", import.meta.url).pathname);
  return { kind: "script", path, deno };
}

async function files(
  { command, json, data, home }: ServerCommand & { kind: "files" },
  { out }: Operator,
): Promise<number> {
  const { data: folder } = pathsOf({ data, home });
  return await runFiles(command, { folder, json, now: Date.now, print: out });
}

async function run(
  command: ServerCommand & { kind: "run" },
  { out, err }: Operator,
): Promise<number> {
  const paths = pathsOf(command);
  const { config } = readConfig(command.flags, fileOf(command));
  let running = config;
  for (const note of config.notes) err(`sealpost: ${note}`);
  return await superviseServer({
    config,
    reconfigure: () => {
      const { config: next, found } = unchanged(() => readConfig(command.flags, fileOf(command)));
      const reload = reloaded(running, next, { path: paths.config, found });
      return { ...reload, hold: () => running = reload.config };
    },
    describe: () => ({
      file: paths.config,
      fileFrom: pathOrigins(placed(command)).config,
      settings: settingRows(running),
    }),
    folder: paths.data,
    json: command.json,
    qr: command.qr,
    test: testSwitches(),
    notifySocket: Deno.env.get("NOTIFY_SOCKET"),
    print: out,
    openLog: () =>
      openLog({
        folder: paths.data,
        level: config.logLevel,
        console: err,
      }),
  });
}

/** What is refused here changes nothing; the flags were accepted once, so it is the file. Throws `ExitError` (localData). */
function unchanged<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ExitError)) throw cause;
    throw new ExitError("localData", `nothing was changed: ${cause.message}`, { cause });
  }
}

/** Flags, file and defaults as they are now. Throws `ExitError` (usage). */
function readConfig(
  flags: ServerFlags,
  { path, named }: ConfigFile,
): { readonly config: ServerConfig; readonly found: boolean } {
  const text = configText(path, named);
  const config = serverConfig(flags, {
    hostname: hostname(),
    cores: navigator.hardwareConcurrency,
    file: { path, text },
  });
  return { config, found: text !== undefined };
}

function fileOf(command: Place): ConfigFile {
  return { path: pathsOf(command).config, named: command.config !== undefined };
}

/** A file that was named must be there; the usual one may be missing. */
function configText(path: string, named: boolean): string | undefined {
  const text = readOptional(path);
  if (text === undefined && named) {
    throw new ExitError("usage", `the configuration file ${path} does not exist`);
  }
  return text;
}

/** What tests may ask of a server by the environment; see docs/ARCHITECTURE.md. */
function testSwitches(): { crash: CrashPlan | undefined; tries: boolean } | undefined {
  if (Deno.env.get("SEALPOST_TEST_HOOKS") !== "1") return undefined;
  const crashAt = Deno.env.get("SEALPOST_CRASH_AT");
  return {
    crash: crashAt?.startsWith("server:") ? parseCrashPlan(crashAt) : undefined,
    tries: Deno.env.get("SEALPOST_TEST_TRY") === "1",
  };
}

function fail(
  thrown: unknown,
  { json, err }: { readonly json: boolean; readonly err: (line: string) => void },
): number {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const error = thrown instanceof ExitError
    ? thrown
    : new ExitError("failed", `internal error: ${text}`, { cause: thrown });
  err(json ? exitErrorLine(error) : `sealpost: ${sanitizeText(error.message, 2000)}`);
  return error.exitCode;
}

/** Writes a line. Whoever read it may be gone: that is no reason for a server to stop. */
function print(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  try {
    const bytes = new TextEncoder().encode(`${line.replace(/\n$/, "")}\n`);
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}
