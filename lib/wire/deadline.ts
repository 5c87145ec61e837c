/** An end to waiting. */

/** Settles as `work` does, unless `ms` milliseconds pass (then rejects with `late()`) or the signal aborts first. */
export function withDeadline<T>(
  work: Promise<T>,
  options: { readonly ms: number; readonly late: () => Error; readonly signal?: AbortSignal },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const onAbort = () => reject(signal?.reason);
    const timer = setTimeout(() => reject(options.late()), Math.max(0, options.ms));
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    work.then(resolve, reject).finally(finish);
  });
}
