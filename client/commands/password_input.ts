/** Where a one-shot command gets a password from: a file, standard input, or a hidden question on the terminal. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ClientFlags } from "./options.ts";
import type { Dialogue } from "../ui/dialogue.ts";

/** The world outside as the password is read from it. */
export interface PasswordSources {
  /** The first line of standard input; undefined when there is none. Later lines stay readable. */
  readonly firstInputLine: () => Promise<string | undefined>;
  /** A dialogue on the terminal, when there is one. */
  readonly dialogue: () => Dialogue | undefined;
}

/** The password that the flags name, or undefined when they name none. Throws when the source has none to give. */
export async function givenPassword(
  flags: ClientFlags,
  sources: PasswordSources,
): Promise<string | undefined> {
  if (flags.passwordFile !== undefined) return await fromFile(flags.passwordFile);
  if (flags.passwordStdin !== true) return undefined;
  const line = await sources.firstInputLine();
  if (line === undefined || line === "") {
    throw new ExitError("usage", "--password-stdin was given, but standard input is empty.");
  }
  return line;
}

/** The password as given, else as typed. Throws when it may not or cannot be asked for. */
export async function password(
  flags: ClientFlags,
  sources: PasswordSources & { readonly question: string },
): Promise<string> {
  const given = await givenPassword(flags, sources);
  if (given !== undefined) return given;
  const dialogue = flags.input ? sources.dialogue() : undefined;
  if (dialogue === undefined) {
    throw new ExitError(
      "notAllowed",
      "A password is needed: use --password-file or --password-stdin, or log in once with --remember.",
    );
  }
  const entered = await dialogue.readLine(sources.question, { hidden: true, keep: true });
  if (entered.kind === "line") return entered.text;
  throw new ExitError("interrupted", "Nothing was done.");
}

async function fromFile(path: string): Promise<string> {
  try {
    const text = await Deno.readTextFile(path);
    const line = text.split(/\r?\n/, 1)[0] ?? "";
    if (line !== "") return line;
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.IsADirectory
      ? "it is a folder"
      : "it cannot be read";
    throw new ExitError("usage", `The password file ${path}: ${why}.`, { cause: error });
  }
  throw new ExitError("usage", `The password file ${path} has an empty first line.`);
}
