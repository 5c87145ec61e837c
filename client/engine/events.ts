/** Live events of the server that are told on without being stored. */
import type { Message } from "../../lib/wire/messages.ts";
import type { EngineEvent, NotificationInfo, SelfInfo, UserInfo } from "./api.ts";

type User = Message<"presence">["changes"][number];

/** One account as the server tells of it. */
export function userInfo(user: User, self: Pick<SelfInfo, "account">): UserInfo {
  const { name, online, addresses, lastSeen, account } = user;
  return {
    name,
    online,
    addresses,
    ...(lastSeen === null ? {} : { lastSeen }),
    self: account === self.account,
  };
}

/** A notification with its sentence for people. */
export function notificationInfo(
  message: Omit<Message<"notification">, "type">,
): NotificationInfo {
  const { notification: id, kind, ts, seen, from, count, conversation } = message;
  return {
    id,
    kind,
    ts,
    seen,
    text: sentence(message),
    ...(from === undefined ? {} : { from }),
    ...(count === undefined ? {} : { count }),
    ...(conversation === undefined ? {} : { conversation }),
  };
}

function sentence(
  { kind, from = "somebody", count, label, role }: Omit<Message<"notification">, "type">,
): string {
  const device = label === undefined || label === "" ? "a device" : `the device "${label}"`;
  switch (kind) {
    case "message":
      return count === 1 || count === undefined
        ? `a message from ${from}`
        : `${count} messages from ${from}`;
    case "request":
      return `${from} would like to write to you: accept, decline or block`;
    case "group_added":
      return `${from} added you to a group`;
    case "group_removed":
      return `${from} removed you from a group`;
    case "group_role":
      return `${from} made you ${role === undefined || role === "member" ? "a" : "an"} ${
        role ?? "member"
      } of a group`;
    case "device_added":
      return `${device} was added to your account; if that was not you, revoke it and change the password`;
    case "device_removed":
      return `${device} was removed from your account`;
    case "key_changed":
      return `the account key of ${from} has changed`;
    case "login_failures":
      return `somebody tried ${count ?? "several"} times to log in with a wrong password`;
  }
}

/** The event for listeners; undefined for what they are not told. */
export function liveEvent(
  message: Message,
  self: Pick<SelfInfo, "account">,
): EngineEvent | undefined {
  if (message.type === "presence") {
    return { kind: "presence", users: message.changes.map((user) => userInfo(user, self)) };
  }
  if (message.type === "notification") {
    return { kind: "notification", notification: notificationInfo(message) };
  }
  return undefined;
}
