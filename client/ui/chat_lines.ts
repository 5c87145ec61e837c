/** The connection in words. */
import type { ConnectionState } from "../engine/api.ts";
import { safe } from "./format.ts";

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
