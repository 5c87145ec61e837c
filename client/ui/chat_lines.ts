/** Lines and words about what happens around a chat. */
import type { ConnectionState, NotificationInfo } from "../engine/api.ts";
import { safe } from "./format.ts";

/** A notification as it comes; a request with the commands that answer it. */
export function notificationLine({ kind, from, text }: NotificationInfo): string {
  if (kind !== "request" || from === undefined) return safe(text, 300);
  const name = safe(from, 64);
  return `${name} would like to write to you: /accept, /decline or /block ${name}`;
}

/** The connection in a word or two, for the status row. */
export function describeConnection(state: ConnectionState): string {
  switch (state.kind) {
    case "online":
      return `online ${state.address}`;
    case "connecting":
      return "connecting";
    case "offline":
      return `offline (${safe(state.reason, 80)})`;
    case "stopped":
      return `disconnected (${safe(state.reason, 80)})`;
  }
}
