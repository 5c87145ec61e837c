/** Taking in content that has arrived and was decrypted: by kind, into the transaction of its batch. */
import { AppError } from "../../../lib/base/errors.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { Lifetimes } from "../../store/lifetimes.ts";
import type { NewMessage, SignedFacts } from "../../store/messages.ts";
import { splitAddress } from "../address.ts";
import type { Core } from "../core.ts";
import type { KnownContent, UnknownContent } from "./codec.ts";
import type { ContentFacts, Effect } from "./facts.ts";
import { noteOwnSilent } from "./deeds.ts";
import { type FactsOf, handleSilent } from "./handlers.ts";
import type { SilentDraft, SilentName } from "./kinds.ts";
import { applyEarly } from "./late.ts";
import { mayTime } from "./policy.ts";
import type { OpenedContent } from "./sealed.ts";
import { isVisible, type Shown, shownContent } from "./shown.ts";

/** A message may be dated ahead of this clock by as much, in milliseconds. */
const aheadMs = 24 * 60 * 60 * 1000;

/** Where content stands and who sent it. */
export type Arrival = Omit<Required<ContentFacts<unknown>>, "body" | "sentAt" | "signed">;

/** What comes of it. */
export type Taken =
  /** It cannot be shown: why. */
  | { readonly kind: "unreadable"; readonly cause: string }
  /** To be called in the transaction that stores the batch, in order. */
  | {
    readonly kind: "stored";
    readonly silent: boolean;
    readonly store: (core: Core) => readonly Effect[];
  };

/** Decides what becomes of content; nothing is stored yet. `now`: milliseconds since 1970. */
export function takeContent(opened: OpenedContent, arrival: Arrival, now: number): Taken {
  const { content, signed } = opened;
  const sentAt = Math.min(content.sentAt ?? arrival.ts, now + aheadMs);
  const facts = { ...arrival, sentAt, signed, ...stayOf(content, arrival, now) };
  if (content.kind === "unknown") return takeUnknown(content, facts);
  if (isVisible(content)) return line(facts, shownContent(content));
  return silently(content, facts);
}

type Facts =
  & Omit<Required<ContentFacts<unknown>>, "body">
  & Pick<NewMessage, "expireAfter" | "expiresAt">;

/** One's own runs from when it is here; that of others from when it is read, or from some days later on. */
function stayOf(
  { expireAfter }: OpenedContent["content"],
  { own }: Arrival,
  now: number,
): Pick<NewMessage, "expireAfter" | "expiresAt"> {
  if (expireAfter === undefined) return {};
  const grace = own ? 0 : contentLimits.unreadGraceMs;
  return { expireAfter, expiresAt: now + expireAfter + grace };
}

/** An older program than the sender's: shows what the sender offers instead, and passes over what makes no line. */
function takeUnknown({ name, silent, fallback }: UnknownContent, facts: Facts): Taken {
  if (silent) return { kind: "stored", silent, store: () => [] };
  if (fallback !== undefined) return line(facts, { text: fallback, kind: name });
  return { kind: "unreadable", cause: "a newer version of this program is needed for it" };
}

function line(facts: Facts, shown: Shown): Taken {
  const message = messageOf(facts, shown);
  const store = (core: Core) => {
    // What is not shown does not wait to be read either.
    const unread = message.unread && !core.blocked.has(facts.from.account, facts.from.name);
    const added = core.messages.add(withoutClaims(core, { ...message, unread }));
    if (added === undefined) return [];
    learnTimer(core, facts);
    return applyEarly(core, message.thread, message.id);
  };
  return { kind: "stored", silent: false, store };
}

/** A device that came after the timer was set learns it from messages that have it. */
function learnTimer(core: Core, { thread, from, expireAfter }: Facts): void {
  if (expireAfter === undefined) return;
  const lifetimes = new Lifetimes(core.sealed);
  const { after, seq } = lifetimes.timer(thread);
  const row = core.threads.get(thread);
  if (seq !== undefined || after !== 0 || row === undefined) return;
  if (mayTime(core, row, from.account)) lifetimes.setTimer(thread, { after: expireAfter, seq });
}

/** What a reply says about the message that it answers counts only where that message is not here. */
function withoutClaims(core: Core, message: NewMessage): NewMessage {
  const { content, thread } = message;
  if (content.reply === undefined) return message;
  const { id } = content.reply;
  const known = core.messages.inThread(thread, id);
  if (known === undefined || known.unreadable) return { ...message, content: asSeenHere(content) };
  return { ...message, content: { ...content, reply: { id } } };
}

/** A bare name that somebody of another server tells is that of an account there. */
function asSeenHere(content: NewMessage["content"]): NewMessage["content"] {
  const { reply, from } = content;
  const server = splitAddress(from)?.server;
  const bare = reply?.from !== undefined && splitAddress(reply.from) === undefined;
  if (server === undefined || !bare) return content;
  return { ...content, reply: { ...reply, from: `${reply.from}@${server}` } };
}

function silently(content: KnownContent, facts: Facts): Taken {
  const { kind, body } = content;
  const { thread, id, seq, ts, sentAt, signed } = facts;
  const store = (core: Core) => {
    const effects = guarded(core, { kind, facts: { ...facts, body } } as FactsOf<SilentName>);
    const row = { thread, id, seq, ts, sentAt };
    if (facts.own) noteOwnSilent(core, { draft: content as SilentDraft, row, signed });
    return effects;
  };
  return { kind: "stored", silent: true, store };
}

/** What one content is refused for is undone alone: it must not keep the conversation's other rows away. */
function guarded(core: Core, silent: FactsOf<SilentName>): readonly Effect[] {
  try {
    return core.sealed.database.savepoint(() => handleSilent(core, silent));
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.fault !== "peer") throw thrown;
    core.logger.log("warning", "content_refused", { kind: silent.kind, code: thrown.code });
    return [];
  }
}

function messageOf(facts: Facts & { readonly signed: SignedFacts }, shown: Shown): NewMessage {
  const { thread, id, seq, own, ts, sentAt, from, signed, expireAfter, expiresAt } = facts;
  return {
    thread,
    id,
    seq,
    own,
    unread: !own,
    state: own ? "sent" : "received",
    ts,
    sentAt,
    content: { from: from.name, account: from.account, ...shown, signed },
    ...(expireAfter === undefined ? {} : { expireAfter }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
