/** What another device of the account said of the archive, until it was compared. */
import { fromUtf8, utf8 } from "../../../lib/base/bytes.ts";
import { Meta } from "../../store/meta.ts";
import type { ArchiveSeenBody } from "../content/archive_seen.ts";
import type { ContentHandler } from "../content/facts.ts";
import type { Core } from "../core.ts";

/** What another device saw, and when it said so (ms since 1970). */
export interface Seen extends ArchiveSeenBody {
  readonly at: number;
}

/** Handler of kind `archive_seen`: what others' devices say of their archive is none of this account's business. */
export const hearArchiveSeen: ContentHandler<ArchiveSeenBody> = (core, { from, body, ts }) => {
  if (from.account !== core.own.account || from.device === core.own.device) return [];
  const seen: Seen = { ...body, at: ts };
  new Meta(core.sealed).set("archive seen", utf8(JSON.stringify(seen)));
  return [];
};

/** What another device saw and this one has not compared yet. */
export function archiveSeen(core: Pick<Core, "sealed">): Seen | undefined {
  const stored = new Meta(core.sealed).get("archive seen");
  return stored && JSON.parse(fromUtf8(stored));
}
