/**
 * What silent content does, by kind. A handler runs inside the transaction that stores the group state and the cursor: it
 * only reads and writes the store, and what has to happen outside it returns as effects, which follow once everything is
 * on disk. It runs once for content that arrives, and once, in the transaction that queues it, for the account's own.
 * A refused content (of somebody who may not do that, or that fits nothing) is passed over: a handler never throws for it.
 */
import { hearArchiveSeen } from "../archive/seen.ts";
import type { Core } from "../core.ts";
import { applyDelete, applyEdit, applyExpiry } from "./change.ts";
import type { ContentFacts, ContentHandler, Effect } from "./facts.ts";
import { hearCheckpoint } from "./hear.ts";
import { applyGroup, applyGroupAsk, applyGroupLeave } from "./group_told.ts";
import type { BodyOf, KindName, SilentName } from "./kinds.ts";
import { applyReaction } from "./react.ts";
import { applyResend, applyResent } from "../resend/handlers.ts";

/** The handlers of all silent kinds. */
export const silentHandlers: {
  readonly [Name in SilentName]: ContentHandler<BodyOf<Name>>;
} = {
  delete: applyDelete,
  edit: applyEdit,
  expiry: applyExpiry,
  reaction: applyReaction,
  checkpoint: hearCheckpoint,
  resend: applyResend,
  resent: applyResent,
  archive_seen: hearArchiveSeen,
  group: applyGroup,
  group_ask: applyGroupAsk,
  group_leave: applyGroupLeave,
};

/** Those that run once more for own content, when the server has taken it: with its sequence, time and signature. */
const whenAccepted: ReadonlySet<SilentName> = new Set(["edit", "expiry"]);

/** Facts of any kind: the name with the body that goes with it. */
export type FactsOf<Names extends KindName> = {
  [Name in Names]: { readonly kind: Name; readonly facts: ContentFacts<BodyOf<Name>> };
}[Names];

/** Does what the content says. In the caller's transaction. */
export function handleSilent(core: Core, { kind, facts }: FactsOf<SilentName>): readonly Effect[] {
  const handler: ContentHandler<never> = silentHandlers[kind];
  return handler(core, facts as ContentFacts<never>);
}

/** The server has taken own content. In the caller's transaction. */
export function handleAccepted(core: Core, said: FactsOf<SilentName>): readonly Effect[] {
  return whenAccepted.has(said.kind) ? handleSilent(core, said) : [];
}
