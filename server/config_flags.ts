/** The command line of `sealpost server`. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type Word, wordOf } from "../lib/base/completion.ts";
import { meant } from "../lib/base/edit_distance.ts";
import { ExitError } from "../lib/base/exit_codes.ts";
import { sanitizeLine } from "../lib/base/sanitize.ts";
import { inWords } from "../lib/base/usage_words.ts";
import type { LogLevel } from "../lib/base/log.ts";
import type { AdminCommand } from "./admin/commands.ts";
import type { FilesCommand } from "./backup/commands.ts";
import type { ConfigCommand } from "./config_commands.ts";
import { addExamples } from "./config_examples.ts";
import { describeAccounts } from "./config_flags_accounts.ts";
import { describePeers } from "./config_flags_peers.ts";
import { describeService, type ServiceCommand } from "./config_flags_service.ts";
import { describeConfig, settingFlags, settingsGiven } from "./config_flags_settings.ts";
import type { ServerFlags } from "./config.ts";

/** What `sealpost server ...` asks for. */
export type ServerCommand =
  | { readonly kind: "help"; readonly text: string }
  | {
    readonly kind: "admin";
    readonly command: AdminCommand;
    readonly data: string | undefined;
    readonly home: string | undefined;
  }
  | {
    readonly kind: "files";
    readonly command: FilesCommand;
    readonly json: boolean;
    readonly data: string | undefined;
    readonly home: string | undefined;
  }
  | {
    readonly kind: "config";
    readonly command: ConfigCommand;
    readonly json: boolean;
    readonly data: string | undefined;
    readonly home: string | undefined;
    readonly config: string | undefined;
  }
  | {
    readonly kind: "service";
    readonly command: ServiceCommand;
    readonly json: boolean;
    readonly data: string | undefined;
    readonly home: string | undefined;
  }
  | {
    readonly kind: "run";
    readonly flags: ServerFlags;
    readonly json: boolean;
    /** Whether the invitation link is printed as a QR code too. */
    readonly qr: boolean;
    readonly data: string | undefined;
    readonly home: string | undefined;
    readonly config: string | undefined;
  };

interface RunOptions extends Omit<ServerFlags, "port"> {
  json?: true;
  qr?: true;
  data?: string;
  home?: string;
  config?: string;
}

