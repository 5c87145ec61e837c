/** Conversations as groups: making one, joining one, changing one. */
import { pause } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId, uuidBytes } from "../../lib/base/ids.ts";
import type { MlsGroup } from "../../lib/mls/mod.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { AccountKeys, Core } from "./core.ts";
import { takeUpAgain } from "./take_up.ts";
import { noteGone } from "./gone.ts";
import { enteredGroup, firstCommit, onlyFresh, type Plan, plannedCommit } from "./group_commits.ts";
import { devicesOf, type Groups } from "./groups.ts";
import { claimPackages } from "./key_packages.ts";
import { pendingOf } from "./pending.ts";
import { Proposals, type Settled, type Verdict } from "./proposals.ts";
import { Recreation } from "./repair/recreation.ts";
import { standingOf } from "./standing.ts";

export type { Verdict };

/** A conversation as the server lists it. */
export type Listed = Message<"conversation.list.ok">["conversations"][number];

/** How often a lost race is run again before giving up for now: with one partner, and among many members. */
const attempts = 6;
const groupAttempts = 60;

/** Losers of a race in a group wait up to so long before they run again, in milliseconds, longer each time. */
const jitterMs = 50;
const mostJitterMs = 1_000;

/** The conversations of an engine. */
export class Conversations {
  readonly #core: Core;
  readonly #groups: Groups;
  /** Takes in everything that waits at the server for this device. */
  readonly #readLog: (conversation: string) => Promise<void>;
  readonly #proposals: Proposals;
  readonly #recreation: Recreation;
  #listed: Promise<Listed[]> | undefined;

  constructor(
    core: Core,
    groups: Groups,
    options: { readonly readLog: (conversation: string) => Promise<void> },
  ) {
    this.#core = core;
    this.#groups = groups;
    this.#readLog = options.readLog;
    this.#proposals = new Proposals(core, groups);
    this.#recreation = new Recreation(core, groups, this.#proposals);
  }

