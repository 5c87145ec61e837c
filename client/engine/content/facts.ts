/** What handlers of content are told, and what they answer. */
import { asAppError } from "../../../lib/base/errors.ts";
import type { SignedFacts } from "../../store/messages.ts";
import type { Core } from "../core.ts";

/** Something that follows once everything is stored. */
export type Effect =
  /** Tells a person. */
  | { readonly kind: "warn"; readonly text: string }
  /** Something was deleted for good: the write-ahead log is emptied of it. */
  | { readonly kind: "wipe" }
  /** Anything else; it must not throw. */
  | { readonly kind: "run"; readonly run: () => void };

/** Content of a known sender, in its place. */
export interface ContentFacts<Body> {
  /** The content's own id (UUID). */
  readonly id: string;
  /** The thread's number in the store. */
  readonly thread: number;
  /** Of the conversation's log; absent for own content that is only queued. */
  readonly seq?: number;
  /** When the server took it, or (own) when it was queued. */
  readonly ts: number;
  /** By the sender's clock, but no more than a day ahead of this one. */
  readonly sentAt: number;
  /** Whether it is by this account, from whichever device. */
  readonly own: boolean;
  readonly from: {
    readonly account: string;
    readonly name: string;
    /** Base64url. */
    readonly device: string;
  };
  readonly body: Body;
  /** What a receipt is made of; absent for own content that is only queued. */
  readonly signed?: SignedFacts;
}

/** What a kind does. */
export type ContentHandler<Body> = (core: Core, facts: ContentFacts<Body>) => readonly Effect[];

/** Lets the effects happen: after the transaction. However much was deleted, the log is emptied once. */
export function follow(
  core: Pick<Core, "warn" | "sealed" | "logger">,
  effects: readonly Effect[],
): void {
  if (effects.some(({ kind }) => kind === "wipe")) wipe(core);
  for (const effect of effects) {
    if (effect.kind === "warn") core.warn(effect.text);
    else if (effect.kind === "run") effect.run();
  }
}

/** What was overwritten in the database is still in its write-ahead log: that is emptied. */
function wipe({ sealed, logger }: Pick<Core, "sealed" | "logger">): void {
  try {
    sealed.database.checkpoint();
  } catch (thrown) {
    // Another process reads just now; the log is emptied with the next change, at the latest when the last one closes.
    logger.log("info", "wipe_later", { code: asAppError(thrown).code });
  }
}
