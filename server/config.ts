/** What the operator asked for: flags, then the configuration file, then defaults. Pure. */
import { ExitError } from "../lib/base/exit_codes.ts";
import { serverLimits, textLimits } from "../lib/base/limits.ts";
import type { LogLevel } from "../lib/base/log.ts";
import { sanitizeLine } from "../lib/base/sanitize.ts";
import {
  choicesOf,
  type FileChoice,
  type FileChoices,
  type FileRules,
  fileRules,
  isFileChoice,
} from "./config_files.ts";
import {
  choices,
  defaultPort,
  isSettingName,
  ranges,
  type SettingName,
  settingNames,
  settings,
} from "./config_settings.ts";
import { type Address, addressText, isLoopback, readAddress } from "./config_address.ts";
import { readConfigText } from "./config_text.ts";
import type { TlsSource } from "./supervisor/certificates.ts";

export { defaultPort } from "./config_settings.ts";

/** Who may make an account. */
export type Registration = typeof choices.registration[number];

/** Whose first message or invitation is a request: nobody's, that of other servers' accounts, or every stranger's. */
export type Consent = typeof choices.consent[number];

/** Which servers may link with this one: those that its operator has added, or any. */
export type PeerPolicy = typeof choices.peers[number];

/** Flags as they were typed. */
export type ServerFlags =
  & { readonly [K in Exclude<SettingName, Switch>]?: string | undefined }
  & { readonly [K in Switch]?: boolean | undefined };

/** Settings that are on or off. */
type Switch = "lobbyPeers" | "metricsPublic";

/** Where the value of a setting comes from. */
export type Origin = "default" | "file" | "flag";

/** Something in the configuration file that cannot be used. `line` counts from 1. */
export interface FileProblem {
  readonly line: number;
  readonly text: string;
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
  /** Where metrics are served; undefined for nowhere. */
  readonly metrics: Address | undefined;
  readonly limits: {
    readonly connections: number;
    readonly connectionsPerAddress: number;
    /** From one address. */
    readonly registrationsPerHour: number;
  };
  readonly origins: Readonly<Record<SettingName, Origin>>;
  /** Settings of the file that a flag overrules. */
  readonly overruled: readonly SettingName[];
  readonly problems: readonly FileProblem[];
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

/**
 * Puts the configuration together. A flag that is not possible ends the command (`ExitError`, usage); a value in the file
 * that is not possible is ignored with a note, and its default is used; where the file decides who may come in, the
 * strictest value instead.
 */
export function serverConfig(flags: ServerFlags, around: Surroundings): ServerConfig {
  const file = readConfigFile(around.file);
  const typed = flagValues(flags);
  const values = { ...file.guarded, ...file.values, ...typed };
  return {
    port: values.port ?? defaultPort,
    name: serverName(values.name ?? around.hostname),
    tls: tlsSource(values.cert, values.key),
    registration: values.registration ?? "open",
    consent: values.consent ?? "remote",
    lobbyPeers: values.lobbyPeers ?? false,
    peers: values.peers ?? "listed",
    logLevel: values.logLevel ?? "info",
    gateways: values.gateways ?? Math.max(1, around.cores - 1),
    files: fileRules(values),
    metrics: metricsAddress(values),
    limits: {
      connections: values.connections ?? serverLimits.connections,
      connectionsPerAddress: values.connectionsPerAddress ?? serverLimits.connectionsPerAddress,
      registrationsPerHour: values.registrationsPerHour ??
        serverLimits.registrationsPerAddressPerHour,
    },
    origins: originsOf(typed, file.values),
    overruled: settingNames.filter((name) => name in typed && name in file.values),
    problems: file.problems,
    notes: [
      ...file.problems.map(({ line, text }) => `${around.file.path}:${line}: ${text}; ${ignored}`),
      ...Object.entries(file.guarded).map(([name, value]) =>
        `${name} is "${value}" until that is right`
      ),
      ...portNotes(typed, file.values, around.file.path),
    ],
  };
}

const ignored = "that is ignored";

/** What holds, each as one would write it into the configuration file; null where that is not possible. */
export function settingValues(
  config: ServerConfig,
): Readonly<Record<SettingName, string | number | boolean | null>> {
  const { tls, files, limits, port, name, registration, consent, peers } = config;
  const { lobbyPeers, gateways, logLevel } = config;
  const given = tls.kind === "given" ? tls : { cert: null, key: null };
  return {
    ...{ port, name, cert: given.cert, key: given.key, registration, consent, peers },
    ...{ lobbyPeers, gateways, logLevel },
    ...limits,
    ...choicesOf(files),
    metrics: config.metrics === undefined ? null : addressText(config.metrics),
    metricsPublic: config.metrics !== undefined && !isLoopback(config.metrics.hostname),
  };
}

/** A port as typed: 0 to 65535. Throws `ExitError` (usage). */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65535) return port;
  throw new ExitError(
    "usage",
    `"${
      sanitizeLine(text, 40)
    }" is neither a command nor a port: give a number from 1 to 65535, or 0 for any free port`,
  );
}

/** Values of settings, after a look at them. */
type Values =
  & { -readonly [K in FileChoice]?: string }
  & { -readonly [K in keyof typeof ranges]?: number }
  & { -readonly [K in keyof typeof choices]?: typeof choices[K][number] }
  & { [K in Switch]?: boolean }
  & { name?: string; cert?: string; key?: string; metrics?: string };

