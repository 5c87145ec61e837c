/**
 * Making the group of a conversation anew, when nobody can enter the one that it has: the group info that the server keeps
 * is broken. The members stay who they are; everything else begins again.
 */
import { equalBytes } from "../../../lib/base/bytes.ts";
import { pause } from "../../../lib/base/clock.ts";
import { groupIdOf } from "../../../lib/base/group_id.ts";
import { clientLimits } from "../../../lib/base/limits.ts";
import type { RefusalReason } from "../../../lib/mls/mod.ts";
import type { Arrived } from "../../../lib/wire/messages.ts";
import type { Thread } from "../../store/threads.ts";
import type { AccountKeys, Core } from "../core.ts";
import type { Groups } from "../groups.ts";
import { claimPackages } from "../key_packages.ts";
import { type PendingGroup, pendingOf } from "../pending.ts";
import type { Proposals } from "../proposals.ts";

/** Reasons that say that the group info is broken, and not that somebody in it is not believed. */
const brokenReasons: readonly RefusalReason[] = ["malformed", "invalid", "not_allowed"];

/** A group that this device cannot enter. */
export interface Broken {
  readonly thread: Thread;
  /** What the server says of it. */
  readonly info: Arrived<"conversation.info.ok">;
  readonly reason: RefusalReason;
  /** Of everybody who belongs there. */
  readonly keys: readonly AccountKeys[];
}

/** The recreations of an engine. */
export class Recreation {
  readonly #core: Core;
  readonly #groups: Groups;
  readonly #proposals: Proposals;
  /** When this process last made the group of a thread anew, by the monotonic clock. */
  readonly #last = new Map<number, number>();

  constructor(core: Core, groups: Groups, proposals: Proposals) {
    this.#core = core;
    this.#groups = groups;
    this.#proposals = proposals;
  }

  /**
   * Makes the group anew, unless somebody else does within a while: true when it is worth while to try to enter again.
   * False when this device may not, has just done so, or when the group is not believed rather than broken.
   */
  async attempt(broken: Broken): Promise<boolean> {
    const { thread, reason } = broken;
    if (!brokenReasons.includes(reason) || !this.#may(broken)) return false;
    const { clock, random, logger } = this.#core;
    const last = this.#last.get(thread.thread);
    if (last !== undefined && clock.monotonic() - last < clientLimits.recreateGapMs) return false;
    // Others have found the same out at the same time.
    await pause(clock, random() * clientLimits.recreateJitterMs);
    if (await this.#hasChanged(broken)) return true;
    this.#last.set(thread.thread, clock.monotonic());
    logger.log("warning", "conversation_recreated", { conversation: thread.conversation, reason });
    return await this.#recreate(broken);
  }

  #may({ thread, info }: Broken): boolean {
    const { own } = this.#core;
    if (thread.kind !== "group") return thread.kind === "direct";
    const role = info.message.members.find(({ account }) => account === own.account)?.role;
    return role === "owner" || role === "admin";
  }

  async #hasChanged({ thread, info }: Broken): Promise<boolean> {
    const { conversation = "" } = thread;
    const now = await this.#core.server.request({ type: "conversation.info", conversation });
    return now.message.incarnation !== info.message.incarnation ||
      now.message.epoch !== info.message.epoch || !equalBytes(now.body, info.body);
  }

  async #recreate({ thread, info, keys }: Broken): Promise<boolean> {
    const { conversation = "" } = thread;
    const core = this.#core;
    const incarnation = (info.message.incarnation ?? 0) + 1;
    const claimed = await claimPackages(core, { conversation, keys, anew: true });
    this.#groups.learn(thread.thread, claimed.keys);
    const mls = await core.mls();
    const now = core.clock.now();
    const alone = await mls.createGroup(groupIdOf(conversation, incarnation), {
      ...this.#groups.context(thread.thread),
      now,
    });
    const built = await alone.commit({ add: claimed.packages.map(({ bytes }) => bytes), now });
    if (built.kind === "refused") return false;
    const facts = { change: { kind: "recreate" }, conversation, incarnation } as const;
    const group = this.#groupAnew(thread);
    const pending = pendingOf(built, group === undefined ? facts : { ...facts, group });
    const { verdict, error } = await this.#proposals.propose(thread, pending);
    if (error !== undefined && error.retry !== "after_sync") throw error;
    return verdict !== "none";
  }

  /** Of a group: its accounts stay who they are. */
  #groupAnew({ thread, kind }: Thread): PendingGroup | undefined {
    if (kind !== "group") return undefined;
    const { before: _, ...facts } = this.#core.threads.groups.get(thread);
    return { facts: { ...facts, epoch: 1 }, notices: [], leaving: [], tell: "nothing" };
  }
}
