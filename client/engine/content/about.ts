/** Content about a message: finding it, and keeping what comes before it. */
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { readDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { EarlyContent } from "../../store/early_content.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import type { ContentFacts, Effect } from "./facts.ts";

/** Content that is about one message. */
export interface About {
  /** The message's id (UUID). */
  readonly to: string;
}

/**
 * Hands the message that content is about to `apply`. One that is not here, or cannot be read, may still come: until then
 * the content is kept, in bounds. Own content that is only queued is always about something that is here.
 */
export function about<Body extends About>(
  core: Core,
  { kind, facts }: { readonly kind: string; readonly facts: ContentFacts<Body> },
  apply: (message: StoredMessage) => readonly Effect[],
): readonly Effect[] {
  const { thread, id, seq, ts, from, body } = facts;
  const message = core.messages.inThread(thread, body.to);
  if (message !== undefined && !message.unreadable) return message.silent ? [] : apply(message);
  if (seq === undefined) return [];
  const early = { thread, target: body.to, id, account: from.account, ts, seq };
  new EarlyContent(core.sealed).keep({ ...early, what: { kind, facts } }, core.clock.now());
  return [];
}

/** The account that wrote a message. */
export function authorOf(core: Pick<Core, "own">, message: StoredMessage): string | undefined {
  const { account, signed } = message.content;
  if (account !== undefined) return account;
  if (message.own) return core.own.account;
  if (signed?.certificate === undefined) return undefined;
  return readDeviceCertificate(fromBase64url(signed.certificate)).accountId;
}
