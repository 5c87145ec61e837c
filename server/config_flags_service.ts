/** The command line of what runs a server unattended: its systemd unit, its health, and what may be wrong. */
import { type Command, InvalidArgumentError } from "commander";
import type { ServerFlags } from "./config.ts";
import type { PlaceFlags } from "./config_flags_accounts.ts";
import { settingFlags, settingsGiven } from "./config_flags_settings.ts";

/** What can be asked. */
export type ServiceCommand =
  | {
    readonly action: "unit";
    readonly flags: ServerFlags;
    readonly user: string | undefined;
    readonly config: string | undefined;
  }
  /** `timeoutMs`: for everything together. */
  | { readonly action: "health"; readonly timeoutMs: number }
  /** `flags`: as `server run` would be given. */
  | {
    readonly action: "doctor";
    readonly flags: ServerFlags;
    readonly config: string | undefined;
  };

type Tell = (command: ServiceCommand, flags: PlaceFlags) => void;

interface UnitFlags extends ServerFlags, PlaceFlags {
  readonly user?: string;
  readonly config?: string;
}

/** Adds `systemd-unit` and `health`; `place` adds the common flags, `tell` hears what was asked. */
export function describeService(
  program: Command,
  { place, tell }: { readonly place: (command: Command) => Command; readonly tell: Tell },
): void {
  const unit = program.command("systemd-unit")
    .description("print a systemd unit for a server with these flags, sandboxed")
    .argument("[port]", "where it is to listen (default: as for run)")
    .option(
      "--user <name>",
      "whom it runs as (default: a user made up by systemd; with --data you)",
    )
    .option("--data <folder>", "its data folder (default: /var/lib/sealpost, made by systemd)")
    .option("--home <folder>", "data and configuration under one folder")
    .option("--config <file>", "its configuration file (default: /etc/sealpost/server.json)")
    .allowExcessArguments(false);
  settingFlags(unit).action((port: string | undefined, options: UnitFlags) => {
    const { user, config } = options;
    tell({ action: "unit", flags: settingsGiven(options, port), user, config }, options);
  });
  place(program.command("health"))
    .description(
      "connect to the running server as a client would; exit code 0 when all is well, else 1",
    )
    .option("--timeout <seconds>", "for everything together", seconds, 5)
    .action((options: PlaceFlags & { readonly timeout: number }) =>
      tell({ action: "health", timeoutMs: options.timeout * 1000 }, options)
    );
  describeDoctor(program, { place, tell });
}

function describeDoctor(
  program: Command,
  { place, tell }: { readonly place: (command: Command) => Command; readonly tell: Tell },
): void {
  const doctor = place(program.command("doctor"))
    .description("look at everything that a server needs, and say what is to be done")
    .argument("[port]", "where it is to listen (default: as for run)")
    .option("--config <file>", "its configuration file");
  settingFlags(doctor).action((port: string | undefined, options: UnitFlags) =>
    tell({ action: "doctor", flags: settingsGiven(options, port), config: options.config }, options)
  );
}

function seconds(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new InvalidArgumentError("Give a number of seconds from 1 to 999.");
}
