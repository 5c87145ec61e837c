/** For tests of permissions: asks each worker to try what it must not be able to do. */
import { type Attempt, attempts } from "../../lib/base/attempts.ts";

/** Makes a worker try something: "allowed", or the error's name. */
type Try = (what: Attempt) => Promise<string>;

/** One line of JSON: what each worker could do and what not. */
export async function tryEverything(workers: Readonly<Record<string, Try>>): Promise<string> {
  const results: Record<string, Record<string, string>> = {};
  for (const [worker, attempt] of Object.entries(workers)) {
    const outcome: Record<string, string> = {};
    for (const what of attempts) outcome[what] = await attempt(what);
    results[worker] = outcome;
  }
  return JSON.stringify({ event: "tried", ...results });
}
