/** Parts of queries about messages. */
import type { SqlValue } from "../../lib/sql/database.ts";

/** The latest messages of some threads or of all, in the order in which they are shown, or those before one of them. */
export function latestFirst(
  threads: readonly number[] | undefined,
  before: { readonly ts: number; readonly local: number } | undefined,
): { readonly rest: string; readonly values: readonly SqlValue[] } {
  const conditions = [
    ...(threads === undefined ? [] : [among(threads)]),
    ...(before === undefined ? [] : ["(ts, local) < (?, ?)"]),
    "silent = 0",
  ];
  return {
    rest: `${conditions.join(" AND ")} ORDER BY ts DESC, local DESC LIMIT ?`,
    values: [
      ...(threads ?? []),
      ...(before === undefined ? [] : [before.ts, before.local]),
    ],
  };
}

/** The condition that a message is of one of these threads, whose numbers are its values. */
export function among(threads: readonly number[]): string {
  return threads.length === 1 ? "thread = ?" : `thread IN (${threads.map(() => "?").join(", ")})`;
}
