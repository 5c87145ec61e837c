/** Verified keys of many accounts: looked up side by side, so that a large group costs no row of round trips. */
import { AppError } from "../../lib/base/errors.ts";
import type { AccountKeys, Core } from "./core.ts";

/** Look-ups under way at once: one frame's worth of them. */
const atOnce = 64;

/**
 * The keys of the accounts (ids), in their order. `known` spares the look-up. Those who have none, or whose key has changed
 * and was not accepted, are left out: they must not keep everybody else's messages away. Rejects with other failures.
 */
export async function keysOfSome(
  core: Pick<Core, "people">,
  accounts: readonly string[],
  options: {
    readonly known?: (account: string) => AccountKeys | undefined;
    readonly fresh?: boolean;
  } = {},
): Promise<readonly AccountKeys[]> {
  const { fresh = false } = options;
  const found = await sideBySide(accounts, async (account) => {
    const known = options.known?.(account);
    if (known !== undefined) return known;
    try {
      return await core.people.keysOf({ account }, { fresh });
    } catch (thrown) {
      const without = thrown instanceof AppError &&
        (thrown.code === "blocked" || thrown.code === "no_such_user");
      if (!without) throw thrown;
      return undefined;
    }
  });
  return found.flatMap((keys) => keys === undefined ? [] : [keys]);
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
