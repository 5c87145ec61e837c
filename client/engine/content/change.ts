/** Edits, deletions and timers as they are kept. */
import { asAppError } from "../../../lib/base/errors.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { Lifetimes } from "../../store/lifetimes.ts";
import type { MessageContent, StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import { noticeLine } from "../notices.ts";
import { about, authorOf } from "./about.ts";
import type { DeleteBody } from "./delete.ts";
import type { EditBody } from "./edit.ts";
import type { ExpiryBody } from "./expiry.ts";
import type { ContentFacts, ContentHandler, Effect } from "./facts.ts";
import { mayTime } from "./policy.ts";
import { forgetTyped } from "./typed.ts";

/** Gives a message another text, when its author says so in time. The latest in the order of the log counts. */
export const applyEdit: ContentHandler<EditBody> = (core, facts) =>
  about(core, { kind: "edit", facts }, (message) => {
    if (whyNotEdit(core, message, facts.from.account, facts.ts) !== undefined) return [];
    if (!isLater(core, facts, message)) return [];
    const { signed: before, edit, ...rest } = message.content;
    const signed = facts.signed ?? before;
    const { id, ts, seq, body } = facts;
    if (body.text !== message.content.text) forgetTyped(core, message);
    const count = edit?.id === id ? edit.count : (edit?.count ?? 0) + 1;
    core.messages.change(message, {
      ...rest,
      text: body.text,
      ...(signed === undefined ? {} : { signed }),
      edit: { id, ts, count, ...(seq === undefined ? {} : { seq }) },
    });
    return [];
  });

/** An own edit that is only queued shows at once; which one stays is decided by the order of the log. */
function isLater(
  { own }: Pick<Core, "own">,
  { id, seq, from }: ContentFacts<EditBody>,
  { content: { edit } }: StoredMessage,
): boolean {
  if (edit === undefined || seq === undefined || edit.id === id) return true;
  if (edit.seq !== undefined) return seq > edit.seq;
  // A later one of this device's waits to be sent.
  return from.device !== own.device;
}

/** Why an account may not edit a message at that time (milliseconds since 1970); undefined when it may. */
export function whyNotEdit(
  core: Pick<Core, "own">,
  message: StoredMessage,
  account: string,
  ts: number,
): string | undefined {
  const { deleted, kind, edit } = message.content;
  if (authorOf(core, message) !== account) return "only its author may do that";
  if (deleted) return "it is deleted";
  if (kind !== undefined) return "only texts can be edited";
  if (ts - message.ts > contentLimits.editMs) return "that is possible for a day";
  if ((edit?.count ?? 0) >= contentLimits.edits) return "it was edited too often";
  return undefined;
}

/** Takes the text out of a message, when its author says so in time. */
export const applyDelete: ContentHandler<DeleteBody> = (core, facts) =>
  about(core, { kind: "delete", facts }, (message) => {
    if (whyNotDelete(core, message, facts.from.account, facts.ts) !== undefined) return [];
    return eraseMessage(core, message);
  });

/** Why an account may not delete a message at that time (milliseconds since 1970); undefined when it may. */
export function whyNotDelete(
  core: Pick<Core, "own">,
  message: StoredMessage,
  account: string,
  ts: number,
): string | undefined {
  if (authorOf(core, message) !== account) return "only its author may do that";
  if (message.content.deleted) return "it is deleted";
  if (ts - message.ts > contentLimits.deleteMs) return "that is possible for 30 days";
  return undefined;
}

/** Removes what a message said, here and where others quote it; its place in the conversation stays. */
export function eraseMessage(core: Core, message: StoredMessage): readonly Effect[] {
  const { from, account } = message.content;
  forgetTyped(core, message);
  const left: MessageContent = { from, text: "", deleted: true };
  core.messages.erase(message, account === undefined ? left : { ...left, account });
  unquote(core, message);
  return [{ kind: "wipe" }, ...withdraw(core, message)];
}

/**
 * The author's devices also take the file of a deleted message back from the server. Should it not be reached, the file goes
 * at its time; its key is nowhere any more.
 */
function withdraw(core: Core, message: StoredMessage): readonly Effect[] {
  const file = message.content.file?.file;
  if (file === undefined || authorOf(core, message) !== core.own.account) return [];
  const run = () => {
    core.server.request({ type: "file.delete", file }).catch((thrown: unknown) =>
      core.logger.log("debug", "file_not_deleted", { code: asAppError(thrown).code })
    );
  };
  return [{ kind: "run", run }];
}

/** Removes a message whose time has come, without a trace. */
export function dropMessage(
  core: Core,
  message: { thread: number; id: string; local: number },
): void {
  core.outbox.remove(message.local);
  core.messages.drop(message.local);
  unquote(core, message);
}

/**
 * Answers keep the name of what they answer, but not its words: neither shown nor in what was signed. What else was said
 * about it is not kept to be said again.
 */
function unquote(core: Core, { thread, id }: { thread: number; id: string }): void {
  for (const reply of core.messages.repliesTo(thread, id)) {
    const { signed: _, draft, ...rest } = reply.content;
    if (reply.silent) {
      if (reply.state !== "queued") core.messages.hush(reply);
      continue;
    }
    // What still waits to be signed is sent as it is.
    const waits = draft === undefined ? {} : { draft };
    core.messages.change(reply, { ...rest, ...waits, reply: { id } });
  }
}

/** Sets how long messages of the conversation stay, when that is its sender's to say. */
export const applyExpiry: ContentHandler<ExpiryBody> = (core, { thread, seq, ts, from, body }) => {
  const row = core.threads.get(thread);
  if (row === undefined || !mayTime(core, row, from.account)) return [];
  const lifetimes = new Lifetimes(core.sealed);
  const before = lifetimes.timer(thread);
  if (seq !== undefined && before.seq !== undefined && seq < before.seq) return [];
  lifetimes.setTimer(thread, { after: body.after, seq });
  if (before.after === body.after) return [];
  const notice = { kind: "timer", by: from.name, after: body.after } as const;
  core.messages.add(noticeLine(notice, { thread, ts, self: core.own.name }));
  return [];
};
