/** Lists that go into one answer: as many rows as the frame's JSON holds, whatever the rows say. */
import { utf8Length } from "../../lib/base/bytes.ts";
import { frameLimits } from "../../lib/base/limits.ts";
import type { ConversationRow } from "../operations/contract.ts";

/** Bytes of JSON for the rows of one answer: leaves room for everything else in it. */
const rowsBytes = frameLimits.headerBytes - 1024;

/** The first of `page.rows` that fit, one at least; there is `more` when some were left out. */
export function fitting<T>(
  page: { readonly rows: readonly T[]; readonly more: boolean },
): { readonly rows: T[]; readonly more: boolean } {
  let bytes = 0;
  const rows = page.rows.filter((row, index) => {
    bytes += lengthOf(row) + 1;
    return bytes <= rowsBytes || index === 0;
  });
  return { rows, more: page.more || rows.length < page.rows.length };
}

function lengthOf(row: unknown): number {
  return utf8Length(JSON.stringify(row));
}

/** Queued removals that a row names which would not fit with all of them. */
const removalsOfThin = 64;

/**
 * A conversation of so many accounts with such long names that its row alone would not fit says less of each: no times,
 * not what other servers have, and not every queued removal; `conversation.info` names those.
 */
export function thinned(row: ConversationRow): ConversationRow {
  if (lengthOf(row) < rowsBytes) return row;
  const members = row.members.map(({ reached: _, ...member }) => ({
    ...member,
    deliveredAt: null,
    readAt: null,
  }));
  const { removals, leaving } = row;
  return {
    ...row,
    members,
    removals: removals.slice(0, removalsOfThin),
    leaving: leaving.slice(0, removalsOfThin),
  };
}
