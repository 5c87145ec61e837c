/** The JSON forms of `--json`: one object per line, fields are only ever added. */
import { jsonVersion } from "../../lib/base/json_line.ts";
import type {
  ChatMessage,
  ConversationInfo,
  KeyInfo,
  NotificationInfo,
  UserInfo,
} from "../engine/api.ts";
import type { BlockedInfo, GroupInfo } from "../engine/api_groups.ts";
import type { DirectoryState } from "../engine/api_directory.ts";
import type { ArchiveStatus, ArchiveSwitched } from "../engine/api_archive.ts";
import type { DeviceInfo } from "../engine/api_devices.ts";
import type { FileInfo } from "../engine/api_files.ts";
import type { Finding } from "./finding.ts";
import type { Failure } from "./failure.ts";

export { jsonLine } from "../../lib/base/json_line.ts";

const iso = (ms: number) => new Date(ms).toISOString();

/** A message. */
export function messageJson(message: ChatMessage, self: string) {
  return {
    v: jsonVersion,
    type: "message" as const,
    id: message.id,
    local: message.local,
    ts: message.ts,
    time: iso(message.ts),
    conversation: message.conversation,
    from: message.from,
    to: message.target.kind !== "direct" || message.own ? message.conversation : self,
    text: message.text,
    kind: message.kind,
    own: message.own,
    ...(message.file === undefined ? {} : { file: message.file }),
    state: message.state,
    read: message.read,
    sentAt: message.sentAt,
    ...(message.deliveredAt === undefined ? {} : { deliveredAt: message.deliveredAt }),
    ...(message.readAt === undefined ? {} : { readAt: message.readAt }),
    ...(message.away === undefined ? {} : { away: message.away }),
    ...(message.relay === undefined ? {} : { relay: message.relay }),
    ...(message.problem === undefined ? {} : { problem: message.problem }),
    ...(message.edited === undefined ? {} : { edited: message.edited }),
    ...(message.deleted === undefined ? {} : { deleted: message.deleted }),
    ...(message.reactions === undefined ? {} : { reactions: message.reactions }),
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
    ...(message.expiresAt === undefined ? {} : { expiresAt: message.expiresAt }),
    ...(message.target.kind === "group" ? { group: message.target.id } : {}),
    ...(message.readBy === undefined ? {} : { readBy: message.readBy }),
    ...(message.request === undefined ? {} : { request: message.request }),
  };
}

/** What is known of the directory's log; `evidence` holds checkpoints as the server signed them. */
export function directoryJson({ size, checkpoint, alarms }: DirectoryState) {
  return {
    v: jsonVersion,
    type: "directory" as const,
    ...(size === undefined ? {} : { size }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    alarms: alarms.map(({ at, text, evidence }) => ({
      ts: at,
      time: iso(at),
      text,
      ...(evidence === undefined ? {} : { evidence }),
    })),
  };
}

/** A file of `file`. */
export function fileJson(file: FileInfo) {
  return {
    v: jsonVersion,
    type: "file" as const,
    id: file.id,
    number: file.number,
    ts: file.ts,
    time: iso(file.ts),
    conversation: file.conversation,
    from: file.from,
    own: file.own,
    name: file.name,
    extension: file.type,
    size: file.size,
    state: file.state.kind,
    ...(file.state.kind === "saved" ? { path: file.state.path } : {}),
  };
}

/** An account of `users`. */
export function userJson(user: UserInfo) {
  return {
    v: jsonVersion,
    type: "user" as const,
    name: user.name,
    online: user.online,
    addresses: user.addresses,
    lastSeen: user.lastSeen ?? null,
    self: user.self,
    ...(user.server === undefined ? {} : { server: user.server }),
  };
}

/** A notification. */
export function notificationJson(notification: NotificationInfo) {
  const { id, kind, ts, seen, text, from, count } = notification;
  return {
    v: jsonVersion,
    type: "notification" as const,
    id,
    kind,
    ts,
    time: iso(ts),
    seen,
    text,
    ...(from === undefined ? {} : { from }),
    ...(count === undefined ? {} : { count }),
  };
}

/** What `key` answers. */
export function keyJson(info: KeyInfo) {
  return { v: jsonVersion, type: "key" as const, ...info };
}

/** One of the account's own devices. */
export function deviceJson(device: DeviceInfo) {
  return { v: jsonVersion, type: "device" as const, ...device, created: iso(device.createdAt) };
}

/** What `archive status` answers. */
export function archiveJson(status: ArchiveStatus) {
  return { v: jsonVersion, type: "archive" as const, ...status };
}

/** A conversation in a list; `self` is the own account's name. */
export function conversationJson(info: ConversationInfo, self: string) {
  const { conversation, target, unread, request, away, last } = info;
  return {
    v: jsonVersion,
    type: "conversation" as const,
    conversation,
    kind: target.kind,
    unread,
    ...(request === undefined ? {} : { request }),
    ...(away === undefined ? {} : { away }),
    ...(target.kind === "group" && target.id !== undefined ? { group: target.id } : {}),
    ...(last === undefined ? {} : { last: messageJson(last, self) }),
  };
}

/** What `archive on` and `archive off` answer. */
export function archivedJson(
  where: { readonly conversation: string; readonly kept: boolean },
  { messages, done }: ArchiveSwitched,
) {
  return { v: jsonVersion, type: "archived" as const, ...where, messages, done };
}

/** How long messages of a conversation stay, in ms; 0: for ever. */
export function expiryJson(conversation: string, after: number) {
  return { v: jsonVersion, type: "expiry" as const, conversation, after };
}

/** A conversation that has fresh keys. */
export function rekeyedJson(conversation: string) {
  return { v: jsonVersion, type: "rekeyed" as const, conversation };
}

/** What `register` and `login` answer: status, unread messages and notifications in one object. */
export function sessionJson(
  session: {
    name: string;
    account: string;
    unread: number;
    notifications: number;
    created: boolean;
  },
) {
  return { v: jsonVersion, type: "session" as const, status: "ready", ...session };
}

/** What `password` answers. */
export function passwordJson(name: string) {
  return { v: jsonVersion, type: "password" as const, name, changed: true };
}

/** What `check` answers. */
export function checkJson(name: string, exists: boolean) {
  return { v: jsonVersion, type: "check" as const, name, exists };
}

/** A group. */
export function groupJson(group: GroupInfo) {
  const { id, name, standing, by, role, unread, members, description } = group;
  return {
    v: jsonVersion,
    type: "group" as const,
    id,
    name,
    conversation: `#${name}`,
    standing,
    ...(standing === "request" ? { request: true } : {}),
    ...(by === undefined ? {} : { by }),
    ...(description === undefined ? {} : { description }),
    role: role ?? null,
    unread,
    members: members.map(({ name, role, self }) => ({ name, role, self })),
  };
}

/** A member of a group. */
export function memberJson(group: GroupInfo, member: GroupInfo["members"][number]) {
  return {
    v: jsonVersion,
    type: "member" as const,
    group: group.id,
    conversation: `#${group.name}`,
    ...member,
  };
}

/** A blocked account. */
export function blockedJson(blocked: BlockedInfo) {
  return { v: jsonVersion, type: "blocked" as const, ...blocked, time: iso(blocked.since) };
}

/** One thing that `doctor` has looked at. */
export function findingJson(finding: Finding) {
  return { v: jsonVersion, type: "finding" as const, ...finding };
}

/** An error, on standard error. */
export function errorJson({ code, message, exit, retryAfterMs }: Failure) {
  return {
    v: jsonVersion,
    type: "error" as const,
    code,
    message,
    exit,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
