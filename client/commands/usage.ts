/** What is wrong with a command line, in words of our own instead of the library's. Pure. */
import type { CommanderError } from "commander";
import { exitCodes } from "../../lib/base/exit_codes.ts";
import { inWords } from "../../lib/base/usage_words.ts";
import { safe } from "../ui/format.ts";
import type { Failure } from "./failure.ts";

/** The failure that a refused command line is; `program` is what `--help` can be asked of: `client send`. */
export function misuse(error: CommanderError, program: string): Failure {
  const exit = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const text = error.message.replace(/^error: /, "");
  const help = `sealpost ${program} --help`;
  return { exit, code: "usage", message: `${safe(inWords(text), 500)} (${help} shows how)` };
}
