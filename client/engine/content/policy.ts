/** Who may change what concerns a whole conversation. */
import type { Thread } from "../../store/threads.ts";
import type { Core } from "../core.ts";

/** Whether the account may set how long messages stay: in a direct conversation both, in a group owners and admins. */
export function mayTime(core: Pick<Core, "threads">, thread: Thread, account: string): boolean {
  if (thread.kind !== "group") return thread.kind === "direct";
  const { members } = core.threads.groups.get(thread.thread);
  const role = members.find((member) => member.account === account)?.role;
  return role === "owner" || role === "admin";
}
