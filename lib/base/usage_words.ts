/** What the commander library says of a command line, in words of our own. Pure. */

/** Sentences of the library, and what they become. */
const sentences: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [/^\(outputHelp\)$/, () => "which command?"],
  [/^missing required argument '(.*)'$/, (name = "") => `${name} is missing`],
  [
    /^unknown command '(.*?)'(?:\s*\(Did you mean (.*?)\?\))?/s,
    (word = "", near = "") =>
      `there is no command "${word}"${near === "" ? "" : `; did you mean ${near}?`}`,
  ],
  [
    /^unknown option '(.*?)'(?:\s*\(Did you mean (.*?)\?\))?$/s,
    (flag = "", meant = "") =>
      `there is no flag ${flag}${meant === "" ? "" : `; did you mean ${meant}?`}`,
  ],
  [
    /^too many arguments for '(.*?)'\. Expected (\d+) arguments? but got (\d+)/,
    (command = "", most = "", got = "") =>
      most === "0"
        ? `${command} takes flags alone, and no word`
        : `${command} takes ${most === "1" ? "one word" : `${most} words`} and got ${got}: ` +
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

/** The library's sentence about a command line (without its `error: `) in words of our own. */
export function inWords(text: string): string {
  for (const [pattern, words] of sentences) {
    const found = pattern.exec(text);
    if (found !== null) return words(...found.slice(1));
  }
  return text;
}
