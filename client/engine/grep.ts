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
  const thread = await startThread();
  try {
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

/**
 * A thread that says it is there. Where much begins at once, the runtime's first thread now and then never says so; how
 * long starting one takes says nothing of the expression.
 */
async function startThread(): Promise<Worker> {
  for (let attempt = 1;; attempt++) {
    const thread = new Worker(new URL("./grep_worker.ts", import.meta.url), {
      type: "module",
      deno: { permissions: "none" },
    });
    try {
      await answer(thread, clientLimits.threadStartMs);
      return thread;
    } catch (thrown) {
      thread.terminate();
      if (attempt >= clientLimits.threadStarts) {
        throw new AppError("internal", { fault: "us", cause: thrown });
      }
    }
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
