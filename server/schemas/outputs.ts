/**
 * The schema of every object that the server's commands print with `--json`, by its `type`. A test runs every command and
 * compares both; what the operator reads of it is docs/OPERATIONS.md.
 */
import Type from "typebox";
import {
  count,
  flag,
  foreign,
  isoTime,
  line,
  list,
  maybe,
  oneOf,
  part,
  text,
  time,
  uuid,
} from "../../lib/base/json_schema.ts";
import { error, finding } from "../../lib/base/json_shared.ts";

const fingerprint = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "SHA-256 of the server's identity key",
});
const port = Type.Integer({ minimum: 1, maximum: 65535 });
const bytes = Type.Integer({ minimum: 0, description: "bytes" });
const milliseconds = Type.Integer({ minimum: 0, description: "milliseconds" });
const timeOrNull = Type.Union([time, Type.Null()]);
const textOrNull = Type.Union([text, Type.Null()]);
const link = Type.String({ pattern: "^sealpost://", description: "for people who come anew" });
const address = Type.String({ description: "HOST:PORT" });

/** Where a server is reached, and by what it is known. */
const reached = { port, addresses: list(address), fingerprint, link };

/** What `run` prints once it listens. */
const ready = line("ready", "A server listens now", {
  event: Type.Literal("ready"),
  ...reached,
  name: text,
  data: text,
  pid: count,
});

/** What `status` answers. */
export const status = line("status", "A running server", {
  name: text,
  version: text,
  pid: count,
  data: text,
  startedAt: time,
  uptimeMs: milliseconds,
  ...reached,
  registration: oneOf("open", "invite", "closed"),
  consent: oneOf("none", "remote", "all"),
  gateways: count,
  sessionsOnline: count,
  accountsOnline: count,
  databaseBytes: bytes,
  memoryBytes: bytes,
  operations: count,
  failures: count,
  peers: part({ known: count, linked: count, queued: count }),
  metrics: Type.Union([address, Type.Null()]),
});

const value = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], {
  description: "as it is written in the configuration file; null: not set",
});
const changes = list(part({ setting: text, from: value, to: value }));

/** What `reload` answers. */
export const reloaded = line("reloaded", "What reading the configuration again has changed", {
  file: text,
  found: flag,
  applied: changes,
  restart: changes,
  certificate: flag,
  overruled: list(text),
});

/** A line of `config show`. */
export const setting = line("setting", "A setting", {
  setting: text,
  value,
  from: oneOf("default", "file", "environment", "flag"),
  live: Type.Boolean({ description: "whether a change counts without a restart" }),
  running: Type.Boolean({ description: "whether a running server goes by it, or a start would" }),
});

const configProblem = line("config_problem", "What cannot be used in a configuration file", {
  file: text,
  line: count,
  text,
});

const configChecked = line("config_checked", "Whether a configuration file can be used", {
  file: text,
  found: flag,
  ok: flag,
  settings: Type.Integer({ minimum: 0, description: "how many of its settings are used" }),
});

/** What `health` answers. */
export const health = line("health", "Whether a server serves", {
  ok: flag,
  text,
  ms: maybe(milliseconds),
});

/** A line of `check`. */
export const checked = line("checked", "A part of a data folder", {
  part: oneOf("rights", "identity", "passwords", "certificate", "database"),
  state: oneOf("ok", "warning", "broken"),
  text,
});

/** A line of `user list`. */
export const account = line("account", "An account of the server", {
  name: foreign,
  account: uuid,
  createdAt: time,
  lastSeen: timeOrNull,
  online: flag,
  disabled: flag,
  deletedAt: timeOrNull,
  devices: count,
  queuedBytes: bytes,
});

const userChanged = line("user_changed", "An account that was shut out or let in again", {
  name: foreign,
  disabled: flag,
});

/** What `user delete` answers. */
export const userDeleted = line("user_deleted", "An account that is gone, and what there was", {
  name: foreign,
  account: uuid,
  groups: count,
  direct: count,
  files: count,
});

/** An invitation; a new one has its link, which is shown this once. */
export const invite = line("invite", "An invitation to make an account", {
  id: Type.String({ description: "what `invite revoke` takes" }),
  note: text,
  left: Type.Integer({ minimum: 0, description: "accounts that may still be made with it" }),
  createdAt: time,
  expiresAt: time,
  link: maybe(link),
  uses: maybe(count),
  needed: maybe(
    Type.Boolean({ description: "whether an account can be made with an invitation alone" }),
  ),
});

const inviteRevoked = line("invite_revoked", "An invitation that was withdrawn", { id: text });

/** A linked server, and how the link with it stands. */
export const peer = line("peer", "A linked server", {
  name: foreign,
  declared: foreign,
  fingerprint,
  address: Type.Union([address, Type.Null()], { description: "null: it dials this server" }),
  pin: oneOf("fingerprint", "contact", "incoming"),
  state: oneOf("active", "paused", "changed", "blocked"),
  seen: Type.Union([fingerprint, Type.Null()]),
  addedAt: time,
  linkedAt: timeOrNull,
  queued: count,
  queuedBytes: bytes,
  link: oneOf("linked", "dialling", "waiting", "off"),
  linkSince: timeOrNull,
  dialled: Type.Union([oneOf("by_us", "by_them"), Type.Null()]),
  trouble: Type.Union([part({ code: text, text: foreign, at: time }), Type.Null()]),
  nextAt: timeOrNull,
});

const peerRemoved = line("peer_removed", "A server that is no longer linked", { dropped: count });

const fingerprintLine = line("fingerprint", "By what clients know this server", {
  fingerprint,
  link: textOrNull,
});

const stopped = line("stopped", "The server has ended", {});

const backup = line("backup", "A backup that was written", { file: text, bytes, fingerprint });

const restored = line("restored", "A data folder made of a backup", { data: text, fingerprint });

/** A line of `logs`: one of `server.log` as it is, which has facts of its own beside these. */
export const logLine = Type.Object({
  time: isoTime,
  level: oneOf("debug", "info", "warning", "error"),
  event: text,
}, { title: "log_line", description: "A line of the server's log; it has no v and no type" });

/** Every object that the server's commands print with `--json`, by its `type`. */
export const outputs = {
  ready,
  status,
  stopped,
  reloaded,
  fingerprint: fingerprintLine,
  account,
  user_changed: userChanged,
  user_deleted: userDeleted,
  invite,
  invite_revoked: inviteRevoked,
  peer,
  peer_removed: peerRemoved,
  backup,
  restored,
  checked,
  log_line: logLine,
  setting,
  config_problem: configProblem,
  config_checked: configChecked,
  health,
  finding,
  error,
} as const;
