/** What `client rpc` pushes: the engine's events as JSON, each with a schema. */
import Type from "typebox";
import type { EngineEvent } from "../../engine/api.ts";
import { messageJson, notificationJson, userJson } from "../json.ts";
import { jsonVersion } from "../../../lib/base/json_line.ts";
import {
  count,
  flag,
  list,
  maybe,
  oneOf,
  text,
  time,
  type Value,
} from "../../../lib/base/json_schema.ts";
import { group, message, notification, user } from "../schemas/outputs.ts";

function event<const K extends string, F extends Record<string, Type.TSchema>>(
  kind: K,
  about: string,
  fields: F,
) {
  const own = { v: Type.Literal(jsonVersion), type: Type.Literal("event") };
  return Type.Object({ ...own, event: Type.Literal(kind), ...fields }, { description: about });
}

/** The connection as `session.info` and its event show it. */
export const connection = Type.Object({
  kind: oneOf("offline", "connecting", "online", "stopped"),
  reason: maybe(text),
  code: maybe(text),
  retryAt: maybe(time),
  address: maybe(text),
  aheadMs: maybe(Type.Integer({ description: "the server's clock minus this machine's" })),
});

/** The schema of every event, by its kind. */
export const eventSchemas = {
  connection: event("connection", "The connection has changed", { state: connection }),
  message: event("message", "A message is here for the first time", {
    message,
    live: Type.Boolean({ description: "false while catching up or replaying" }),
  }),
  changed: event("changed", "A known message has another state, read mark, text or reaction", {
    message,
  }),
  group: event("group", "A group has changed: members, roles, name, or where you stand", { group }),
  presence: event("presence", "Accounts that came, went, or appeared", { users: list(user) }),
  notification: event("notification", "A notification", { notification }),
  warning: event("warning", "A person must know: a changed key, a new device, a server that lies", {
    text,
    code: maybe(oneOf("key_changed", "device_added", "device_removed")),
    name: maybe(text),
  }),
  link: event("link", "The link between your server and another one has come, or has gone", {
    server: text,
    linked: flag,
  }),
  progress: event("progress", "How far the transfer of a request is, in bytes", {
    id: Type.Union([Type.String(), Type.Number()]),
    done: count,
    total: count,
  }),
  archive: event("archive", "History comes from the archive, on a new device", {
    have: count,
    total: count,
    complete: flag,
  }),
  caught_up: event("caught_up", "Everything that waited at the server is here", {}),
} as const;

/** The name of an event. */
export type EventKind = keyof typeof eventSchemas;

/** An event as it is printed. */
export type RpcEvent = { [K in EventKind]: Value<typeof eventSchemas[K]> }[EventKind];

/** All names of events. */
export const eventKinds = Object.keys(eventSchemas) as EventKind[];

/** The id of a request as the client gave it. */
export type RequestId = string | number;

const head = { v: jsonVersion, type: "event" } as const;

/** An event of the engine as it is printed; `self` is the own account's name. */
export function eventJson(event: EngineEvent, self: string): RpcEvent {
  switch (event.kind) {
    case "connection":
      return { ...head, event: event.kind, state: event.state };
    case "message":
      return {
        ...head,
        event: event.kind,
        message: messageJson(event.message, self),
        live: event.live,
      };
    case "changed":
      return { ...head, event: event.kind, message: messageJson(event.message, self) };
    case "presence":
      return { ...head, event: event.kind, users: event.users.map(userJson) };
    case "notification":
      return { ...head, event: event.kind, notification: notificationJson(event.notification) };
    case "warning": {
      const { text, code, name } = event;
      return {
        ...head,
        event: event.kind,
        text,
        ...(code === undefined ? {} : { code }),
        ...(name === undefined ? {} : { name }),
      };
    }
    case "link": {
      const { server, linked } = event;
      return { ...head, event: event.kind, server, linked };
    }
    case "archive": {
      const { have, total, complete } = event.progress;
      return { ...head, event: event.kind, have, total, complete };
    }
    case "caught_up":
      return { ...head, event: event.kind };
  }
}

/** How far the transfer of a request is. */
export function progressJson(
  id: RequestId,
  { done, total }: { readonly done: number; readonly total: number },
): RpcEvent {
  return { ...head, event: "progress", id, done, total };
}

/** A group that has changed. */
export function groupEvent(changed: Value<typeof group>): RpcEvent {
  return { ...head, event: "group", group: changed };
}
