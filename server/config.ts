/** What the operator asked for: flags, then the configuration file, then defaults. Pure. */
import { ExitError } from "../lib/base/exit_codes.ts";
import { textLimits } from "../lib/base/limits.ts";
import type { LogLevel } from "../lib/base/log.ts";
import { sanitizeLine } from "../lib/base/sanitize.ts";
import {
  type FileChoices,
  fileChoices,
  type FileRules,
  fileRules,
  isFileChoice,
} from "./config_files.ts";
import type { TlsSource } from "./supervisor/certificates.ts";

/** The port when neither the command line nor the configuration file names one. */
export const defaultPort = 1357;

/** Who may make an account. */
export type Registration = "open" | "invite" | "closed";

/** Whose first message or invitation is a request: nobody's, that of other servers' accounts, or every stranger's. */
export type Consent = "none" | "remote" | "all";

const consents = ["none", "remote", "all"] as const satisfies readonly Consent[];

/** Which servers may link with this one: those that its operator has added, or any. */
export type PeerPolicy = "open" | "listed";

/** Flags as they were typed. */
export interface ServerFlags extends FileChoices {
  readonly port?: string | undefined;
  readonly name?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly registration?: string | undefined;
  readonly consent?: string | undefined;
  readonly peers?: string | undefined;
  readonly lobbyPeers?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly gateways?: string | undefined;
}

/** What the rest of the server needs to know. */
export interface ServerConfig {
  /** 0 is any free port. */
  readonly port: number;
  readonly name: string;
  readonly tls: TlsSource;
  readonly registration: Registration;
  readonly consent: Consent;
  readonly peers: PeerPolicy;
  /** Whether the lobby is mirrored with linked servers that want it too. */
  readonly lobbyPeers: boolean;
  readonly logLevel: LogLevel;
  readonly gateways: number;
  readonly files: FileRules;
  /** Lines for the operator: what was taken from where, what was ignored and why. */
  readonly notes: readonly string[];
}

/** The machine, as far as defaults depend on it. */
export interface Surroundings {
  readonly hostname: string;
  readonly cores: number;
  /** The configuration file: where it is (or would be), and its text when it exists. */
  readonly file: { readonly path: string; readonly text: string | undefined };
}

const levels = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];
/** More gateways than this only share one database writer. */
const mostGateways = 64;

/**
 * Puts the configuration together. A flag that is not possible ends the command (`ExitError`, usage); a value in the file
 * that is not possible is ignored with a note, and its default is used.
 */
export function serverConfig(flags: ServerFlags, around: Surroundings): ServerConfig {
  const file = readConfigFile(around.file);
  const port = choosePort(flags.port, file, around.file.path);
  return {
    port: port.value,
    name: serverName(flags.name ?? file.values.name ?? around.hostname),
    tls: tlsSource(flags.cert ?? file.values.cert, flags.key ?? file.values.key),
    registration: oneOf(["open", "invite", "closed"], "--registration", flags.registration) ??
      file.values.registration ?? "open",
    consent: oneOf(consents, "--consent", flags.consent) ?? file.values.consent ?? "remote",
    lobbyPeers: flags.lobbyPeers ?? file.values.lobbyPeers ?? false,
    peers: oneOf(["open", "listed"], "--peers", flags.peers) ?? file.values.peers ?? "listed",
    logLevel: oneOf(levels, "--log-level", flags.logLevel) ?? file.values.logLevel ?? "info",
    gateways: gatewayCount(flags.gateways) ?? Math.max(1, around.cores - 1),
    files: fileRules({ ...file.values, ...given(flags) }),
    notes: [...file.notes, ...port.notes],
  };
}

/** The flags that were given: the others leave the file's values as they are. */
function given(flags: ServerFlags): FileChoices {
  return Object.fromEntries(
    fileChoices.filter((choice) => flags[choice] !== undefined)
      .map((choice) => [choice, flags[choice]]),
  );
}

/** A port as typed: 0 to 65535. Throws `ExitError` (usage). */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65535) return port;
  throw new ExitError(
    "usage",
    `"${
      sanitizeLine(text, 40)
    }" is not a port: give a number from 1 to 65535, or 0 for any free port`,
  );
}

