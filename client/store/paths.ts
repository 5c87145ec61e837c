/** Where the client keeps its files: XDG folders, one folder for all, or as told. Pure. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { canonicalName } from "../../lib/crypto/names.ts";

/** What paths depend on. */
export interface PathInput {
  readonly env: (name: string) => string | undefined;
  readonly cwd: () => string;
  readonly home?: string | undefined;
}

/**
 * The client's folder: under `--home` or SEALPOST_HOME, else under XDG_DATA_HOME or its default. Throws `ExitError`
 * (usage) when nothing names a place.
 */
export function clientFolder(input: PathInput): string {
  const home = input.home ?? nonEmpty(input.env("SEALPOST_HOME"));
  if (home !== undefined) return `${absolute(home, input)}/client`;
  const data = input.env("XDG_DATA_HOME");
  // Relative values are to be ignored (XDG Base Directory Specification).
  if (data?.startsWith("/")) return `${data}/sealpost/client`;
  const user = nonEmpty(input.env("HOME"));
  if (user !== undefined) return `${user}/.local/share/sealpost/client`;
  throw new ExitError("usage", "Neither XDG_DATA_HOME nor HOME is set: give --home FOLDER.");
}

/**
 * The folder of an account's profile. It is named after the server's identity and not its address: one server has many
 * addresses, and one address may come to be another server's. `fingerprint`: 64 hexadecimal digits.
 */
export function profileFolder(
  folder: string,
  account: { readonly name: string; readonly fingerprint: string },
): string {
  return `${folder}/profiles/${account.fingerprint.slice(0, 16)}/${canonicalName(account.name)}`;
}

/** `path` as an absolute one. Throws `ExitError` (usage) when it is empty. */
export function absolute(path: string, { cwd }: Pick<PathInput, "cwd">): string {
  if (path === "") throw new ExitError("usage", "A folder's name cannot be empty.");
  const rooted = path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path);
  return rooted ? path : `${cwd()}/${path}`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
