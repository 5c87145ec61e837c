/** How far the members of a group have got, all together and one by one. */
import type { Core } from "./core.ts";

type Looking = Pick<Core, "threads" | "own">;

/** The other members of a group. */
function others({ threads, own }: Looking, thread: number): string[] {
  return threads.groups.get(thread).members.map(({ account }) => account)
    .filter((account) => account !== own.account);
}

/** The sequences up to which everybody else has got, and read, what was said. Nobody else: nothing. */
export function everybody(core: Looking, thread: number): { delivered: number; read: number } {
  const all = core.threads.progress.of(thread, others(core, thread));
  if (all.length === 0) return { delivered: 0, read: 0 };
  return {
    delivered: Math.min(...all.map(({ delivered }) => delivered)),
    read: Math.min(...all.map(({ read }) => read)),
  };
}

/** Who of a group's others has read a message: how many, of how many. */
export interface ReadBy {
  readonly count: number;
  readonly of: number;
}

/** How many of a group's others have read up to `seq`. */
export function readBy(core: Looking, thread: number, seq: number): ReadBy {
  const all = core.threads.progress.of(thread, others(core, thread));
  return { count: all.filter(({ read }) => read >= seq).length, of: all.length };
}