  /** Every conversation of the account, as the server lists them. */
  async list(): Promise<Listed[]> {
    const all: Listed[] = [];
    for (;;) {
      const after = all.at(-1)?.conversation;
      const { message } = await this.#core.server.request({
        type: "conversation.list",
        ...(after === undefined ? {} : { after }),
      });
      all.push(...message.conversations);
      // In order of their ids: a list that does not go on would never end.
      const last = all.at(-1)?.conversation ?? "";
      if (!message.more || last <= (after ?? "")) break;
    }
    for (const one of all) this.#groups.removals.note(one.conversation, one);
    this.#core.links.listed(all);
    return all;
  }

  /** What the server lists the conversation as. */
  async kindOf(conversation: string): Promise<Listed["kind"] | undefined> {
    return (await this.list()).find((one) => one.conversation === conversation)?.kind;
  }

  /** Whether the server waits for a commit that removes somebody. */
  hasRemovals(conversation: string): boolean {
    return this.#groups.removals.has(conversation);
  }

  /**
   * The thread with a group that this device is in: as it is, joined, or made now. Rejects with what stands in the way:
   * `no_such_user`, `no_key_package`, `tampered` (the server's answers do not hold), or a temporary error.
   */
  ensure(thread: number): Promise<Thread> {
    return this.#core.locks.run(`ensure:${thread}`, async () => {
      const most = this.#get(thread).kind === "group" ? groupAttempts : attempts;
      for (let attempt = 0; attempt < most; attempt++) {
        const now = this.#get(thread);
        // Many devices may enter at once.
        if (attempt > 1 && most > attempts) await this.#waitALittle(attempt);
        if (now.hasPending) await this.resolve(thread);
        else if (now.joined) return now;
        else await this.#obtain(now);
      }
      throw new AppError("epoch_conflict", { fault: "us" });
    });
  }

  async #obtain(thread: Thread): Promise<void> {
    if (thread.kind === "group") return await this.#enter(thread);
    const keys = await this.#identify(thread);
    const { account } = keys[keys.length - 1] ?? keys[0] ?? {};
    const listed = this.#among(await this.list(), { thread, account });
    if (listed === undefined) await this.#create(this.#get(thread.thread), keys);
    else {
      if (listed.state === "declined") await takeUpAgain(this.#core, thread, listed.conversation);
      await this.adopt(this.#get(thread.thread), listed);
    }
  }

  /** The thread's own conversation, or one with the same account that is no other thread's. */
  #among(
    list: readonly Listed[],
    { thread, account }: { readonly thread: Thread; readonly account: string | undefined },
  ): Listed | undefined {
    const { own, threads } = this.#core;
    const all = list.filter((one) => isWith(one, own.account, account));
    return all.find(({ conversation }) => conversation === thread.conversation) ??
      all.find(({ conversation }) => threads.byConversation(conversation) === undefined);
  }

  /** Takes this device into a group of which its account is a member. */
  async #enter(thread: Thread): Promise<void> {
    const { kind } = this.#core.threads.groups.get(thread.thread).standing;
    const listed = kind === "active" || kind === "request"
      ? (await this.list()).find(({ conversation }) => conversation === thread.conversation)
      : undefined;
    if (listed !== undefined && listed.state !== "left") return await this.adopt(thread, listed);
    if (listed === undefined) noteGone(this.#core, thread);
    throw new AppError("not_a_member", { text: `you are not in ${thread.title} any more` });
  }

  /** The partner's verified keys, its account noted; own keys first. */
  async #identify(thread: Thread): Promise<readonly AccountKeys[]> {
    const keys = await this.#groups.expect(thread);
    const partner = keys[keys.length - 1];
    if (partner !== undefined && thread.partner?.account === undefined) {
      const { account, name } = partner;
      this.#core.sealed.database.transaction(() =>
        this.#core.threads.setPartner(thread.thread, { account, name })
      );
    }
    return keys;
  }

  /** Makes a conversation that exists at the server this thread's, and this device part of it. */
  async adopt(thread: Thread, listed: Pick<Listed, "conversation" | "cursor">): Promise<void> {
    const { conversation } = listed;
    if (thread.conversation !== conversation) {
      if (thread.conversation !== undefined && thread.joined) throw this.#forked(thread);
      if (!this.#set(thread, { conversation, cursor: 0, pending: null })) return;
    }
    // A cursor means that this device was welcomed: its welcome waits in the log.
    if (listed.cursor !== null) await this.#readLog(conversation);
    const now = this.#get(thread.thread);
    if (!now.joined && !now.hasPending) await this.join(now);
  }

  #forked(thread: Thread): AppError {
    const text = `the server shows a second conversation with ${thread.title}; it is ignored`;
    this.#core.warn(text);
    return new AppError("tampered", { text });
  }

  async #create(thread: Thread, members: readonly AccountKeys[]): Promise<void> {
    const conversation = randomId();
    const { packages, keys } = await claimPackages(this.#core, { conversation, keys: members });
    this.#groups.learn(thread.thread, keys);
    const mls = await this.#core.mls();
    const context = this.#groups.context(thread.thread);
    const now = this.#core.clock.now();
    const alone = await mls.createGroup(uuidBytes(conversation), { ...context, now });
    const built = await alone.commit({ add: packages.map(({ bytes }) => bytes), now });
    if (built.kind === "refused") throw this.#distrust(thread, built.detail);
    this.#checkMembers(thread, { group: built.next, conversation, keys });
    const partner = keys[keys.length - 1]?.account ?? this.#core.own.account;
    await this.#proposals.propose(
      thread,
      pendingOf(built, { change: { kind: "create", with: partner }, conversation }),
    );
  }

  /**
   * Makes the group of a thread that has a conversation's id and facts but no group yet, with the accounts of `keys`, own
   * among them. Rejects with what stands in the way; then there is no such group.
   */
  async createGroup(thread: Thread, keys: readonly AccountKeys[]): Promise<void> {
    const { conversation = "" } = thread;
    const accounts = keys.map(({ account }) => account);
    await this.#groups.expect(thread, { accounts });
    const claimed = await claimPackages(this.#core, { conversation, keys });
    this.#groups.learn(thread.thread, claimed.keys);
    const { packages } = claimed;
    const mls = await this.#core.mls();
    const context = this.#groups.context(thread.thread);
    const group = await mls.createGroup(uuidBytes(conversation), {
      ...context,
      now: this.#core.clock.now(),
    });
    const pending = await firstCommit(this.#core, { thread, group, packages, keys });
    const { verdict, error } = await this.#proposals.propose(thread, pending);
    if (verdict !== "accepted") throw error ?? new AppError("epoch_conflict", { fault: "us" });
  }

  /** Joins by an external commit, with the group info that the server keeps. A former leaf of this device goes. */
  async join(thread: Thread): Promise<void> {
    const { conversation } = thread;
    if (conversation === undefined) throw new AppError("no_such_conversation", { fault: "us" });
    const { message, body } = await this.#core.server.request({
      type: "conversation.info",
      conversation,
    });
    this.#groups.removals.note(conversation, message);
    const accounts = message.members.map(({ account }) => account);
    const keys = await this.#groups.expect(thread, { fresh: true, accounts });
    const mls = await this.#core.mls();
    const built = await mls.joinExternally(body, {
      ...this.#groups.context(thread.thread),
      now: this.#core.clock.now(),
    });
    if (built.kind === "refused") {
      const { reason } = built;
      const broken = { thread, info: { message, body }, reason, keys };
      if (await this.#recreation.attempt(broken)) return;
      throw this.#distrust(thread, built.detail);
    }
    this.#checkMembers(thread, { group: built.next, conversation, keys });
    this.#checkRoster(thread, built.next, message.roster);
    const group = thread.kind === "group"
      ? enteredGroup(this.#core.threads.groups.get(thread.thread), {
        members: message.members,
        keys,
        epoch: built.epoch + 1,
        standing: standingOf(message, keys),
      })
      : undefined;
    const { incarnation = 0, after } = message;
    const position = after === undefined ? {} : { after };
    const facts = { change: { kind: "external" }, conversation, incarnation, ...position } as const;
    await this.#proposals.propose(thread, pendingOf(built, group ? { ...facts, group } : facts));
  }

  /** Gives up the group state of `epoch`, which cannot go on, and joins again; a newer state is left alone. */
  async rejoin(thread: number, epoch: number): Promise<void> {
    const now = this.#get(thread);
    if (now.joined && now.epoch === epoch) this.#set(now, { state: null, pending: null });
    await this.ensure(thread);
  }

  /** A new session begins: what the server lists is asked anew. */
  newSession(): void {
    this.#listed = undefined;
  }

  /** The list as it was at the beginning of this session, asked for once. */
  listed(): Promise<Listed[]> {
    return this.#listed ??= this.list();
  }

  /**
   * Whether the store is as new as what the server knows of this device. One that was put back from a copy is not: going on
   * with it would use keys a second time. Every own message must have its answer; another process's change gets its here.
   */
  async isCurrent(thread: number): Promise<boolean> {
    const listed = await this.listed();
    if (this.#get(thread).hasPending) await this.resolve(thread);
    const { conversation, cursor, epoch, incarnation, sent } = this.#get(thread);
    const known = listed.find((one) => one.conversation === conversation);
    if (known === undefined || known.cursor === null) return true;
    // Whatever was acknowledged, committed or encrypted was in the store before.
    if ((known.acked ?? 0) > cursor) return false;
    const { used } = known;
    // What the server knows of keys is of the group as it is; one that was set back is taken in first.
    if (used === undefined || (known.incarnation ?? 0) !== incarnation) return true;
    if (epoch > used.epoch || sent.epoch > used.epoch) return true;
    const generations = sent.epoch === used.epoch ? sent.generations : 0;
    return Math.max(epoch, sent.epoch) === used.epoch && generations >= used.generations;
  }

  /** Makes fresh keys, and removes the devices and accounts whose removal waits. */
  async renew(thread: number): Promise<void> {
    await this.change(thread, () => Promise.resolve(onlyFresh));
  }

  /** Commits the removals that wait, unless somebody else has meanwhile. `stale`: what is known of them may be old. */
  async carryOut(thread: number, options: { readonly stale?: boolean } = {}): Promise<void> {
    const { conversation = "" } = this.#get(thread);
    if (options.stale) await this.#refreshRemovals(conversation);
    await this.change(
      thread,
      () => Promise.resolve(this.hasRemovals(conversation) ? onlyFresh : undefined),
    );
  }

  /**
   * Commits what is planned. A lost race is run again after taking in the winner's commit, upon what that has made of the
   * group. Rejects with what the server has against it.
   */
  change(thread: number, plan: Plan): Promise<void> {
    return this.#core.locks.run(`renew:${thread}`, async () => {
      const most = this.#get(thread).kind === "group" ? groupAttempts : attempts;
      for (let attempt = 0; attempt < most; attempt++) {
        const now = await this.ensure(thread);
        if (now.conversation === undefined) return;
        const planned = await plan(this.#core.threads.groups.get(thread));
        if (planned === undefined) return;
        const loaded = await this.#groups.load(thread);
        if (loaded === undefined) continue;
        const commit = { thread: now, group: loaded.group, planned };
        const pending = await plannedCommit(this.#core, this.#groups, commit);
        const version = { ...now, version: loaded.version };
        const settled = await this.#proposals.propose(version, pending);
        if (settled.verdict === "accepted") return;
        await this.#afterLoss(now, { settled, attempt });
      }
      if (most > attempts) throw new AppError("epoch_conflict");
    });
  }

  async #afterLoss(
    { conversation = "", kind }: Thread,
    { settled, attempt }: { readonly settled: Settled; readonly attempt: number },
  ): Promise<void> {
    const { error } = settled;
    if (kind === "group" && error !== undefined && error.retry !== "after_sync") throw error;
    await this.#readLog(conversation);
    if (error?.code !== "epoch_conflict") await this.#refreshRemovals(conversation);
    if (kind !== "group") return;
    if (error?.code === "not_allowed" && attempt > 1) throw error;
    await this.#waitALittle(attempt);
  }

  async #waitALittle(attempt: number): Promise<void> {
    const { clock, random } = this.#core;
    await pause(clock, random() * Math.min(mostJitterMs, jitterMs * (attempt + 1)));
  }

  async #refreshRemovals(conversation: string): Promise<void> {
    const { message } = await this.#core.server.request({
      type: "conversation.info",
      conversation,
    });
    this.#groups.removals.note(conversation, message);
  }

  /** Asks for the verdict on the thread's pending change, if there is one. Rejects when there was none: it stays. */
  async resolve(thread: number): Promise<Verdict> {
    return (await this.#proposals.resolve(thread)).verdict;
  }

  #checkMembers(
    thread: Thread,
    expected: { group: MlsGroup; conversation: string; keys: readonly AccountKeys[] },
  ): void {
    const partial = thread.kind === "group";
    const misfit = this.#groups.misfit(expected.group, { ...expected, partial });
    if (misfit !== undefined) throw this.#distrust(thread, misfit);
  }

  /** The members as the server declares them must be those of the group, this device aside. */
  #checkRoster(
    thread: Thread,
    group: MlsGroup,
    roster: readonly { readonly device: string }[],
  ): void {
    const others = (devices: string[]) =>
      devices.filter((device) => device !== this.#core.own.device).sort().join();
    if (others(devicesOf(group)) === others(roster.map(({ device }) => device))) return;
    throw this.#distrust(thread, "its members are not those that the server declares");
  }

  #distrust(thread: Thread, detail: string): AppError {
    const text = `the conversation with ${thread.title} cannot be trusted: ${detail}`;
    this.#core.warn(text);
    return new AppError("tampered", { text });
  }

  #set(thread: Thread, change: Parameters<Core["threads"]["compareAndSet"]>[2]): boolean {
    return this.#core.sealed.database.transaction(() =>
      this.#core.threads.compareAndSet(thread.thread, thread.version, change)
    );
  }

  #get(thread: number): Thread {
    const row = this.#core.threads.get(thread);
    if (row === undefined) throw new AppError("not_found", { fault: "us" });
    return row;
  }
}

/** Whether a listed conversation is the one between the two accounts (twice the same for notes to oneself). */
export function isWith(listed: Listed, own: string, partner: string | undefined): boolean {
  if (listed.kind !== "direct") return false;
  const accounts = new Set(listed.members.map(({ account }) => account));
  const expected = new Set([own, partner ?? own]);
  return accounts.size === expected.size && [...expected].every((one) => accounts.has(one));
}
