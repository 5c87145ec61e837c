/** How far the members of a group have got, all together and one by one. */
import type { CancelTimer } from "../../lib/base/clock.ts";
import type { MemberProgress } from "../store/group_progress.ts";
import type { Core } from "./core.ts";

type MemberProgressOf = MemberProgress & { readonly account: string };

type Looking = Pick<Core, "threads" | "own">;

/** The other members of a group. */
function others({ threads, own }: Looking, thread: number): string[] {
  return threads.groups.get(thread).members.map(({ account }) => account)
    .filter((account) => account !== own.account);
}

/** The sequences up to which everybody else has got, and read, what was said. Nobody else: nothing. */
function everybody(core: Looking, thread: number): { delivered: number; read: number } {
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

/**
 * Notes how far the server of an account has got, and tells of own messages again for which that is news. In the caller's
 * transaction.
 */
export function noteReached(
  { threads, messages }: Pick<Core, "threads" | "messages">,
  thread: number,
  { account, reached }: { readonly account: string; readonly reached: number },
): void {
  const [before] = threads.progress.of(thread, [account]);
  if (!threads.progress.raise(thread, { account, delivered: 0, read: 0, reached })) return;
  messages.retellSent(thread, { after: before?.reached ?? 0, to: reached });
}

/** Receipts are gathered this long, in milliseconds: every member of a large group sends some for every message. */
const gatherMs = 30;

/** How far members have got, noted for many at once. */
export class MemberMarks {
  readonly #core: Core;
  readonly #apply: (thread: number) => void;
  readonly #waiting: { readonly thread: number; readonly progress: MemberProgressOf }[] = [];
  #cancel: CancelTimer | undefined;

  /** `apply` puts own messages of a thread into the states that they have reached, in the caller's transaction. */
  constructor(core: Core, apply: (thread: number) => void) {
    this.#core = core;
    this.#apply = apply;
  }

  /** Somebody has got further; noted in a moment. */
  take(thread: number, progress: MemberProgressOf): void {
    this.#waiting.push({ thread, progress });
    this.#cancel ??= this.#core.clock.after(gatherMs, () => this.#store());
  }

  /** Nothing more is noted: the server tells it again. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.length = 0;
  }

  #store(): void {
    this.#cancel = undefined;
    const { sealed, threads, messages, clock, changed } = this.#core;
    const now = clock.now();
    const all = this.#waiting.splice(0);
    const news = sealed.database.transaction(() => {
      for (const { thread, progress } of all) noteReached(this.#core, thread, progress);
      const further = all.filter(({ thread, progress }) =>
        threads.progress.raise(thread, progress)
      );
      const groups = new Set(further.map(({ thread }) => thread));
      for (const thread of groups) {
        const { delivered, read } = everybody(this.#core, thread);
        threads.setPeerProgress(thread, { delivered, deliveredAt: now, read, readAt: now });
        this.#apply(thread);
        const reads = further.filter((one) => one.thread === thread).map((one) =>
          one.progress.read
        );
        messages.retellOwn(thread, Math.max(...reads));
      }
      return groups.size > 0;
    });
    if (news) changed();
  }
}
