/** Choosing by a regular expression, whatever it is: in a thread that is ended when it takes too long. */
import { AppError } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import type { GrepBatch } from "./grep_worker.ts";

/** What is looked through, and for how long. */
export interface Haystack<T> {
  readonly all: readonly T[];
  readonly textOf: (one: T) => string;
  /** Time for `clientLimits.grepBatch` texts, in ms. */
  readonly ms?: number;
}

/** Those whose text matches. Rejects with `malformed` when the expression takes too long on them. */
export async function matching<T>(
  { source, flags }: RegExp,
  { all, textOf, ms = clientLimits.grepMs }: Haystack<T>,
): Promise<readonly T[]> {
  if (all.length === 0) return [];
  const thread = new Worker(new URL("./grep_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    // How long starting a thread takes says nothing of the expression. It is asked, because the runtime may lose what a
    // thread says by itself at its start; what it is asked waits for it.
    thread.postMessage({ source, flags, texts: [] } satisfies GrepBatch);
    await answer(thread, clientLimits.requestMs);
    const found: T[] = [];
    for (let at = 0; at < all.length; at += clientLimits.grepBatch) {
      const some = all.slice(at, at + clientLimits.grepBatch);
      const batch: GrepBatch = { source, flags, texts: some.map(textOf) };
      thread.postMessage(batch);
      const verdicts = await answer(thread, ms);
      found.push(...some.filter((_, index) => verdicts[index] === true));
    }
    return found;
  } finally {
    thread.terminate();
  }
}

/** The next answer of the thread, in time. */
function answer(thread: Worker, ms: number): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow()), ms);
    thread.onmessage = ({ data }: MessageEvent<unknown>) => {
      clearTimeout(timer);
      resolve(Array.isArray(data) ? data : []);
    };
    thread.onerror = (event) => {
      clearTimeout(timer);
      event.preventDefault();
      reject(new AppError("internal", { fault: "us", cause: event.error ?? event.message }));
    };
  });
}

function tooSlow(): AppError {
  return new AppError("malformed", {
    text: "that regular expression takes too long on these messages: make it simpler",
  });
}
