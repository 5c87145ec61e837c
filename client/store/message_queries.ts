/** Parts of queries about messages. */
import type { SqlValue } from "../../lib/sql/database.ts";

/** The latest messages of a thread or of all, in the order in which they are shown, or those before one of them. */
export function latestFirst(
  thread: number | undefined,
  before: { readonly ts: number; readonly local: number } | undefined,
): { readonly rest: string; readonly values: readonly SqlValue[] } {
  const conditions = [
    ...(thread === undefined ? [] : ["thread = ?"]),
    ...(before === undefined ? [] : ["(ts, local) < (?, ?)"]),
    "silent = 0",
  ];
  return {
    rest: `${conditions.join(" AND ")} ORDER BY ts DESC, local DESC LIMIT ?`,
    values: [
      ...(thread === undefined ? [] : [thread]),
      ...(before === undefined ? [] : [before.ts, before.local]),
    ],
  };
}
