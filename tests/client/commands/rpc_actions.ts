/** What `client rpc` has to offer: everything that an engine can do. */
import type { Engine } from "../../../client/engine/api.ts";

/** Everything that an engine can do, as its types say: an action that is missing here does not compile. */
type Calls<T, P extends string> = {
  [K in keyof T & string]: T[K] extends (...given: never[]) => unknown ? `${P}${K}` : never;
}[keyof T & string];
type Rooms = Exclude<keyof Engine, "self" | Calls<Engine, "">>;
type Action = Calls<Engine, ""> | { [R in Rooms]: Calls<Engine[R], `${R}.`> }[Rooms];

/** What only somebody at a terminal has a use for. */
const atTerminal = "the interactive client keeps its own lines and settings there";

/** Every action: whether a method does it, or why none does. */
export const actions: Record<Action, true | string> = {
  connection: true,
  subscribe: true,
  start: true,
  stop: true,
  caughtUp: true,
  send: true,
  waitFor: true,
  retry: true,
  rekey: true,
  newest: true,
  conversations: true,
  history: true,
  unread: true,
  markRead: true,
  exists: true,
  users: true,
  notifications: true,
  notificationsSeen: true,
  key: true,
  setVerified: true,
  isPassword: true,
  changePassword: true,
  revokeDevice: "devices.revoke is the same",
  exportSigned: true,
  "desk.earlierLines": atTerminal,
  "desk.keepLine": atTerminal,
  "desk.facts": atTerminal,
  "desk.alerts": atTerminal,
  "desk.setAlerts": atTerminal,
  "content.find": true,
  "content.edit": true,
  "content.remove": true,
  "content.react": true,
  "content.reply": true,
  "content.expire": true,
  "content.lifetime": true,
  "content.settled": true,
  "files.rules": true,
  "files.send": true,
  "files.unfinished": true,
  "files.list": true,
  "files.get": true,
  "files.decline": true,
  "directory.state": true,
  "directory.beginAnew": true,
  "groups.create": true,
  "groups.list": true,
  "groups.info": true,
  "groups.add": true,
  "groups.remove": true,
  "groups.setRole": true,
  "groups.rename": true,
  "groups.leave": true,
  "groups.dissolve": true,
  "requests.answer": true,
  "requests.block": true,
  "requests.unblock": true,
  "requests.blocked": true,
  "archive.status": true,
  "archive.isHere": "archive.fetch answers when it is",
  "archive.keep": true,
  "archive.fetched": true,
  "archive.settled": true,
  "devices.list": true,
  "devices.rename": true,
  "devices.revoke": true,
};