/** Reads the arguments after `server`. Throws `ExitError` (usage) with one line. */
export function parseServerArgs(args: readonly string[]): ServerCommand {
  let command: ServerCommand | undefined;
  let help = "";
  const program = new Command("sealpost server").exitOverride()
    .configureOutput({ writeOut: (text) => help += text, writeErr: () => undefined });
  describe(program, (parsed) => command = parsed);
  try {
    program.parse(args, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return { kind: "help", text: help };
    throw usage(thrown);
  }
  if (command?.kind === "run") refuseMistyped(command.flags.port, program);
  return command ?? { kind: "help", text: program.helpInformation() };
}

/** What stands where a port may stand is a command more often than not. Throws `ExitError` (usage). */
function refuseMistyped(port: string | undefined, program: Command): void {
  if (port === undefined || /^\d/.test(port)) return;
  const name = meant(port, program.commands.map((command) => command.name()));
  if (name === undefined) return;
  const typed = sanitizeLine(port, 40);
  throw new ExitError("usage", `there is no command "${typed}"; did you mean ${name}?`);
}

/** The grammar of the words after `server`, for completion. */
export function serverWord(): Word {
  const program = new Command("server");
  describe(program, () => undefined);
  const run = program.commands.find((command) => command.name() === "run");
  const word = wordOf(program);
  // `run` is what is meant when no word stands there: its flags belong to the program too.
  return run === undefined ? word : { ...word, flags: wordOf(run).flags };
}

function describe(program: Command, done: (command: ServerCommand) => void): void {
  describeRun(program, done);
  describeAdmin(program, done);
  describeFiles(program, done);
  const tell = (command: AdminCommand, { data, home }: AdminOptions) =>
    done({ kind: "admin", command, data, home });
  describeAccounts(program, { place, tell });
  describePeers(program, { place, tell });
  describeConfig(program, (config) => done({ kind: "config", ...config }));
  describeService(program, {
    place,
    tell: (command, { json, data, home }) =>
      done({ kind: "service", command, json: json === true, data, home }),
  });
  addExamples(program);
}

function describeRun(program: Command, done: (command: ServerCommand) => void): void {
  const run = program.description("Runs a server, and asks one that runs.")
    .command("run", { isDefault: true })
    .description("run a server in the foreground until it is told to stop")
    .argument(
      "[port]",
      "where to listen; 0 is any free port (default: the configuration file, else 1357)",
    )
    .option("--data <folder>", "data folder (default: $XDG_DATA_HOME/sealpost/server)");
  settingFlags(run)
    .option(
      "--config <file>",
      "configuration file (default: $XDG_CONFIG_HOME/sealpost/server.json)",
    )
    .option("--home <folder>", "puts everything under one folder (also SEALPOST_HOME)")
    .option("--json", "print one JSON line once it listens")
    .option("--qr", "print the invitation link as a QR code too")
    .allowExcessArguments(false)
    .action((port: string | undefined, options: RunOptions) => {
      const { json, qr, data, home, config } = options;
      const printed = { json: json === true, qr: qr === true };
      const flags = settingsGiven(options, port);
      done({ kind: "run", flags, ...printed, data, home, config });
    });
  // `run` is what almost everybody means: its flags belong into the first help that one asks for.
  program.addHelpText("after", () => `\n${run.helpInformation()}`);
}

type Words = "status" | "stop" | "reload" | "fingerprint";

const words: Readonly<Record<Words, string>> = {
  status: "what a running server does: online, sizes, addresses",
  stop: "stop a running server in order, and wait until it has ended",
  reload: "read the configuration file again, as SIGHUP does, and say what that changed",
  fingerprint: "the server's fingerprint; with its invitation link while it runs",
};

interface AdminOptions {
  json?: true;
  data?: string;
  home?: string;
}

/** Commands to the server that runs on the same data folder. */
function describeAdmin(program: Command, done: (command: ServerCommand) => void): void {
  for (const kind of ["status", "stop", "reload", "fingerprint"] as const) {
    place(program.command(kind).description(words[kind])).action((options: AdminOptions) => {
      const { json, data, home } = options;
      done({ kind: "admin", command: { kind, json: json === true }, data, home });
    });
  }
}

const backups = {
  backup: "write the whole server, while it runs, to one file; it holds the server's keys",
  restore: "make an empty data folder of a backup, here or on another machine",
} as const;

/** Commands that work on files, whether a server runs or not. */
function describeFiles(program: Command, done: (command: ServerCommand) => void): void {
  const tell = (command: FilesCommand, { json, data, home }: AdminOptions) =>
    done({ kind: "files", command, json: json === true, data, home });
  for (const kind of ["backup", "restore"] as const) {
    place(program.command(kind).description(backups[kind]).argument("<file>"))
      .action((file: string, options: AdminOptions) => tell({ kind, file }, options));
  }
  place(program.command("check").description("look through the data folder; changes nothing"))
    .action((options: AdminOptions) => tell({ kind: "check" }, options));
  place(program.command("logs").description("show the log of the server"))
    .option("-n, --number <count>", "the last so many lines", lineCount, 50)
    .addOption(
      new Option("--level <level>", "the least level").choices([
        "debug",
        "info",
        "warning",
        "error",
      ]).default("info"),
    )
    .option("-f, --follow", "go on with what is written from now on")
    .action((options: AdminOptions & { number: number; level: LogLevel; follow?: true }) => {
      const { number: count, level, follow = false } = options;
      tell({ kind: "logs", choice: { count, level, follow } }, options);
    });
}

function lineCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : NaN;
  if (count >= 0) return count;
  throw new InvalidArgumentError("Give a number of lines.");
}

/** What all of them take: whose server, and how to answer. */
function place(command: Command): Command {
  return command.option("--data <folder>", "the server's data folder")
    .option("--home <folder>", "everything under one folder (also SEALPOST_HOME)")
    .option("--json", "print one JSON line")
    .allowExcessArguments(false);
}

function usage(thrown: CommanderError): ExitError {
  const text = inWords(thrown.message.replace(/^error: /, "")).replaceAll("\n", " ");
  return new ExitError("usage", `${text} (sealpost server --help shows what there is)`);
}
