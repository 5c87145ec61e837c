/** The flags that every client command takes, and what they mean. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { ServerAddress } from "../engine/api.ts";

/** The flags of `sealpost client`, as commander hands them over. */
export interface ClientFlags {
  readonly server?: ServerAddress;
  readonly user?: string;
  readonly acceptNew?: boolean;
  readonly profile?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** False with `--no-input`. */
  readonly input: boolean;
  readonly passwordFile?: string;
  readonly passwordStdin?: boolean;
  readonly remember?: boolean;
  /** Milliseconds; 0 never ends. Each command has its own default. */
  readonly timeout?: number;
  readonly color: "auto" | "always" | "never";
  readonly utc?: boolean;
}

const seconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || text.trim() === "") {
    throw new InvalidArgumentError("Give seconds, for example 10 or 0.5; 0 waits for ever.");
  }
  return value * 1000;
};

/** Adds the flags to `command`; `parseAddress` turns the text of `--server` into an address. */
export function addClientFlags(
  command: Command,
  parseAddress: (text: string) => ServerAddress,
): Command {
  return command
    .addOption(
      new Option("--server <HOST:PORT|LINK>", "server; default: the last one")
        .argParser((text) => {
          try {
            return parseAddress(text);
          } catch (error) {
            throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
          }
        }),
    )
    .option("--user <NAME>", "account; default: the last one on that server")
    .option("--accept-new", "trust a server at first contact without asking; never a changed one")
    .option("--profile <DIR>", "folder of the profile")
    .option("--home <DIR>", "folder for everything (also SEALPOST_HOME)")
    .option("--json", "one JSON object per line on standard output")
    .option("--quiet", "no remarks on standard error")
    .option("--no-input", "never ask; fail instead")
    .option("--password-file <FILE>", "read the password from the first line of a file")
    .option("--password-stdin", "read the password from the first line of standard input")
    .option("--remember", "keep the profile unlocked on this machine, for scripts")
    .addOption(
      new Option("--timeout <SECONDS>", "give up after this long; default 30, for listen never")
        .argParser(seconds),
    )
    .addOption(
      new Option("--color <WHEN>", "escape sequences in the output").choices([
        "auto",
        "always",
        "never",
      ]).default("auto"),
    )
    .option("--utc", "times in UTC instead of the local time zone");
}

/** The first word that is neither a flag nor a flag's value: a command's name, or the interactive client's HOST. */
export function firstWord(args: readonly string[]): string | undefined {
  const unread = (text: string): never => {
    throw new InvalidArgumentError(text);
  };
  const { options } = addClientFlags(new Command(), unread);
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--") return args[at + 1];
    if (!word.startsWith("-")) return word;
    const takesValue = options.some(({ required, long, short }) =>
      required && (long === word || short === word)
    );
    if (takesValue) at++;
  }
  return undefined;
}
