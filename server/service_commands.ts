/** The commands of whoever runs a server unattended: a systemd unit for it, whether it is well, what may be wrong. */
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { type ServerConfig, serverConfig, type ServerFlags } from "./config.ts";
import type { ServiceCommand } from "./config_flags_service.ts";
import { type Setting, settingNames, settings } from "./config_settings.ts";
import { runDoctor } from "./doctor.ts";
import type { Machine } from "./doctor_checks.ts";
import { runHealth } from "./health.ts";
import { runningFacts } from "./running.ts";
import { systemdUnit } from "./systemd_unit.ts";

/** The program that runs this: the compiled executable, or the start script of the sources. */
export type Program =
  | { readonly kind: "executable"; readonly path: string }
  | { readonly kind: "script"; readonly path: string; readonly deno: string };

/** A configuration file; one that was named has to be there. */
export interface ConfigFile {
  readonly path: string;
  readonly named: boolean;
}

/** Where a command runs. */
export interface ServiceWorld {
  /** The data folder, by flags or the environment. */
  readonly folder: string;
  /** Whether a flag named it. */
  readonly named: boolean;
  /** The folder for everything, where a flag named that. */
  readonly home: string | undefined;
  /** The configuration file that goes with it, where there is one. */
  readonly config: string | undefined;
  readonly json: boolean;
  readonly print: (line: string) => void;
  /** For the operator, beside what is printed. */
  readonly remark: (line: string) => void;
  readonly program: Program;
  readonly env: (name: string) => string | undefined;
  readonly absolute: (path: string) => string;
  /** The configuration file's path, with the one that was named if any. */
  readonly configFile: (named: string | undefined) => string;
  /** What a server that is started here would use. Throws `ExitError`. */
  readonly configure: (flags: ServerFlags, file: ConfigFile) => ServerConfig;
  readonly isThere: (path: string) => boolean;
  readonly isFolder: (path: string) => boolean;
  readonly machine: Machine;
}

/** Runs a command; returns the exit code. Throws `ExitError`. */
export async function runService(command: ServiceCommand, world: ServiceWorld): Promise<number> {
  if (command.action === "doctor") return await lookAtAll(command, world);
  if (command.action === "health") return await runHealth({ ...world, ...command });
  printUnit(command, world);
  return exitCodes.done;
}

/** Unless one says otherwise, a server that runs is looked at as it was started. */
async function lookAtAll(
  { config, flags: given }: ServiceCommand & { action: "doctor" },
  world: ServiceWorld,
): Promise<number> {
  const running = await runningFacts(world.folder);
  const configFile = config === undefined && running !== undefined
    ? running.file
    : world.configFile(config);
  const none = Object.values(given).every((value) => value === undefined);
  const flags = none ? running?.flags ?? {} : given;
  return await runDoctor({
    ...world,
    ...world.machine,
    running,
    configFile,
    configFound: world.isThere(configFile),
    configure: () => world.configure(flags, { path: configFile, named: config !== undefined }),
  });
}

function printUnit(command: ServiceCommand & { action: "unit" }, world: ServiceWorld): void {
  // What a start would refuse is refused here.
  const file = { path: "", text: undefined };
  const config = serverConfig(command.flags, { hostname: "localhost", cores: 1, file });
  const user = userOf(command, world);
  const { program } = world;
  const home = command.config === undefined ? world.home : undefined;
  const lines = systemdUnit({
    program: program.path,
    words: program.kind === "executable" ? ["server"] : [],
    args: typedAgain(command.flags, world.absolute),
    data: world.named ? world.folder : undefined,
    home,
    config: command.config === undefined
      ? foundConfig(command, world)
      : world.absolute(command.config),
    user,
    privileged: isPrivileged(config),
    connections: config.limits.connections,
    denoFolder: program.kind === "script" ? parentOf(program.deno) : undefined,
  });
  for (const line of lines) world.print(line);
  const written = home ?? world.folder;
  if (world.named && !world.isFolder(written)) {
    world.remark(
      `systemd needs ${written} to be there: make it, for ${user} alone, before the first start`,
    );
  }
  if (user === undefined && /^\/(root|home)\//.test(program.path)) {
    world.remark(
      `${program.path} lies where a user made up by systemd may not read: ` +
        "copy the compiled executable to /usr/local/bin, or give --user",
    );
  }
}

/** The file of who asks is not that of another user. */
function foundConfig(
  { user }: ServiceCommand & { action: "unit" },
  { named, home, config }: ServiceWorld,
): string | undefined {
  return named && home === undefined && user === undefined ? config : undefined;
}

/** A user made up by systemd has no folder of its own elsewhere. */
function userOf(
  { user }: ServiceCommand & { action: "unit" },
  { named, env }: ServiceWorld,
): string | undefined {
  const found = user ?? (named ? env("USER") ?? env("LOGNAME") : undefined);
  if (found === undefined && named) {
    throw new ExitError("usage", "say with --user whom the data folder belongs to");
  }
  if (found === undefined || /^[A-Za-z_][\w-]{0,30}$/.test(found)) return found;
  throw new ExitError(
    "usage",
    `${JSON.stringify(found)} cannot be a user of this machine: name one with --user`,
  );
}

function isPrivileged({ port }: ServerConfig): boolean {
  return port > 0 && port < 1024;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** The port and flags as one would type them; names of files so that they mean the same anywhere. */
function typedAgain(flags: ServerFlags, absolute: (path: string) => string): string[] {
  const words = settingNames.flatMap((name): string[] => {
    const value = flags[name];
    const { flag, takes }: Setting = settings[name];
    if (name === "port" || value === undefined) return [];
    if (takes === "") return [flag];
    const text = String(value);
    return [flag, name === "cert" || name === "key" ? absolute(text) : text];
  });
  return [...flags.port === undefined ? [] : [flags.port], ...words];
}
