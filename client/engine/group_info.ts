/** Groups as they are shown. */
import type { Thread } from "../store/threads.ts";
import type { GroupInfo } from "./api_groups.ts";
import type { Core } from "./core.ts";

/** A group's name, members and state. Who has said farewell is out for people, although keys are still to change. */
export function groupInfo(
  { threads, messages, own }: Pick<Core, "threads" | "messages" | "own">,
  { thread, title, conversation = "" }: Thread,
): GroupInfo {
  const { name, description, standing, leaving, ...facts } = threads.groups.get(thread);
  const members = facts.members.filter(({ account }) => !leaving.includes(account));
  const shown = title.slice(1);
  return {
    target: { kind: "group", name: shown, id: conversation },
    id: conversation,
    name: shown,
    named: name !== undefined,
    ...(description === undefined ? {} : { description }),
    standing: standing.kind,
    ...("by" in standing ? { by: standing.by } : {}),
    members: members.map(({ account, name, role }) => ({
      account,
      name,
      role,
      self: account === own.account,
    })),
    role: members.find(({ account }) => account === own.account)?.role,
    unread: messages.unreadCount(thread),
  };
}
