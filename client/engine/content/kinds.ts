/**
 * Every kind of content that this program knows, once. A new kind is a file beside this one and a line here; a silent one
 * also gets its handler in handlers.ts, a visible one its line in shown.ts.
 */
import { archiveSeenKind } from "./archive_seen.ts";
import { deleteKind } from "./delete.ts";
import { editKind } from "./edit.ts";
import { expiryKind } from "./expiry.ts";
import { fileKind } from "./file.ts";
import { groupAskKind, groupKind, groupLeaveKind } from "./group.ts";
import type { ContentKind } from "./kind.ts";
import { checkpointKind } from "./checkpoint.ts";
import { reactionKind } from "./reaction.ts";
import { resendKind, resentKind } from "./resend.ts";
import { textKind } from "./text.ts";

/** Kinds that make a line of a conversation. */
export const visibleKinds = { text: textKind, file: fileKind } as const;

/** Kinds that change something without a line of their own. */
export const silentKinds = {
  archive_seen: archiveSeenKind,
  checkpoint: checkpointKind,
  delete: deleteKind,
  edit: editKind,
  expiry: expiryKind,
  reaction: reactionKind,
  resend: resendKind,
  resent: resentKind,
  group: groupKind,
  group_ask: groupAskKind,
  group_leave: groupLeaveKind,
} as const;

/** All of them. */
export const contentKinds = { ...visibleKinds, ...silentKinds } as const;

/** The name of a kind. */
export type KindName = keyof typeof contentKinds;

/** The name of a kind that is shown. */
export type VisibleName = keyof typeof visibleKinds;

/** The name of a kind that is not. */
export type SilentName = keyof typeof silentKinds;

/** What content of that kind says. */
export type BodyOf<Name extends KindName> = (typeof contentKinds)[Name] extends
  ContentKind<infer Body> ? Body : never;

/** One of those kinds with its body. */
export type DraftOf<Names extends KindName> = {
  [Name in Names]: { readonly kind: Name; readonly body: BodyOf<Name> };
}[Names];

/** Something to say, before it has an id and a time. */
export type Draft = DraftOf<KindName>;

/** Something to say that makes no line. */
export type SilentDraft = DraftOf<SilentName>;

/** Whether the name is that of a known kind. */
export function isKindName(name: string): name is KindName {
  return Object.hasOwn(contentKinds, name);
}

/** Whether the kind makes no line. */
export function isSilentName(name: string): name is SilentName {
  return Object.hasOwn(silentKinds, name);
}
