/**
 * Where chance begins in tests. What they try is the same each time, so that a run says something about the change and
 * not about luck; `SEALPOST_SEED=random` tries something else, and `SEALPOST_SEED=` with a number repeats what it tried.
 */

/** 1 unless another number is asked for. Throws an Error for a `SEALPOST_SEED` that is neither `random` nor an integer. */
export function testSeed(): number {
  const asked = Deno.env.get("SEALPOST_SEED") ?? "1";
  if (asked === "random") return crypto.getRandomValues(new Int32Array(1))[0]!;
  if (!/^-?\d{1,10}$/.test(asked)) {
    throw new Error(`SEALPOST_SEED is "random" or an integer, not "${asked}".`);
  }
  return Number(asked);
}
