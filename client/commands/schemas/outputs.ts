/**
 * The schema of every object that the client prints with `--json`, by its `type`. json.ts makes the objects; a test
 * compares both.
 */
import Type from "typebox";
import { error, finding, paths, version } from "../../../lib/base/json_shared.ts";
import {
  conversation,
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
} from "../../../lib/base/json_schema.ts";

/** A message, or a line about a conversation. */
export const message = line("message", "A message, or a notice of a conversation", {
  id: uuid,
  local: Type.Integer({ description: "ascending within the profile; commands take it as an id" }),
  ts: time,
  time: isoTime,
  conversation,
  from: foreign,
  to: foreign,
  text: foreign,
  kind: oneOf("text", "unreadable", "notice"),
  own: flag,
  file: maybe(part({ name: foreign, size: count, type: foreign })),
  state: oneOf("queued", "sent", "delivered", "read", "failed", "received"),
  read: flag,
  sentAt: time,
  deliveredAt: maybe(time),
  readAt: maybe(time),
  away: maybe(
    Type.String({ description: "the server that it has to get to and that cannot be reached now" }),
  ),
  relay: maybe(
    Type.Union([
      part({ kind: Type.Literal("waiting"), servers: list(text), at: maybe(text) }),
      part({ kind: Type.Literal("reached") }),
    ], { description: "of one that is sent, for people of other servers: whether those have it" }),
  ),
  problem: maybe(text),
  edited: maybe(flag),
  deleted: maybe(flag),
  reactions: maybe(list(part({ from: foreign, emoji: foreign }))),
  replyTo: maybe(
    part({ id: uuid, from: maybe(foreign), quote: maybe(foreign), claimed: maybe(flag) }),
  ),
  expiresAt: maybe(time),
  group: maybe(uuid),
  readBy: maybe(part({ count, of: count })),
  request: maybe(flag),
});

/** What `register` and `login` answer. */
export const session = line("session", "What register and login answer", {
  status: Type.Literal("ready"),
  name: text,
  account: uuid,
  unread: count,
  notifications: count,
  created: flag,
});

/** What `password` answers. */
export const password = line("password", "What password answers", { name: text, changed: flag });

/** What `check` answers. */
export const check = line("check", "Whether an account exists", { name: text, exists: flag });

/** An account of `users`. */
export const user = line("user", "An account", {
  name: foreign,
  online: flag,
  addresses: list(text),
  lastSeen: Type.Union([time, Type.Null()]),
  self: flag,
  server: maybe(text),
});

/** A notification. */
export const notification = line("notification", "Something that happened", {
  id: Type.Integer(),
  kind: text,
  ts: time,
  time: isoTime,
  seen: flag,
  text: foreign,
  from: maybe(foreign),
  count: maybe(count),
});

/** What `key` and `verify` answer. */
export const key = line("key", "An account's key, and what is known of it", {
  name: foreign,
  account: uuid,
  fingerprint: text,
  safetyNumber: maybe(text),
  state: oneOf("own", "unverified", "verified", "changed"),
  devices: list(part({ device: text, createdAt: time, revoked: flag, current: flag })),
  logSize: count,
});

/** An own device. */
export const device = line("device", "One of the account's own devices", {
  device: text,
  label: foreign,
  createdAt: time,
  created: isoTime,
  lastSeen: maybe(time),
  online: flag,
  revoked: flag,
  current: flag,
});

/** A file. */
export const file = line("file", "A file that was sent", {
  id: uuid,
  number: count,
  ts: time,
  time: isoTime,
  conversation,
  from: foreign,
  own: flag,
  name: foreign,
  extension: foreign,
  size: count,
  state: oneOf("offered", "partial", "saved", "declined"),
  path: maybe(text),
});

const member = { name: foreign, role: oneOf("owner", "admin", "member"), self: flag };

/** A group. */
export const group = line("group", "A group, or the invitation to one", {
  id: uuid,
  name: foreign,
  conversation,
  standing: oneOf("active", "request", "leaving", "left", "removed", "dissolved"),
  request: maybe(flag),
  by: maybe(foreign),
  description: maybe(foreign),
  role: Type.Union([member.role, Type.Null()]),
  unread: count,
  members: list(part(member)),
});

/** A line of `group members`. */
export const groupMember = line("member", "A member of a group", {
  group: uuid,
  conversation,
  account: uuid,
  ...member,
});

/** A blocked account, or server. */
export const blocked = line(
  "blocked",
  "An account that is blocked, or a linked server with everybody on it",
  {
    name: foreign,
    account: maybe(uuid),
    server: maybe(foreign),
    since: time,
    time: isoTime,
  },
);

/** What `archive` answers. */
export const archive = line("archive", "The archive of the account's history", {
  have: count,
  total: count,
  complete: flag,
  bytes: maybe(count),
  most: maybe(count),
  damaged: count,
  off: list(foreign),
  problem: maybe(text),
});

/** What `archive on` and `archive off` answer. */
export const archived = line("archived", "Whether a conversation is archived", {
  conversation,
  kept: flag,
  messages: count,
  done: flag,
});

/** A conversation in a list. */
export const conversationLine = line("conversation", "A conversation", {
  conversation,
  kind: oneOf("lobby", "direct", "group"),
  unread: count,
  request: maybe(flag),
  away: maybe(
    Type.String({ description: "the server without which nothing goes out, and which is away" }),
  ),
  group: maybe(uuid),
  last: maybe(message),
});

/** What `expire` answers. */
export const expiry = line("expiry", "How long messages of a conversation stay", {
  conversation,
  after: Type.Integer({ minimum: 0, description: "milliseconds; 0: for ever" }),
});

/** What `rekey` answers. */
export const rekeyed = line("rekeyed", "A conversation whose keys were changed", { conversation });

/** What `directory` answers. */
export const directory = line("directory", "The server's directory as this profile saw it", {
  size: maybe(count),
  checkpoint: maybe(text),
  alarms: list(part({
    ts: time,
    time: isoTime,
    text,
    evidence: maybe(part({ here: text, there: text })),
  })),
});

/** One receipt as `sealpost verify` judges it. */
export const verdict = line("verdict", "What a signed receipt proves", {
  valid: flag,
  reason: maybe(text),
  where: maybe(oneOf("direct", "lobby")),
  conversation: maybe(uuid),
  id: maybe(uuid),
  from: maybe(foreign),
  account: maybe(uuid),
  text: maybe(foreign),
  sentAt: maybe(time),
  serverFingerprint: maybe(text),
  accountFingerprint: maybe(text),
  deviceFingerprint: maybe(text),
  certifiedAt: maybe(time),
  logSize: maybe(count),
});

/** A line of `export --signed`, which `sealpost verify` checks; its signed bytes are of no use to anything else. */
export const receipt = line("receipt", "A signed receipt", {
  server: text,
  kind: oneOf("direct", "lobby"),
  conversation: maybe(uuid),
  from: foreign,
  content: text,
  signature: text,
  certificate: text,
  entry: text,
  index: count,
  path: list(text),
  checkpoint: text,
});

/** Every object that the client prints with `--json`, and those of the whole program, by their `type`. */
export const outputs = {
  message,
  session,
  password,
  check,
  user,
  notification,
  key,
  device,
  file,
  group,
  member: groupMember,
  blocked,
  archive,
  archived,
  expiry,
  rekeyed,
  directory,
  verdict,
  finding,
  receipt,
  conversation: conversationLine,
  paths,
  version,
  error,
} as const;
