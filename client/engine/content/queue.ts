/** Putting content into the outbox. */
import { fromUtf8 } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { timeOrderedId } from "../../../lib/base/ids.ts";
import { Lifetimes } from "../../store/lifetimes.ts";
import type { Core } from "../core.ts";
import { encodeContent } from "./codec.ts";
import { aboutOf, isDeed } from "./deeds.ts";
import type { Effect } from "./facts.ts";
import { type FactsOf, handleSilent } from "./handlers.ts";
import type { DraftOf, SilentDraft, SilentName, VisibleName } from "./kinds.ts";
import { type Shown, shownContent } from "./shown.ts";

/** What was queued. */
export interface Queued {
  /** The content's id (UUID). */
  readonly id: string;
  /** The row's number in the store. */
  readonly local: number;
  readonly sentAt: number;
}

/**
 * Puts silent content into the outbox of a conversation, in the caller's transaction: when that is on disk it is sent,
 * however often this program dies meanwhile, in the order in which it was queued among the conversation's messages. It
 * makes no line anywhere. Sending starts by itself after the transaction. What the content does here is not done: see
 * `sayQuietly`. Throws `AppError("too_large")`, `AppError("malformed")`, and `AppError("not_permitted_now")` for the lobby.
 */
export function queueContent(core: Core, thread: number, draft: SilentDraft): Queued {
  const id = timeOrderedId(core.clock.now());
  const sentAt = core.clock.now();
  return queue(core, thread, { id, sentAt, draft, silent: true, shown: { text: "" } });
}

/** The same, and does here what it does at everybody else's. The effects are to follow after the transaction. */
export function sayQuietly(
  core: Core,
  thread: number,
  draft: SilentDraft,
): Queued & { readonly effects: readonly Effect[] } {
  const queued = queueContent(core, thread, draft);
  const { account, name, device } = core.own;
  const { id, sentAt } = queued;
  const from = { account, name, device };
  const facts = { id, thread, ts: sentAt, sentAt, own: true, from, body: draft.body };
  // The draft gives kind and body together; TypeScript does not follow that into the facts.
  const effects = handleSilent(core, { kind: draft.kind, facts } as FactsOf<SilentName>);
  return { ...queued, effects };
}

/**
 * Puts content that makes a line into the outbox, in the caller's transaction, with the lifetime that messages of the
 * conversation have. Throws as `queueContent`.
 */
export function queueMessage(core: Core, thread: number, draft: DraftOf<VisibleName>): Queued {
  const id = timeOrderedId(core.clock.now());
  const sentAt = core.clock.now();
  return queue(core, thread, {
    id,
    sentAt,
    draft,
    silent: false,
    shown: kept(shownContent(draft)),
  });
}

/** Whoever answers a message has it: its words are kept once. */
function kept(shown: Shown): Shown {
  return shown.reply === undefined ? shown : { ...shown, reply: { id: shown.reply.id } };
}

function queue(
  core: Core,
  thread: number,
  what: {
    readonly id: string;
    readonly sentAt: number;
    readonly draft: DraftOf<VisibleName> | SilentDraft;
    readonly silent: boolean;
    readonly shown: Shown;
  },
): Queued {
  const { id, sentAt, draft, silent, shown } = what;
  if (core.threads.get(thread)?.kind === "lobby") {
    throw new AppError("not_permitted_now", { text: "not in #lobby", fault: "us" });
  }
  const { account, name: from } = core.own;
  const { after } = new Lifetimes(core.sealed).timer(thread);
  // These hold words too: the server must not keep them longer than the messages that they are about.
  const words = !silent || draft.kind === "edit" || draft.kind === "resent";
  const stays = after > 0 && words ? { expireAfter: after } : {};
  const content = { id, sentAt, ...draft, ...(silent ? {} : stays) };
  const local = core.messages.add({
    thread,
    id,
    own: true,
    silent,
    unread: false,
    state: "queued",
    ts: sentAt,
    sentAt,
    content: { from, account, ...shown, draft: fromUtf8(encodeContent(content)) },
    ...stays,
    ...(isDeed(draft) ? { about: aboutOf(draft) } : {}),
  });
  if (local === undefined) throw new AppError("internal", { fault: "us" });
  core.outbox.add(local, thread);
  queueMicrotask(() => core.kick(thread));
  return { id, local, sentAt };
}
