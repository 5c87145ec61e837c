/**
 * Own changes of groups on their way: stored before they are sent, applied only when the server has accepted them; the
 * same change sent again gets the same verdict.
 */
import { concat } from "../../lib/base/bytes.ts";
import type { AppError } from "../../lib/base/errors.ts";
import { frameLimits } from "../../lib/base/limits.ts";
import { RefusedError } from "../../lib/wire/errors.ts";
import type { Thread } from "../store/threads.ts";
import { type Core, isTemporary } from "./core.ts";
import { announce } from "./announce.ts";
import { queueContent } from "./content/queue.ts";
import { acceptedUpon } from "./group_commits.ts";
import type { Groups } from "./groups.ts";
import { beforeAccepted } from "./repair/store.ts";
import { noteGap } from "./gaps.ts";
import { noticeLine } from "./notices.ts";
import { decodePending, encodePending, type Pending } from "./pending.ts";

/** What became of a pending change. */
export type Verdict = "none" | "accepted" | "lost";

/** The same, with the server's reason for refusing it. */
export interface Settled {
  readonly verdict: Verdict;
  readonly error?: AppError;
}

/** Codes that are about a request as it is, and not about the moment: the change is given up although time might help. */
const givenUp: readonly string[] = ["rate_limited", "quota_exceeded", "no_key_package"];

/** Bytes of one piece that is staged: a frame's worth, with room for others' messages in it. */
const pieceBytes = frameLimits.bodyBytes / 2;

/** The pending changes of an engine. */
export class Proposals {
  readonly #core: Core;
  /** Devices (base64url keys) whose removal by this device was told. */
  readonly #toldRemoved = new Set<string>();
  readonly #groups: Groups;

  constructor(core: Core, groups: Groups) {
    this.#core = core;
    this.#groups = groups;
  }

