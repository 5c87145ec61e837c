/** Groups of which nothing comes any more, because the server knows this account in them no longer. */
import { asAppError } from "../../lib/base/errors.ts";
import type { Thread } from "../store/threads.ts";
import { type Core, isTemporary } from "./core.ts";
import { isIn } from "./group_names.ts";
import { noticeLine } from "./notices.ts";

/**
 * The server does not list the account in the group, and has nothing left to say of it: the group was dissolved, or the
 * account removed long ago. Does nothing for a group that is over already, or was never there.
 */
export function noteGone(core: Core, { thread }: Thread): void {
  const { sealed, threads, messages, clock, own, changed } = core;
  sealed.database.transaction(() => {
    const row = threads.get(thread);
    const facts = threads.groups.get(thread);
    const left = facts.standing.kind === "leaving";
    const known = facts.members.length > 0 && (left || isIn(facts));
    if (row === undefined || !known) return;
    const standing = left ? { kind: "left" } as const : { kind: "removed", by: "" } as const;
    threads.setGroup(row, { ...facts, standing });
    threads.compareAndSet(thread, row.version, { state: null, pending: null });
    const notice = left
      ? { kind: "left", who: own.name, said: true } as const
      : { kind: "gone" } as const;
    messages.add(noticeLine(notice, { thread, ts: clock.now(), self: own.name }));
  });
  changed();
}

/**
 * The archive tells of a group that the server does not list and that this device was never in: the account has left it
 * since. What was said there is no news to anybody. Does nothing for a group that is known otherwise.
 */
export function noteLeftBefore(core: Core, { thread }: Thread): void {
  const { sealed, threads, messages, clock, changed } = core;
  const isKnown = () => {
    const { members, standing } = threads.groups.get(thread);
    return threads.get(thread)?.joined !== false || members.length > 0 || !isIn({ standing });
  };
  // Looked at before anything is locked: every group that was ever left comes by here, with every connection.
  if (isKnown()) return;
  sealed.database.transaction(() => {
    const row = threads.get(thread);
    if (row === undefined || isKnown()) return;
    threads.setGroup(row, { ...threads.groups.get(thread), standing: { kind: "left" } });
    messages.markRead(thread, { seq: Number.MAX_SAFE_INTEGER, now: clock.now() });
  });
  changed();
}

/** Takes in the last rows of a group that there are for this account; false when there are none. Rejects when nobody answers. */
export async function readLast(
  { logger }: Pick<Core, "logger">,
  conversation: string,
  readLog: (conversation: string) => Promise<void>,
): Promise<boolean> {
  try {
    await readLog(conversation);
    return true;
  } catch (thrown) {
    if (isTemporary(thrown)) throw thrown;
    logger.log("info", "group_not_listed", { code: asAppError(thrown).code });
    return false;
  }
}