/** For each setting: its value when it is possible, undefined when not. */
const readers: { [K in SettingName]: (value: unknown) => Values[K] | undefined } = {
  port: within("port"),
  name: (value) => typeof value === "string" && isServerName(value) ? value : undefined,
  cert: nonEmpty,
  key: nonEmpty,
  registration: (value) => choices.registration.find((known) => known === value),
  registrationsPerHour: within("registrationsPerHour"),
  consent: (value) => choices.consent.find((known) => known === value),
  connections: within("connections"),
  connectionsPerAddress: within("connectionsPerAddress"),
  peers: (value) => choices.peers.find((known) => known === value),
  lobbyPeers: (value) => typeof value === "boolean" ? value : undefined,
  maxFileSize: fileChoice("maxFileSize"),
  fileQuota: fileChoice("fileQuota"),
  fileSpace: fileChoice("fileSpace"),
  fileDays: (value) => fileChoice("fileDays")(typeof value === "number" ? String(value) : value),
  fileTypes: fileChoice("fileTypes"),
  gateways: within("gateways"),
  metrics: (value) => {
    const text = typeof value === "number" ? String(value) : value;
    return typeof text === "string" && readAddress(text) !== undefined ? text : undefined;
  },
  metricsPublic: (value) => typeof value === "boolean" ? value : undefined,
  logLevel: (value) => choices.logLevel.find((known) => known === value),
};

function within(name: keyof typeof ranges): (value: unknown) => number | undefined {
  const { least, most } = ranges[name];
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? value
      : undefined;
}

function fileChoice(choice: keyof FileChoices): (value: unknown) => string | undefined {
  return (value) => isFileChoice(choice, value) ? value : undefined;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value.length > 0 ? value : undefined;
}

/** Takes a value where it is possible. */
function take<K extends SettingName>(values: Values, name: K, value: unknown): boolean {
  const read: Values[K] | undefined = readers[name](value);
  if (read === undefined) return false;
  values[name] = read;
  return true;
}

// --- the command line

function flagValues(flags: ServerFlags): Values {
  const values: Values = {};
  for (const name of settingNames) {
    const given = flags[name];
    if (given === undefined) continue;
    const { flag, form } = settings[name];
    if (name === "port") values.port = parsePort(String(given));
    else if (!take(values, name, isNumber(name) ? digits(given) : given)) {
      throw new ExitError("usage", `${flag} is ${form}`);
    }
  }
  return values;
}

function isNumber(name: SettingName): name is keyof typeof ranges {
  return Object.hasOwn(ranges, name);
}

function digits(typed: string | boolean): number | undefined {
  return typeof typed === "string" && /^\d{1,9}$/.test(typed) ? Number(typed) : undefined;
}

// --- the file

/** Settings that keep people out, and their strictest values: a slip of the pen must open nothing. */
const strictest = { registration: "closed", consent: "all" } as const;

interface ReadFile {
  readonly values: Values;
  /** What holds in place of such settings that the file means to give and fails to. */
  readonly guarded: Partial<typeof strictest>;
  readonly problems: readonly FileProblem[];
}

function readConfigFile({ text }: Surroundings["file"]): ReadFile {
  if (text === undefined) return { values: {}, guarded: {}, problems: [] };
  const read = readConfigText(text);
  if (read.kind === "broken") {
    const problem = { line: read.line, text: `it is not a JSON object: ${read.text}` };
    return { values: {}, guarded: guard((name) => text.includes(name)), problems: [problem] };
  }
  const values: Values = {};
  const problems: FileProblem[] = [];
  const unusable = new Set<string>();
  for (const { name, value, line } of read.entries) {
    if (!isSettingName(name)) {
      problems.push({ line, text: `unknown setting "${sanitizeLine(name, 40)}"` });
    } else if (!take(values, name, value)) {
      const { form } = settings[name];
      unusable.add(name);
      problems.push({ line, text: `the value of "${name}" is not valid: it is ${form}` });
    }
  }
  return { values, guarded: guard((name) => unusable.has(name)), problems };
}

function guard(isMeant: (name: keyof typeof strictest) => boolean): ReadFile["guarded"] {
  return {
    ...(isMeant("registration") ? { registration: strictest.registration } : {}),
    ...(isMeant("consent") ? { consent: strictest.consent } : {}),
  };
}

function originsOf(typed: Values, file: Values): Record<SettingName, Origin> {
  const origin = (name: SettingName) => name in typed ? "flag" : name in file ? "file" : "default";
  return Object.fromEntries(settingNames.map((name) => [name, origin(name)])) as Record<
    SettingName,
    Origin
  >;
}

function portNotes(typed: Values, file: Values, path: string): string[] {
  if (typed.port !== undefined) return [];
  return file.port !== undefined
    ? [`port ${file.port} from ${path}`]
    : [`no port given here or in ${path}: using ${defaultPort}`];
}

/** Throws `ExitError` (usage) for an address that others reach, unless that is what is wanted. */
function metricsAddress({ metrics, metricsPublic }: Values): Address | undefined {
  const address = metrics === undefined ? undefined : readAddress(metrics);
  if (address === undefined || metricsPublic === true || isLoopback(address.hostname)) {
    return address;
  }
  throw new ExitError(
    "usage",
    `metrics on ${
      addressText(address)
    } could be read from other machines: if that is what you want, ` +
      "say --metrics-public too",
  );
}

function isServerName(text: string): boolean {
  return text.trim().length > 0 && sanitizeLine(text, textLimits.serverNameChars) === text;
}

function serverName(text: string): string {
  if (isServerName(text)) return text;
  throw new ExitError("usage", `--name is ${settings.name.form}`);
}

function tlsSource(cert: string | undefined, key: string | undefined): TlsSource {
  if (cert === undefined && key === undefined) return { kind: "own" };
  if (cert !== undefined && key !== undefined) return { kind: "given", cert, key };
  throw new ExitError("usage", "--cert and --key belong together: give both files");
}
