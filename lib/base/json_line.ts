/** What every command prints with `--json`: one object per line, fields are only ever added. */
import type { ExitError } from "./exit_codes.ts";

/** The version of all JSON that commands print. */
export const jsonVersion = 1 as const;

/** What JSON leaves as it is although a terminal may obey it: DEL, C1 controls, and what turns the direction of text. */
const unsafe = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]/g;

/** One object as one line of JSON, of which a terminal obeys nothing. Whoever reads the JSON gets every text unchanged. */
export function jsonLine(value: object): string {
  return JSON.stringify(value)
    .replace(unsafe, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The line of an object of this type, with the version before it. */
export function typedLine(type: string, fields: object): string {
  return jsonLine({ v: jsonVersion, type, ...fields });
}

/** The line on standard error for a command that an `ExitError` has ended. */
export function exitErrorLine({ reason, message, exitCode }: ExitError): string {
  return typedLine("error", { code: reason, message, exit: exitCode });
}
