/** The settings as flags of `sealpost server`, and the commands about the configuration. */
import type { Command } from "commander";
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
