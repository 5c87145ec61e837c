/** What is wrong with a command line, in words of our own instead of the library's. Pure. */
import type { CommanderError } from "commander";
import { exitCodes } from "../../lib/base/exit_codes.ts";
import { safe } from "../ui/format.ts";
import type { Failure } from "./failure.ts";

/** The failure that a refused command line is; `program` is what `--help` can be asked of: `client send`. */
export function misuse(error: CommanderError, program: string): Failure {
  const exit = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const text = error.message.replace(/^error: /, "");
  const help = `sealpost ${program} --help`;
  return { exit, code: "usage", message: `${safe(inWords(text), 500)} (${help} shows how)` };
}

/** Sentences of the library, and what they become. */
const sentences: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [/^\(outputHelp\)$/, () => "which command?"],
  [/^missing required argument '(.*)'$/, (name = "") => `${name} is missing`],
  [/^unknown command '(.*?)'/, (word = "") => `there is no command "${word}"`],
  [
    /^unknown option '(.*?)'(?:\s*\(Did you mean (.*?)\?\))?$/s,
    (flag = "", meant = "") =>
      `there is no flag ${flag}${meant === "" ? "" : `; did you mean ${meant}?`}`,
  ],
  [
    /^too many arguments for '(.*?)'\. Expected (\d+) arguments? but got (\d+)/,
    (command = "", most = "", got = "") =>
      `${command} takes ${most === "1" ? "one word" : `${most} words`} and got ${got}: ` +
      "put a text with spaces in quotes",
  ],
  [
    /^(?:command-argument|option) .*?value '(.*)' is invalid.*?\. Allowed choices are (.*)\.$/s,
    (given = "", choices = "") => `"${given}" is not one of: ${choices}`,
  ],
  [
    /^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*?)' is invalid\. Allowed choices are (.*)\.$/s,
    (flag = "", given = "", choices = "") => `${flag}: "${given}" is not one of: ${choices}`,
  ],
  [
    /^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*?)' is invalid\. (.*)$/s,
    (flag = "", given = "", why = "") => `${flag} ${given}: ${asClause(why)}`,
  ],
  [
    /^option '(?:-\w, )?(--[\w-]+) <(.*)>' argument missing$/,
    (flag = "", value = "") => `${flag} needs a value: ${value}`,
  ],
];

const asClause = (sentence: string) =>
  sentence.replace(/^[A-Z]/, (letter) => letter.toLowerCase()).replace(/\.$/, "");

function inWords(text: string): string {
  for (const [pattern, words] of sentences) {
    const found = pattern.exec(text);
    if (found !== null) return words(...found.slice(1));
  }
  return text;
}
