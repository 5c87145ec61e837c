/** What a user has decided about files, in a configuration file without secrets. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { readFileTypes } from "../../lib/base/file_types.ts";
import { readFile } from "./files.ts";
import { absolute, type PathInput } from "./paths.ts";

/** The user's choices about files. */
export interface FileChoices {
  /** Where files are saved. */
  readonly folder: string;
  /** The user's own allow-list, as in the file; absent: the operator's holds. */
  readonly types?: string;
}

/** The configuration file: `client.json` under `--home`, else under XDG_CONFIG_HOME. */
export function settingsFile(input: PathInput): string {
  const home = input.home ?? nonEmpty(input.env("SEALPOST_HOME"));
  if (home !== undefined) return `${absolute(home, input)}/client.json`;
  return `${configFolder(input)}/sealpost/client.json`;
}

function configFolder({ env }: PathInput): string {
  const config = env("XDG_CONFIG_HOME");
  return config?.startsWith("/") ? config : `${env("HOME") ?? ""}/.config`;
}

/** Reads the choices. Throws `ExitError` (usage) when the file says something that is not possible. */
export function readFileChoices(input: PathInput): FileChoices {
  const path = settingsFile(input);
  const { downloadFolder, fileTypes } = parse(path);
  if (fileTypes !== undefined && readFileTypes(fileTypes) === undefined) {
    throw wrong(path, "fileTypes is a list like pdf,png or a change like +dwg,-sh or *");
  }
  return {
    folder: downloadFolder === undefined ? usualFolder(input) : expanded(downloadFolder, input),
    ...(fileTypes === undefined ? {} : { types: fileTypes }),
  };
}

interface Settings {
  readonly downloadFolder?: string;
  readonly fileTypes?: string;
}

const known = ["downloadFolder", "fileTypes"];

function parse(path: string): Settings {
  const bytes = readFile(path);
  if (bytes === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(path, "it is not a JSON object");
  }
  for (const [name, setting] of Object.entries(value)) {
    if (!known.includes(name)) throw wrong(path, `there is no setting "${name.slice(0, 40)}"`);
    if (typeof setting !== "string" || setting === "") throw wrong(path, `${name} is a text`);
  }
  return value;
}

function wrong(path: string, what: string): ExitError {
  return new ExitError("usage", `${path}: ${what}`);
}

/** Under `--home`; else what the desktop calls the download folder (xdg-user-dirs); else `Downloads`. */
function usualFolder(input: PathInput): string {
  const home = input.home ?? nonEmpty(input.env("SEALPOST_HOME"));
  if (home !== undefined) return `${absolute(home, input)}/downloads`;
  const bytes = readFile(`${configFolder(input)}/user-dirs.dirs`);
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  const named = /^\s*XDG_DOWNLOAD_DIR="([^"]+)"/m.exec(text)?.[1];
  return named === undefined ? expanded("~/Downloads", input) : expanded(named, input);
}

function expanded(path: string, input: PathInput): string {
  const user = input.env("HOME") ?? "";
  return absolute(path.replace(/^(?:~|\$HOME)(?=\/|$)/, () => user), input);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
