/** Storing what a batch of rows repairs. In the caller's transaction. */
import type { Outgoing } from "../../store/outbox.ts";
import type { Thread } from "../../store/threads.ts";
import type { Core } from "../core.ts";
import type { Pending } from "../pending.ts";
import type { RepairDraft } from "./draft.ts";

/** Keeps, drops and queues again what the batch says. After the thread's own row was set. */
export function storeRepair(core: Core, thread: number, repair: RepairDraft): void {
  const { repairs, clock } = core;
  const { before, deadAfter, forgotten, dispute, setBackAt } = repair;
  if (setBackAt !== undefined) core.threads.setSetBack(thread, setBackAt);
  if (deadAfter !== undefined) {
    sendAgain(core, thread, deadAfter);
    repairs.drop(thread);
  }
  if (forgotten !== undefined) sendForgotten(core, thread, forgotten);
  if (before !== undefined) {
    repairs.keep(thread, { epoch: before.epoch, state: before.group.encode() }, clock.now());
  }
  if (dispute === "over") repairs.endDispute(thread);
  else if (dispute !== undefined) repairs.setDispute(thread, dispute);
}

/**
 * Own messages of epochs after `epoch` are encrypted and sent once more, under their ids: those that wait, and those that
 * the server had accepted.
 */
export function sendAgain(core: Core, thread: number, epoch: number): void {
  const { outbox, messages, repairs } = core;
  outbox.unsealAfter(thread, epoch);
  for (const { local, content } of repairs.sentAfter(thread, epoch)) {
    const message = messages.get(local);
    if (message === undefined) continue;
    messages.setContent(message, content);
    messages.queued(local);
    outbox.add(local, thread);
  }
}

/** What the server had accepted after row `after` and forgot, and not everybody has, is sent once more, under its id. */
function sendForgotten({ messages, outbox, repairs }: Core, thread: number, after: number): void {
  for (const local of repairs.forgotten(thread, after)) {
    const message = messages.get(local);
    if (message === undefined || message.content.deleted) continue;
    // Of what makes no line only that is kept which may have to be said again.
    if (message.silent && message.content.signed === undefined) continue;
    messages.queued(local);
    outbox.add(local, thread);
  }
}

/**
 * An own change was accepted. The state from before a commit is kept; after entering a group from outside nothing of before
 * counts. Before the thread's own row is set.
 */
export function beforeAccepted(
  core: Core,
  row: Thread,
  { pending, ts }: { readonly pending: Pending; readonly ts: number },
): void {
  const { repairs, clock, threads } = core;
  if (pending.change.kind === "commit") return repairs.keepPresent(row.thread, clock.now());
  if ((pending.incarnation ?? 0) !== row.incarnation) {
    sendAgain(core, row.thread, -1);
    if (row.cursor > 0) threads.setSetBack(row.thread, ts);
  }
  repairs.drop(row.thread);
  repairs.endDispute(row.thread);
}

/**
 * Whether the server's answer to a message still counts: not when its epoch was taken back meanwhile, so that it is sent
 * once more. What counts is kept while its epoch can be taken back.
 */
export function countsAsSent({ outbox, messages, repairs }: Core, row: Outgoing): boolean {
  if (outbox.isReplaced(row)) return false;
  const content = messages.get(row.local)?.content;
  const { local, thread, sealed } = row;
  if (content !== undefined && sealed !== undefined) {
    repairs.addSent({ local, thread, epoch: sealed.epoch, content });
  }
  return true;
}
