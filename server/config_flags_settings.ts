/** The settings as flags of `sealpost server`, and the commands about the configuration. */
import type { Command } from "commander";
import type { ConfigCommand } from "./config_commands.ts";
import type { ServerFlags } from "./config.ts";
import { type Setting, settingNames, settings } from "./config_settings.ts";

/** Adds a flag for every setting; the port stands alone on the command line and has none. */
export function settingFlags(command: Command): Command {
  for (const name of settingNames) {
    if (name === "port") continue;
    const { flag, takes, about, usual }: Setting = settings[name];
    command.option(`${flag} ${takes}`.trim(), `${about} (default: ${usual})`);
  }
  return command;
}

/** The flags of settings among what commander has read. */
export function settingsGiven(options: ServerFlags, port: string | undefined): ServerFlags {
  const given = settingNames.filter((name) => options[name] !== undefined)
    .map((name) => [name, options[name]]);
  return { ...Object.fromEntries(given), port };
}

interface ConfigFlags extends ServerFlags {
  readonly json?: true;
  readonly data?: string;
  readonly home?: string;
  readonly config?: string;
}

/** A command about the configuration, and about whose. */
export interface AskedConfig {
  readonly command: ConfigCommand;
  readonly json: boolean;
  readonly data: string | undefined;
  readonly home: string | undefined;
  readonly config: string | undefined;
}

/** Adds `config show`, `config check` and `config template`. */
export function describeConfig(program: Command, done: (asked: AskedConfig) => void): void {
  const config = program.command("config").description("what a server goes by, and its file");
  const tell = (command: ConfigCommand, { json, data, home, config }: ConfigFlags) =>
    done({ command, json: json === true, data, home, config });
  const show = config.command("show")
    .description(
      "every setting, its value and where that comes from: of a running server, else as a start would be",
    )
    .argument("[port]", "with this and the flags below: as a start with them would be");
  settingFlags(place(show))
    .action((port: string | undefined, options: ConfigFlags) => {
      const flags = settingsGiven(options, port);
      const none = Object.values(flags).every((value) => value === undefined);
      tell({ action: "show", flags: none ? undefined : flags }, options);
    });
  place(config.command("check")).argument("[file]", "the file (default: the server's)")
    .description("whether a configuration file can be used; exit code 8 when not")
    .action((file: string | undefined, options: ConfigFlags) => {
      tell({ action: "check", file }, options);
    });
  config.command("template").description("print a file with every setting and its default")
    .allowExcessArguments(false)
    .action(() => tell({ action: "template" }, {}));
}

function place(command: Command): Command {
  return command.option("--data <folder>", "the server's data folder")
    .option("--home <folder>", "everything under one folder (also SEALPOST_HOME)")
    .option("--config <file>", "the server's configuration file")
    .option("--json", "print JSON, one object a line")
    .allowExcessArguments(false);
}
