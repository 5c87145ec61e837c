/** Telling the members of a group what it is called and who may do what in it. */
import { queueContent } from "./content/queue.ts";
import type { GroupBody } from "./content/group.ts";
import type { Core } from "./core.ts";

/** Puts it into the outbox, in the caller's transaction; nothing while the name is not known here. */
export function announce(core: Core, thread: number): void {
  const { name, description, namedAt, epoch, members } = core.threads.groups.get(thread);
  if (name === undefined) return;
  const body: GroupBody = {
    name,
    ...(description === undefined ? {} : { description }),
    at: namedAt,
    epoch,
    roles: members.map(({ account, role }) => ({ account, role })),
  };
  queueContent(core, thread, { kind: "group", body });
}
