/** Lines for messages that could not be read: what happened, and what happens next. */
import type { Refused } from "../../lib/mls/mod.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { LostMessage } from "../store/lost.ts";
import type { NewMessage } from "../store/messages.ts";
import type { Core } from "./core.ts";
import type { Draft } from "./draft.ts";
import { factsOf } from "./group_intake.ts";

/** Why it could not be read, and whether its author can say it again: it was the keys that were missing. */
export interface Unreadable {
  readonly cause: string;
  readonly again: boolean;
}

/** A message that the library has refused. */
export function refusedMessage({ reason, detail }: Refused): Unreadable {
  return { cause: `${reason.replaceAll("_", " ")} (${detail})`, again: true };
}

/** Puts a line in the place of the message, and has it asked for where that helps. */
export function noteUnreadable(
  core: Core,
  draft: Draft,
  { message, cause, again }: Unreadable & { readonly message: Message<"message"> },
): void {
  const { thread } = draft;
  const { message: id, seq, ts, account, device } = message;
  const line: NewMessage = {
    thread: thread.thread,
    id,
    seq,
    own: false,
    unreadable: true,
    unread: true,
    state: "received",
    ts,
    sentAt: ts,
    content: {
      from: nameOf(core, draft, account),
      text: again
        ? `waiting for keys: this message could not be read yet (${cause}); it is asked for again`
        : `a message could not be read: ${cause}; ${nextOf(draft)}`,
    },
  };
  draft.ids.add(id);
  draft.lost ||= again;
  draft.entries.push(({ messages, lost, clock }) => {
    const added = messages.add(line) !== undefined;
    if (added && again) {
      const author = { author: account, device };
      lost.add({ thread: thread.thread, id, seq, ts, ...author }, clock.now());
    }
    return [];
  });
}

/** Whoever said it has not said it again: the line says so from now on. In the caller's transaction. */
export function giveUp({ messages, lost }: Core, missing: LostMessage): void {
  lost.giveUp(missing);
  const line = messages.inThread(missing.thread, missing.id);
  if (line === undefined || !line.unreadable) return;
  messages.change(line, {
    ...line.content,
    text:
      "a message could not be read: its keys are gone, and no device of its sender has said it again; " +
      "it appears here should that still happen",
  });
}

function nextOf({ rejoin }: Draft): string {
  return rejoin
    ? "this device joins the conversation again, and reads what comes then"
    : "what comes next is not affected";
}

function nameOf(core: Core, draft: Draft, account: string): string {
  if (account === core.own.account) return core.own.name;
  if (draft.thread.kind !== "group") return draft.thread.title;
  return factsOf(core, draft).members.find((member) => member.account === account)?.name ?? "";
}
