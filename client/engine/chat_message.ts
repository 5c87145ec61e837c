/** Stored messages as they are shown. */
import type { StoredMessage } from "../store/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { ChatMessage, Target } from "./api.ts";
import type { Core } from "./core.ts";
import { readBy } from "./group_marks.ts";
import { marksOf } from "./marks_of.ts";
import { relayOf } from "./relay.ts";

/** What showing messages needs. */
export type Showing = Pick<Core, "threads" | "messages" | "own" | "blocked" | "links">;

function kindOf({ unreadable, content }: StoredMessage): ChatMessage["kind"] {
  if (content.notice !== undefined) return "notice";
  return unreadable ? "unreadable" : "text";
}

/** Where messages of a thread go. */
export function targetOf({ kind, title, conversation }: Thread): Target {
  if (kind === "lobby") return { kind };
  if (kind === "direct") return { kind, name: title };
  return {
    kind,
    name: title.slice(1),
    ...(conversation === undefined ? {} : { id: conversation }),
  };
}

/** Whether nobody is to see it: what a blocked account says in a group that both are in. */
export function isHidden(
  { blocked }: Pick<Core, "blocked">,
  { own, content }: StoredMessage,
  thread: Thread | undefined,
): boolean {
  return thread?.kind === "group" && !own && blocked.has(content.account, content.from);
}

/** A stored message as it is shown. */
export function chatMessage(core: Showing, message: StoredMessage): ChatMessage {
  const thread = core.threads.get(message.thread);
  const { deliveredAt, readAt, problem } = message;
  const relay = relayOf(core, message, thread);
  return {
    local: message.local,
    id: message.id,
    target: thread === undefined ? { kind: "lobby" } : targetOf(thread),
    conversation: thread?.title ?? "",
    from: message.content.from,
    own: message.own,
    text: message.content.text,
    kind: kindOf(message),
    ts: message.ts,
    sentAt: message.sentAt,
    state: message.state,
    ...(problem === undefined ? {} : { problem: problem.text, problemCode: problem.code }),
    ...(deliveredAt === undefined ? {} : { deliveredAt }),
    ...(readAt === undefined ? {} : { readAt }),
    read: !message.unread,
    ...(thread?.request === true ? { request: true } : {}),
    ...awaiting(core, message, thread),
    ...(relay === undefined ? {} : { relay }),
    ...readers(core, message, thread),
    ...marksOf(core, message),
  };
}

/** Which server a queued message waits for. */
function awaiting(
  { links }: Showing,
  { own, state }: StoredMessage,
  thread: Thread | undefined,
): Pick<ChatMessage, "away"> {
  if (!own || state !== "queued" || thread === undefined) return {};
  const away = links.awayOf(thread);
  return away === undefined ? {} : { away };
}

/** Who has read an own message in a group. */
function readers(
  core: Showing,
  { own, seq, content }: StoredMessage,
  thread: Thread | undefined,
): Pick<ChatMessage, "readBy"> {
  if (!own || seq === undefined || thread?.kind !== "group" || content.notice) return {};
  return { readBy: readBy(core, thread.thread, seq) };
}
