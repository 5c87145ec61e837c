/** Own silent content that the server has taken, or has refused for good. */
import { fromBase64url, utf8 } from "../../../lib/base/bytes.ts";
import type { AppError } from "../../../lib/base/errors.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import { decodeContent } from "./codec.ts";
import type { Effect } from "./facts.ts";
import { isDeed, keepLatest } from "./deeds.ts";
import { type FactsOf, handleAccepted } from "./handlers.ts";
import { isSilentName, type SilentName } from "./kinds.ts";

/**
 * Does what is left to be done when the server has taken own silent content, and forgets what it said unless it may have to
 * be said again. In the caller's transaction.
 */
export function settleSilent(
  core: Core,
  row: { readonly local: number; readonly seq: number; readonly ts: number },
): readonly Effect[] {
  const message = core.messages.get(row.local);
  const signed = message?.content.signed;
  if (message === undefined || signed === undefined) return [];
  const content = decodeContent(fromBase64url(signed.content));
  if (isDeed(content)) keepLatest(core, row.local);
  else core.messages.hush(message);
  if (content.kind === "unknown" || !isSilentName(content.kind)) return [];
  const { id, thread, sentAt } = message;
  const { account, name, device } = core.own;
  const from = { account, name, device };
  const { seq, ts } = row;
  const facts = { id, thread, seq, ts, sentAt, own: true, from, body: content.body, signed };
  return handleAccepted(core, { kind: content.kind, facts } as FactsOf<SilentName>);
}

/** What a person did on purpose; the rest programs say by themselves. */
const deeds: Readonly<Partial<Record<SilentName, string>>> = {
  edit: "an edit was not taken: the others still see what it said before",
  delete: "a deletion was not taken: the others still see the message",
  reaction: "a reaction was not taken",
  expiry: "the time that messages stay was not taken by the others",
};

/** The server has refused it for good: it is forgotten, and told where a person did it. In the caller's transaction. */
export function failSilent(
  core: Core,
  message: StoredMessage,
  error: AppError,
): readonly Effect[] {
  const { draft, signed } = message.content;
  core.messages.hush(message);
  if (draft === undefined && signed === undefined) return [];
  const bytes = draft === undefined ? fromBase64url(signed?.content ?? "") : utf8(draft);
  const { kind } = decodeContent(bytes);
  const deed = kind !== "unknown" && isSilentName(kind) ? deeds[kind] : undefined;
  return deed === undefined ? [] : [{ kind: "warn", text: `${deed}: ${error.message}` }];
}
