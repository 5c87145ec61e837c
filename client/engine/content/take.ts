/** Taking in content that has arrived and was decrypted: by kind, into the transaction of its batch. */
import { AppError } from "../../../lib/base/errors.ts";
import type { NewMessage, SignedFacts } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import type { KnownContent, UnknownContent } from "./codec.ts";
import type { ContentFacts, Effect } from "./facts.ts";
import { type FactsOf, handleSilent } from "./handlers.ts";
import type { SilentName } from "./kinds.ts";
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
  const facts = { ...arrival, sentAt, signed };
  if (content.kind === "unknown") return takeUnknown(content, facts);
  if (isVisible(content)) return line(facts, shownContent(content));
  return silently(content, facts);
}

type Facts = Omit<Required<ContentFacts<unknown>>, "body">;

/** An older program than the sender's: shows what the sender offers instead, and passes over what makes no line. */
function takeUnknown({ silent, fallback }: UnknownContent, facts: Facts): Taken {
  if (silent) return { kind: "stored", silent, store: () => [] };
  if (fallback !== undefined) return line(facts, { text: fallback });
  return { kind: "unreadable", cause: "a newer version of this program is needed for it" };
}

function line(facts: Facts, shown: Shown): Taken {
  const message = messageOf(facts, shown);
  const store = (core: Core) => {
    core.messages.add(message);
    return [];
  };
  return { kind: "stored", silent: false, store };
}

function silently(content: KnownContent, facts: Facts): Taken {
  const { kind, body } = content;
  const store = (core: Core) =>
    guarded(core, { kind, facts: { ...facts, body } } as FactsOf<SilentName>);
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
  const { thread, id, seq, own, ts, sentAt, from, signed } = facts;
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
  };
}
