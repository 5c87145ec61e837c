/** Who may change what concerns a whole conversation. */
import type { Thread } from "../../store/threads.ts";
import type { Core } from "../core.ts";

/** Whether the account may set how long messages stay: in a direct conversation both. */
export function mayTime(_core: Core, thread: Thread, _account: string): boolean {
  return thread.kind === "direct";
}
