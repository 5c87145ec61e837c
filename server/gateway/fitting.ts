/** Lists that go into one answer: as many rows as the frame's JSON holds, whatever the rows say. */
import { utf8Length } from "../../lib/base/bytes.ts";
import { frameLimits } from "../../lib/base/limits.ts";

/** Bytes of JSON for the rows of one answer: leaves room for everything else in it. */
const rowsBytes = frameLimits.headerBytes - 1024;

/** The first of `page.rows` that fit, one at least; there is `more` when some were left out. */
export function fitting<T>(
  page: { readonly rows: readonly T[]; readonly more: boolean },
): { readonly rows: T[]; readonly more: boolean } {
  let bytes = 0;
  const rows = page.rows.filter((row, index) => {
    bytes += utf8Length(JSON.stringify(row)) + 1;
    return bytes <= rowsBytes || index === 0;
  });
  return { rows, more: page.more || rows.length < page.rows.length };
}
