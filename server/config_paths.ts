/** Where the server's files stand: XDG folders, one folder for all, or as told. Pure. */
import { ExitError } from "../lib/base/exit_codes.ts";

/** The folders and files of a server. */
export interface ServerPaths {
  readonly data: string;
  readonly config: string;
}

/** What paths depend on. */
export interface PathInput {
  readonly env: (name: string) => string | undefined;
  readonly cwd: () => string;
  readonly data?: string | undefined;
  readonly home?: string | undefined;
  readonly config?: string | undefined;
}

/**
 * `--data` and `--config` win; then `--home` or SEALPOST_HOME, under which everything stands; then the XDG folders.
 * Throws `ExitError` (usage) when nothing names a place.
 */
export function serverPaths(input: PathInput): ServerPaths {
  const home = input.home ?? nonEmpty(input.env("SEALPOST_HOME"));
  return {
    data: absolute(
      input,
      input.data ??
        (home === undefined
          ? `${xdg(input, "XDG_DATA_HOME", ".local/share")}/sealpost/server`
          : `${home}/server`),
    ),
    config: absolute(
      input,
      input.config ??
        (home === undefined
          ? `${xdg(input, "XDG_CONFIG_HOME", ".config")}/sealpost/server.json`
          : `${home}/server.json`),
    ),
  };
}

/** What decided about each of the paths. */
export type PathOrigins = Readonly<Record<keyof ServerPaths, "flag" | "environment" | "default">>;

/** Where the answers of `serverPaths` come from. */
export function pathOrigins(input: PathInput): PathOrigins {
  const origin = (given: string | undefined, variable: string) => {
    if (given !== undefined || input.home !== undefined) return "flag";
    const named = nonEmpty(input.env("SEALPOST_HOME")) !== undefined ||
      input.env(variable)?.startsWith("/") === true;
    return named ? "environment" : "default";
  };
  return {
    data: origin(input.data, "XDG_DATA_HOME"),
    config: origin(input.config, "XDG_CONFIG_HOME"),
  };
}

/** An XDG base folder; relative values are to be ignored (XDG Base Directory Specification). */
function xdg(input: PathInput, variable: string, underHome: string): string {
  const named = input.env(variable);
  if (named?.startsWith("/")) return named;
  const home = nonEmpty(input.env("HOME"));
  if (home !== undefined) return `${home}/${underHome}`;
  throw new ExitError(
    "usage",
    `neither ${variable} nor HOME is set: give --data FOLDER or --home FOLDER`,
  );
}

function absolute(input: PathInput, path: string): string {
  if (path.length === 0) throw new ExitError("usage", "a folder's name cannot be empty");
  return path.startsWith("/") ? path : `${input.cwd()}/${path}`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