interface FileValues {
  maxFileSize?: string;
  fileQuota?: string;
  fileSpace?: string;
  fileDays?: string;
  fileTypes?: string;
  port?: number;
  name?: string;
  cert?: string;
  key?: string;
  registration?: Registration;
  consent?: Consent;
  peers?: PeerPolicy;
  lobbyPeers?: boolean;
  logLevel?: LogLevel;
}

interface ReadFile {
  readonly values: FileValues;
  readonly notes: string[];
}

function readConfigFile(file: Surroundings["file"]): ReadFile {
  if (file.text === undefined) return { values: {}, notes: [] };
  try {
    const parsed: unknown = JSON.parse(file.text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return fileValues(parsed, file.path);
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  return { values: {}, notes: [`${file.path} is not a JSON object and is ignored`] };
}

/** For each setting: its value when it is possible, undefined when not. */
const readers: { [K in keyof Required<FileValues>]: (value: unknown) => FileValues[K] } = {
  port: (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535
      ? value
      : undefined,
  name: (value) => typeof value === "string" && isServerName(value) ? value : undefined,
  cert: nonEmpty,
  key: nonEmpty,
  registration: (value) => (["open", "invite", "closed"] as const).find((known) => known === value),
  consent: (value) => consents.find((known) => known === value),
  lobbyPeers: (value) => typeof value === "boolean" ? value : undefined,
  peers: (value) => (["open", "listed"] as const).find((known) => known === value),
  logLevel: (value) => levels.find((known) => known === value),
  maxFileSize: (value) => isFileChoice("maxFileSize", value) ? value : undefined,
  fileQuota: (value) => isFileChoice("fileQuota", value) ? value : undefined,
  fileSpace: (value) => isFileChoice("fileSpace", value) ? value : undefined,
  fileDays: (value) => isFileChoice("fileDays", value) ? value : undefined,
  fileTypes: (value) => isFileChoice("fileTypes", value) ? value : undefined,
};

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value.length > 0 ? value : undefined;
}

function fileValues(parsed: object, path: string): ReadFile {
  const values: FileValues = {};
  const notes: string[] = [];
  for (const [setting, value] of Object.entries(parsed)) {
    if (!isSetting(setting)) notes.push(`${path}: unknown setting "${sanitizeLine(setting, 40)}"`);
    else if (!take(values, setting, value)) {
      notes.push(`${path}: the value of "${setting}" is not valid and is ignored`);
    }
  }
  return { values, notes };
}

function isSetting(text: string): text is keyof FileValues {
  return Object.hasOwn(readers, text);
}

function take<K extends keyof FileValues>(values: FileValues, setting: K, value: unknown): boolean {
  const read = readers[setting](value);
  if (read === undefined) return false;
  values[setting] = read;
  return true;
}

function choosePort(
  typed: string | undefined,
  file: ReadFile,
  path: string,
): { value: number; notes: string[] } {
  if (typed !== undefined) return { value: parsePort(typed), notes: [] };
  if (file.values.port !== undefined) {
    return { value: file.values.port, notes: [`port ${file.values.port} from ${path}`] };
  }
  return { value: defaultPort, notes: [`no port given here or in ${path}: using ${defaultPort}`] };
}

function isServerName(text: string): boolean {
  return text.trim().length > 0 && sanitizeLine(text, textLimits.serverNameChars) === text;
}

function serverName(text: string): string {
  if (isServerName(text)) return text;
  throw new ExitError(
    "usage",
    `a server's name has 1 to ${textLimits.serverNameChars} printable characters`,
  );
}

function tlsSource(cert: string | undefined, key: string | undefined): TlsSource {
  if (cert === undefined && key === undefined) return { kind: "own" };
  if (cert !== undefined && key !== undefined) return { kind: "given", cert, key };
  throw new ExitError("usage", "--cert and --key belong together: give both files");
}

function oneOf<T extends string>(
  known: readonly T[],
  flag: string,
  text: string | undefined,
): T | undefined {
  if (text === undefined) return undefined;
  const found = known.find((value) => value === text);
  if (found !== undefined) return found;
  throw new ExitError("usage", `${flag} is one of: ${known.join(", ")}`);
}

function gatewayCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostGateways) return count;
  throw new ExitError("usage", `--gateways is a number from 1 to ${mostGateways}`);
}
