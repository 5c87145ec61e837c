/** Every setting of a server, once: how it is typed, what it means, what holds without it, and when a change counts. Pure. */
import { fileLimits, serverLimits, textLimits } from "../lib/base/limits.ts";
import { fileChoiceForm } from "./config_files.ts";

/** A setting of the configuration file, which is also a flag of `sealpost server`. */
export interface Setting {
  /** As typed on the command line; the port stands there alone. */
  readonly flag: string;
  /** What follows the flag; empty for a flag that stands alone. */
  readonly takes: string;
  readonly about: string;
  /** What a value has to look like: "one of: open, invite, closed". */
  readonly form: string;
  /** What holds when nobody says anything, for people. */
  readonly usual: string;
  /** A value for the template: the default as JSON where there is one. */
  readonly example: string;
  /** Whether a change counts while the server runs (`server reload`), or after a restart. */
  readonly live: boolean;
}

/** The port when neither the command line nor the configuration file names one. */
export const defaultPort = 1357;

/** What may be chosen, by setting. */
export const choices = {
  registration: ["open", "invite", "closed"],
  consent: ["none", "remote", "all"],
  peers: ["open", "listed"],
  logLevel: ["debug", "info", "warning", "error"],
} as const;

/** The least and the most of settings that are numbers. */
export const ranges = {
  port: { least: 1, most: 65535 },
  /** More gateways than this only share one database writer. */
  gateways: { least: 1, most: 64 },
  /** As many files as a process may have open where that was raised as far as it goes. */
  connections: { least: 1, most: 1_000_000 },
  connectionsPerAddress: { least: 1, most: 1_000_000 },
  registrationsPerHour: { least: 1, most: 1_000_000 },
} as const;

const oneOf = (values: readonly string[]) => `one of: ${values.join(", ")}`;
const number = ({ least, most }: { readonly least: number; readonly most: number }) =>
  `a number from ${least} to ${most}`;

/** All of them, in the order in which they are shown. */
export const settings = {
  port: {
    flag: "PORT",
    takes: "<port>",
    about: "where the server listens",
    form: number(ranges.port),
    usual: `${defaultPort}`,
    example: `${defaultPort}`,
    live: false,
  },
  name: {
    flag: "--name",
    takes: "<name>",
    about: "the server's name",
    form: `a name of 1 to ${textLimits.serverNameChars} printable characters`,
    usual: "the machine's",
    example: '"chat"',
    live: false,
  },
  cert: {
    flag: "--cert",
    takes: "<file>",
    about: "TLS certificate chain, PEM",
    form: "a file's name",
    usual: "the server's own",
    example: '"/etc/ssl/chat.crt"',
    live: false,
  },
  key: {
    flag: "--key",
    takes: "<file>",
    about: "its private key, PEM",
    form: "a file's name",
    usual: "the server's own",
    example: '"/etc/ssl/chat.key"',
    live: false,
  },
  registration: {
    flag: "--registration",
    takes: "<who>",
    about: "who may make an account: open, invite (see: server invite) or closed",
    form: oneOf(choices.registration),
    usual: "open",
    example: '"open"',
    live: true,
  },
  registrationsPerHour: {
    flag: "--registrations-per-hour",
    takes: "<count>",
    about: "new accounts from one address in an hour",
    form: number(ranges.registrationsPerHour),
    usual: `${serverLimits.registrationsPerAddressPerHour}`,
    example: `${serverLimits.registrationsPerAddressPerHour}`,
    live: true,
  },
  consent: {
    flag: "--consent",
    takes: "<who>",
    about: "who asks before writing: none, remote or all",
    form: oneOf(choices.consent),
    usual: "remote",
    example: '"remote"',
    live: true,
  },
  connections: {
    flag: "--connections",
    takes: "<count>",
    about: "connections at once",
    form: number(ranges.connections),
    usual: `${serverLimits.connections}`,
    example: `${serverLimits.connections}`,
    live: true,
  },
  connectionsPerAddress: {
    flag: "--connections-per-address",
    takes: "<count>",
    about: "connections at once from one address",
    form: number(ranges.connectionsPerAddress),
    usual: `${serverLimits.connectionsPerAddress}`,
    example: `${serverLimits.connectionsPerAddress}`,
    live: true,
  },
  peers: {
    flag: "--peers",
    takes: "<who>",
    about: "which servers may link: listed (added here) or open",
    form: oneOf(choices.peers),
    usual: "listed",
    example: '"listed"',
    live: true,
  },
  lobbyPeers: {
    flag: "--lobby-peers",
    takes: "",
    about: "mirror #lobby with linked servers that do the same",
    form: "true or false",
    usual: "off",
    example: "false",
    live: false,
  },
  maxFileSize: {
    flag: "--max-file-size",
    takes: "<size>",
    about: "largest file that may be sent",
    form: fileChoiceForm("maxFileSize"),
    usual: "64M",
    example: '"64M"',
    live: true,
  },
  fileQuota: {
    flag: "--file-quota",
    takes: "<size>",
    about: "files of one account on the server",
    form: fileChoiceForm("fileQuota"),
    usual: "1G, or four of the largest files",
    example: '"1G"',
    live: true,
  },
  fileSpace: {
    flag: "--file-space",
    takes: "<size>",
    about: "files of all accounts on the server",
    form: fileChoiceForm("fileSpace"),
    usual: "64G, or four times what one account may have",
    example: '"64G"',
    live: true,
  },
  fileDays: {
    flag: "--file-days",
    takes: "<days>",
    about: "files are deleted after so many days",
    form: fileChoiceForm("fileDays"),
    usual: `${fileLimits.keepMs / (24 * 60 * 60 * 1000)}`,
    example: `${fileLimits.keepMs / (24 * 60 * 60 * 1000)}`,
    live: true,
  },
  fileTypes: {
    flag: "--file-types",
    takes: "<list>",
    about: "extensions that clients may send: pdf,png or +dwg,-sh or *",
    form: fileChoiceForm("fileTypes"),
    usual: "the usual ones",
    example: '"+"',
    live: true,
  },
  gateways: {
    flag: "--gateways",
    takes: "<count>",
    about: "network workers",
    form: number(ranges.gateways),
    usual: "one less than cores",
    example: "1",
    live: false,
  },
  metrics: {
    flag: "--metrics",
    takes: "<[host:]port>",
    about: "where metrics for Prometheus are served over HTTP, on this machine alone",
    form: "a port, or an address and a port like 127.0.0.1:9464",
    usual: "not at all",
    example: "9464",
    live: false,
  },
  metricsPublic: {
    flag: "--metrics-public",
    takes: "",
    about: "let metrics be served where other machines reach them",
    form: "true or false",
    usual: "off",
    example: "false",
    live: false,
  },
  logLevel: {
    flag: "--log-level",
    takes: "<level>",
    about: "the least level that is logged: debug, info, warning or error",
    form: oneOf(choices.logLevel),
    usual: "info",
    example: '"info"',
    live: true,
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** The name of a setting, as in the configuration file. */
export type SettingName = keyof typeof settings;

/** Every name. */
export const settingNames = Object.keys(settings) as SettingName[];

/** Whether a text is the name of a setting. */
export function isSettingName(text: string): text is SettingName {
  return Object.hasOwn(settings, text);
}