  /** Stores a change, unless the thread has moved on meanwhile, and asks for the verdict. */
  async propose(thread: Thread, pending: Pending): Promise<Settled> {
    const { conversation } = pending;
    const stored = this.#core.sealed.database.transaction(() =>
      this.#core.threads.compareAndSet(thread.thread, thread.version, {
        conversation,
        pending: encodePending(pending),
      })
    );
    return stored ? await this.resolve(thread.thread) : { verdict: "lost" };
  }

  /** Sends the pending change (again) and applies the verdict. Rejects when there was none: it stays pending. */
  resolve(thread: number): Promise<Settled> {
    return this.#core.locks.run(`resolve:${thread}`, async () => {
      const stored = this.#core.threads.pending(thread);
      if (stored === undefined) return { verdict: "none" };
      const pending = decodePending(stored);
      try {
        const { seq, ts } = await this.#submit(pending);
        this.#accepted(thread, pending, { seq, ts });
        return { verdict: "accepted" };
      } catch (thrown) {
        if (!(thrown instanceof RefusedError)) throw thrown;
        const final = pending.group !== undefined && givenUp.includes(thrown.code);
        if (isTemporary(thrown) && !final) throw thrown;
        this.#refused(thread, pending, thrown);
        return { verdict: "lost", error: thrown };
      }
    });
  }

  async #submit(pending: Pending): Promise<{ seq: number; ts: number }> {
    const { change, conversation, hash, commit, welcome, groupInfo, add, epoch } = pending;
    const parts: [number, number, number] = [commit.length, welcome.length, groupInfo.length];
    const body = await this.#stage(hash, concat(commit, welcome, groupInfo));
    const common = { conversation, hash, parts, body: body.length };
    const { own, server } = this.#core;
    if (change.kind === "create") {
      const roster = [{ account: own.account, device: own.device }, ...add];
      const request = { type: "conversation.create", ...common, roster } as const;
      const kind = change.with === undefined
        ? { kind: "group" } as const
        : { kind: "direct", with: change.with } as const;
      return (await server.request({ ...request, ...kind }, body)).message;
    }
    const { incarnation = 0 } = pending;
    if (change.kind === "recreate") {
      const roster = [{ account: own.account, device: own.device }, ...add];
      const request = { type: "conversation.recreate", ...common, roster } as const;
      const ended = incarnation - 1;
      return (await server.request({ ...request, incarnation: ended }, body)).message;
    }
    const request = { type: "conversation.commit", incarnation, ...common } as const;
    const external = change.kind === "external";
    const remove = [...pending.remove];
    return (await server.request({ ...request, epoch, external, add: [...add], remove }, body))
      .message;
  }

  /** Sends ahead what one frame cannot hold, and returns the rest. */
  async #stage(hash: string, whole: Uint8Array): Promise<Uint8Array> {
    if (whole.length <= pieceBytes) return whole;
    let offset = 0;
    for (; whole.length - offset > pieceBytes; offset += pieceBytes) {
      const piece = whole.subarray(offset, offset + pieceBytes);
      const body = piece.length;
      await this.#core.server.request({ type: "conversation.stage", hash, offset, body }, piece);
    }
    return whole.subarray(offset);
  }

  /** Whom a change of a group removes, its own lines say. */
  #tellRemoved(thread: number, { group, change, remove }: Pending): void {
    if (group !== undefined || change.kind !== "commit" || remove.length === 0) return;
    const title = this.#core.threads.get(thread)?.title ?? "";
    // An own device goes from every conversation, and is told of once.
    if (remove.every((device) => this.#toldRemoved.has(device))) return;
    for (const device of remove) this.#toldRemoved.add(device);
    this.#core.warn(`a device was removed from the conversation with ${title}`);
  }

  /** The server took it: what it leads to is the state now. */
  #accepted(thread: number, pending: Pending, { seq, ts }: { seq: number; ts: number }): void {
    const { sealed, threads, clock } = this.#core;
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      const stored = threads.pending(thread);
      if (!row || !stored || decodePending(stored).hash !== pending.hash) return;
      const passed = passedBy(row, pending, seq);
      const cursor = row.cursor === seq - 1 ? seq : Math.max(row.cursor, passed);
      beforeAccepted(this.#core, row, { pending, ts });
      threads.compareAndSet(thread, row.version, {
        state: pending.next,
        epoch: pending.epoch + 1,
        incarnation: pending.incarnation ?? 0,
        pending: null,
        cursor,
        sentSinceCommit: 0,
        committedAt: clock.now(),
      });
      this.#groupChanged(row, pending, { seq, ts });
      if (row.cursor > 0 && passed > row.cursor + 1) noteGap(this.#core, row, { seq, passed });
    });
    if (pending.change.kind === "create") this.#core.links.made(pending.conversation);
    this.#groups.removals.done(pending.conversation, {
      removals: pending.remove,
      leaving: pending.group?.leaving ?? [],
    });
    this.#tellRemoved(thread, pending);
    this.#core.changed();
    this.#core.resends.look();
  }

  /** Of a group: who is in it now, what is shown of that, and what the others are told. */
  #groupChanged(
    row: Thread,
    { group, change }: Pending,
    at: { seq: number; ts: number },
  ): void {
    if (group === undefined) return;
    const { threads, messages, own } = this.#core;
    const { facts, notices } = acceptedUpon(threads.groups.get(row.thread), { group, change });
    threads.setGroup(row, facts, { seq: at.seq });
    for (const notice of notices) {
      messages.add(noticeLine(notice, { thread: row.thread, self: own.name, ...at }));
    }
    const said = threads.groups.get(row.thread);
    if (group.tell === "name") announce(this.#core, row.thread);
    if (group.tell === "ask" && said.namedAt === 0) {
      queueContent(this.#core, row.thread, { kind: "group_ask", body: {} });
    }
  }

  #refused(thread: number, pending: Pending, error: RefusedError): void {
    const { sealed, threads, logger } = this.#core;
    logger.log("info", "change_refused", { code: error.code, kind: pending.change.kind });
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      const stored = threads.pending(thread);
      if (!row || !stored || decodePending(stored).hash !== pending.hash) return;
      // A group stays what it is called by: its id is nobody else's.
      const gone = pending.change.kind === "create" && row.kind === "direct"
        ? { conversation: null }
        : {};
      threads.compareAndSet(thread, row.version, { pending: null, ...gone });
    });
  }
}

/** The row up to which nothing comes any more: all before a new group, and what the server does not keep of an old one. */
function passedBy({ cursor }: Thread, { change, after }: Pending, seq: number): number {
  if (change.kind === "commit") return 0;
  return cursor > 0 && change.kind === "external" ? after ?? seq : seq;
}
