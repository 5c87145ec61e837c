/**
 * Commits that this device cannot apply. It says so, signed; when another device says the same, the server takes the commit
 * back. When nobody does in time, the fault is here, and this device enters the group anew.
 */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { noChange } from "../../../lib/base/membership.ts";
import { type CancelTimer, pause } from "../../../lib/base/clock.ts";
import { AppError, asAppError } from "../../../lib/base/errors.ts";
import { clientLimits } from "../../../lib/base/limits.ts";
import { signCommitRefusal } from "../../../lib/crypto/commit_refusal.ts";
import type { Dispute } from "../../store/repairs.ts";
import type { Conversations } from "../conversations.ts";
import { onlyFresh } from "../group_commits.ts";
import { type Core, isTemporary } from "../core.ts";

/** What disputes need of their surroundings. */
export interface DisputeOptions {
  readonly conversations: Pick<Conversations, "list" | "hasRemovals" | "rejoin" | "change">;
  readonly readLog: (conversation: string) => Promise<void>;
}

/** The disputes of an engine. */
export class Disputes {
  readonly #core: Core;
  readonly #options: DisputeOptions;
  readonly #over = new AbortController();
  #sweeping: CancelTimer | undefined;

  constructor(core: Core, options: DisputeOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Threads whose dispute has not ended yet; asked for with each session. */
  open(): readonly number[] {
    return this.#core.repairs.disputed();
  }

  /** Says that the commit cannot be applied, and sees to it that this device can go on, one way or the other. */
  settle(thread: number): Promise<void> {
    return this.#core.locks.run(`dispute:${thread}`, async () => {
      const dispute = this.#core.repairs.dispute(thread);
      const conversation = this.#core.threads.get(thread)?.conversation;
      if (dispute === undefined || conversation === undefined) return;
      if (await this.#refuse(conversation, dispute)) {
        await pause(this.#core.clock, clientLimits.disputeMs, this.#over.signal);
      }
      await this.#options.readLog(conversation);
      await this.#giveUp(thread, dispute);
    });
  }

  /** Whether to wait: somebody else may still say the same, or what came of it has yet to come. Rejects when the server cannot be asked. */
  async #refuse(conversation: string, dispute: Dispute): Promise<boolean> {
    const { own, server, links, logger } = this.#core;
    const signature = signCommitRefusal(own.identity.device, { conversation, ...dispute });
    try {
      const { message } = await server.request({
        type: "conversation.refuse",
        conversation,
        ...dispute,
        signature: toBase64url(signature),
      });
      logger.log("warning", "commit_refused", { conversation, reason: dispute.reason });
      // The row that says so is still on its way here from another server.
      if (message.rolledBack) return links.hubOf(conversation)?.server !== undefined;
      return message.others > 0;
    } catch (thrown) {
      const error = asAppError(thrown);
      if (isTemporary(error) && error.code !== "rate_limited") throw error;
      logger.log("info", "refusal_not_taken", { conversation, code: error.code });
      return false;
    }
  }

  /** Unless the commit was taken back meanwhile. */
  async #giveUp(thread: number, { hash, epoch }: Dispute): Promise<void> {
    const { repairs, sealed } = this.#core;
    if (repairs.dispute(thread)?.hash !== hash) return;
    await this.#options.conversations.rejoin(thread, epoch);
    sealed.database.transaction(() => {
      if (repairs.dispute(thread)?.hash === hash) repairs.endDispute(thread);
    });
  }

  /** A commit of this device was taken back: removals that it had done wait again, and so does whom it had removed. */
  async replan(thread: number, remove: readonly string[]): Promise<void> {
    const { clock, random, threads } = this.#core;
    await pause(clock, random() * clientLimits.commitJitterMs, this.#over.signal);
    const conversation = threads.get(thread)?.conversation;
    if (conversation === undefined) return;
    const { conversations } = this.#options;
    await conversations.list();
    await conversations.change(thread, ({ members }) => {
      const listed = new Set(members.map(({ account }) => account));
      const again = remove.filter((account) => listed.has(account));
      const waits = again.length > 0 || conversations.hasRemovals(conversation);
      const planned = { ...onlyFresh, change: { ...noChange, remove: again } };
      return Promise.resolve(waits ? planned : undefined);
    });
  }

  /** Forgets kept states whose time is over, now and every hour. */
  sweep(): void {
    const { sealed, repairs, clock } = this.#core;
    this.#sweeping?.();
    sealed.database.transaction(() => repairs.sweep(clock.now()));
    this.#sweeping = clock.after(60 * 60 * 1000, () => this.sweep());
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#sweeping?.();
    this.#over.abort(new AppError("timeout", { text: "the client stops", fault: "us" }));
  }
}
