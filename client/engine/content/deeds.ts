/**
 * What an account did without a line of its own (an edit, a deletion, a reaction and the like): kept for a while at its
 * devices, so that it can be said again to whoever could not read it, or had it taken away. What a later one makes void, or
 * what was about words that are gone, is not kept.
 */
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import type { NewMessage, SignedFacts, StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import { decodeContent } from "./codec.ts";
import type { DraftOf, KindName, SilentDraft } from "./kinds.ts";

/** Kinds that are kept. The rest programs say by themselves, and say anew. */
const kept = ["delete", "edit", "expiry", "group", "reaction"] as const;

/** Something that is kept. */
export type Deed = DraftOf<typeof kept[number]>;

const keptNames: ReadonlySet<KindName | "unknown"> = new Set(kept);

/** Whether content of the kind is kept. */
export function isDeed(content: { readonly kind: KindName | "unknown" }): content is Deed {
  return keptNames.has(content.kind);
}

/** What it is about: a message's id, or the kind's name where it is about the whole conversation. */
export function aboutOf({ kind, body }: Deed): string {
  return kind === "expiry" || kind === "group" ? kind : body.to;
}

/** The deed that a stored row says; undefined for one that says nothing (any more), or nothing that can be read. */
export function deedOf({ content: { signed } }: StoredMessage): Deed | undefined {
  if (signed === undefined) return undefined;
  try {
    const content = decodeContent(fromBase64url(signed.content));
    return isDeed(content) ? content : undefined;
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

/** Whether a later one of them makes the earlier one void. */
function concernsTheSame(one: Deed, other: Deed): boolean {
  if (one.kind !== other.kind || aboutOf(one) !== aboutOf(other)) return false;
  return one.kind !== "reaction" || other.kind !== "reaction" ||
    one.body.emoji === other.body.emoji;
}

/**
 * Keeps what is still worth saying of deeds about the same as the row `local`, which has its place in the log: the latest
 * one. In the caller's transaction.
 */
export function keepLatest(core: Core, local: number): void {
  const row = core.messages.get(local);
  const deed = row && deedOf(row);
  if (row === undefined || deed === undefined) return;
  if (isGone(core, row.thread, deed)) return core.messages.hush(row);
  const same = core.messages.repliesTo(row.thread, aboutOf(deed)).filter((one) => {
    const other = one.silent && one.seq !== undefined ? deedOf(one) : undefined;
    return other !== undefined && concernsTheSame(deed, other);
  });
  const latest = Math.max(...same.map(({ seq = 0 }) => seq));
  for (const one of same) {
    if (one.seq !== latest && one.state !== "queued") core.messages.hush(one);
  }
}

/** Whether it would bring back words of a message that was deleted meanwhile. */
function isGone({ messages }: Core, thread: number, deed: Deed): boolean {
  return deed.kind === "edit" && messages.inThread(thread, deed.body.to)?.content.deleted === true;
}

/** Notes what another device of this account has said without a line. In the caller's transaction. */
export function noteOwnSilent(
  core: Core,
  said: {
    readonly draft: SilentDraft;
    readonly row: Pick<NewMessage, "thread" | "id" | "seq" | "ts" | "sentAt">;
    readonly signed: SignedFacts;
  },
): void {
  const { draft, row, signed } = said;
  const deed = isDeed(draft) ? draft : undefined;
  const content = { from: "", text: "" };
  const local = core.messages.add({
    ...row,
    own: true,
    silent: true,
    unread: false,
    state: "sent",
    content: deed === undefined ? content : { ...content, signed },
    ...(deed === undefined ? {} : { about: aboutOf(deed) }),
  });
  if (local !== undefined && deed !== undefined) keepLatest(core, local);
}
