/** Verified keys of many accounts: looked up side by side, so that a large group costs no row of round trips. */
import type { AccountKeys, Core } from "./core.ts";

/** Look-ups under way at once: one frame's worth of them. */
const atOnce = 64;

/** The keys of all accounts (ids), in their order. `known` spares the look-up. Rejects with the first failure. */
export function keysOfAll(
  core: Pick<Core, "people">,
  accounts: readonly string[],
  options: {
    readonly known?: (account: string) => AccountKeys | undefined;
    readonly fresh?: boolean;
  } = {},
): Promise<readonly AccountKeys[]> {
  const { fresh = false } = options;
  return sideBySide(
    accounts,
    async (account) => options.known?.(account) ?? await core.people.keysOf({ account }, { fresh }),
  );
}

/** What `work` makes of each entry, in their order; so many at once. Rejects with the first failure. */
export async function sideBySide<T, R>(
  entries: readonly T[],
  work: (entry: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = entries.entries();
  const worker = async () => {
    for (const [index, entry] of waiting) results[index] = await work(entry);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, entries.length) }, worker));
  return results;
}
