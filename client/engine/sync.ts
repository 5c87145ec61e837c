/** What a new session does first: take in what waited, then turn live events on. */
import { AppError, asAppError, type ErrorCode } from "../../lib/base/errors.ts";
import type { Conversations, Listed } from "./conversations.ts";
import { splitAddress } from "./address.ts";
import { occupy } from "./assign.ts";
import { noteGone, noteLeftBefore, readLast } from "./gone.ts";
import { type Core, isTemporary } from "./core.ts";
import type { GroupWatch } from "./group_watch.ts";
import type { Disputes } from "./repair/disputes.ts";
import type { Lobby } from "./lobby.ts";
import type { Marks } from "./marks.ts";

/** What catching up needs beside the core. */
export interface SyncOptions {
  readonly conversations: Conversations;
  readonly disputes: Pick<Disputes, "open" | "settle">;
  readonly marks: Marks;
  readonly lobby: Lobby;
  readonly watch: GroupWatch;
  readonly readLog: (conversation: string) => Promise<void>;
  /** Rows of the conversation up to `head` are no surprise. */
  readonly expect: (conversation: string, head: number) => void;
  /** Sees to it that the group state is the latest there was. */
  readonly confirm: (thread: number) => Promise<void>;
}

/**
 * How work that nobody waits for may fail without anything that a person should know: there is no connection, or this
 * account has come out of the conversation meanwhile, which the conversation's own lines say. The server answers that in
 * one of two ways, according to what it was asked.
 */
const saysNothing: ReadonlySet<ErrorCode> = new Set([
  "timeout",
  "not_a_member",
  "no_such_conversation",
]);

/** Catching up. */
export class Sync {
  readonly #core: Core;
  readonly #options: SyncOptions;
  readonly #background = new Set<Promise<void>>();
  /** Conversations of which it is known, in this session, how far their logs reach. */
  readonly #known = new Set<string>();
  #waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  #done = false;
  #stopped = false;

  constructor(core: Core, options: SyncOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Resolves when a session has caught up, at once if one has since the last connection. */
  caughtUp(signal?: AbortSignal): Promise<void> {
    if (this.#done) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (signal?.aborted) reject(signal.reason);
      if (this.#stopped) reject(new AppError("timeout", { text: "the client stops", fault: "us" }));
    });
  }

  /** Takes in everything that waits; `live` turns events on. */
  async run(options: { signal: AbortSignal; live: () => void }): Promise<void> {
    this.#done = false;
    const { conversations, marks, lobby, watch } = this.#options;
    const listed = await conversations.listed();
    for (const one of listed) await this.#catchUp(one, options.signal);
    await this.#unfinished();
    await this.#unlisted(listed);
    options.live();
    await lobby.catchUp();
    // Events are on only now for certain: what was posted and received meanwhile comes with these.
    await lobby.catchUp();
    for (const one of await conversations.list()) {
      marks.listed(one);
      watch.listed(one);
    }
    await marks.tellAll();
    if (options.signal.aborted) return;
    this.#done = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    // Others who come at the same time have the same reason.
    for (const { conversation } of listed) this.#options.watch.soon(conversation);
    const { disputes } = this.#options;
    this.#core.resends.look();
    for (const thread of disputes.open()) this.inBackground(() => disputes.settle(thread));
  }

  /** A linked server can be reached again: what could not be entered of its conversations, or read, is now. */
  async linked(server: string): Promise<void> {
    const never = new AbortController().signal;
    for (const one of await this.#options.conversations.list()) {
      if (one.hub !== server || one.state === "left") continue;
      const known = this.#core.threads.byConversation(one.conversation);
      if (known?.joined !== true) await this.#catchUp(one, never);
    }
  }

  /** A connection is new: the server may have been put back to a backup since the last one. */
  newSession(): void {
    this.#known.clear();
  }

  /**
   * Takes in what waits in one conversation, also for somebody who is first in a session that takes in nothing else: then
   * the server is asked before how far the log reaches.
   */
  async readLog(conversation: string): Promise<void> {
    if (!this.#known.has(conversation)) {
      const listed = (await this.#options.conversations.list())
        .find((one) => one.conversation === conversation);
      if (listed !== undefined) await this.#expect(listed);
    }
    await this.#options.readLog(conversation);
  }

  async #expect(listed: Listed): Promise<void> {
    await this.#goBack(listed);
    this.#options.expect(listed.conversation, listed.head);
    this.#known.add(listed.conversation);
  }

  /** One conversation as the server lists it now. */
  async catchUpOne(conversation: string): Promise<void> {
    const listed = (await this.#options.conversations.list())
      .find((one) => one.conversation === conversation);
    const never = new AbortController().signal;
    if (listed !== undefined) await this.#catchUp(listed, never);
  }

  /** What the server says of all conversations, asked for anew: whose they are, and how far everybody has got. */
  async relist(): Promise<void> {
    const { conversations, marks } = this.#options;
    for (const one of await conversations.list()) marks.listed(one);
    this.#core.changed();
  }

  /** The archive has come to a new device, and may tell of groups that nobody else tells of. */
  async restored(): Promise<void> {
    await this.#unlisted(await this.#options.conversations.list());
  }

  /** Groups that this account is not listed in any more: the last that comes of them is the commit that removes it. */
  async #unlisted(listed: readonly Listed[]): Promise<void> {
    const states = new Map(listed.map(({ conversation, state }) => [conversation, state]));
    for (const row of this.#core.threads.all()) {
      const { kind, joined, hasPending, conversation } = row;
      if (kind !== "group" || conversation === undefined) continue;
      const state = states.get(conversation) ?? "none";
      if (!joined && !hasPending && (state === "none" || state === "left")) {
        noteLeftBefore(this.#core, row);
      }
      if (!joined || state !== "none") continue;
      const there = await readLast(this.#core, conversation, this.#options.readLog);
      if (!there) noteGone(this.#core, row);
    }
  }

  /** Groups whose making was interrupted: the server knows whether they exist. */
  async #unfinished(): Promise<void> {
    const { threads } = this.#core;
    for (const { kind, hasPending, thread } of threads.all()) {
      if (kind === "group" && hasPending) await this.#options.conversations.resolve(thread);
    }
  }

  /** One conversation that cannot be taken in must not keep the others away. */
  async #catchUp(listed: Listed, signal: AbortSignal): Promise<void> {
    const { conversations, readLog, confirm } = this.#options;
    const { threads, logger } = this.#core;
    try {
      if (listed.state === "left") return;
      await this.#expect(listed);
      const known = threads.byConversation(listed.conversation);
      if (known !== undefined) await confirm(known.thread);
      if (listed.cursor !== null) {
        this.#acknowledge(listed);
        if (known === undefined || listed.head > known.cursor) await readLog(listed.conversation);
      }
      const thread = threads.byConversation(listed.conversation) ?? this.#threadOf(listed);
      if (thread.hasPending) await conversations.resolve(thread.thread);
      const now = threads.get(thread.thread);
      if (now !== undefined && !now.joined) await conversations.adopt(now, listed);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const { code, message } = asAppError(thrown);
      logger.log("warning", "conversation_not_caught_up", { code, message });
      // What may pass by itself is tried again, and told of once, by whoever does that.
      if (!isTemporary(thrown)) this.#core.warn(`a conversation is not taken in: ${message}`);
    }
  }

  /**
   * A cursor beyond the end of the log would hide everything that comes: the server has told of rows that do not exist,
   * or was put back to a backup. The cursor goes back to where the server has this device. So it does when the group is
   * another one by now: after a backup was put back twice, others may have filled the numbers of what was there between.
   */
  async #goBack({ conversation, head, incarnation = 0 }: Listed): Promise<void> {
    const { threads, warn } = this.#core;
    const suspect = threads.byConversation(conversation);
    if (suspect === undefined) return;
    const anew = incarnation > suspect.incarnation;
    if (suspect.cursor <= head && !anew) return;
    // The list may be older than what came since: only one that was asked for now decides.
    const listed = (await this.#options.conversations.list())
      .find((one) => one.conversation === conversation);
    if (listed === undefined || listed.cursor === null) return;
    const beyond = suspect.cursor > listed.head;
    const to = Math.min(listed.cursor, listed.head);
    if ((!beyond && !anew) || to >= suspect.cursor) return;
    threads.goBack(suspect.thread, { from: suspect.cursor, to });
    if (!beyond) return;
    warn(
      `the server's log of the conversation with ${suspect.title} ends before what it showed earlier: ` +
        "it was put back to a backup, or it lied; messages of that time may be missing",
    );
  }

  /** Tells the server of what is stored here and was not acknowledged before the last connection ended. */
  #acknowledge({ conversation, cursor }: Listed): void {
    const stored = this.#core.threads.byConversation(conversation)?.cursor ?? 0;
    if (cursor === null || stored <= cursor) return;
    this.#core.server.notify({ type: "message.ack", acks: [{ conversation, seq: stored }] });
  }

  /** The thread with the listed conversation's other member. */
  #threadOf({ members, kind, conversation }: Listed) {
    const { own, sealed, threads } = this.#core;
    if (kind === "group") {
      return sealed.database.transaction(() => threads.obtainGroup(conversation));
    }
    const other = members.find(({ account }) => account !== own.account) ?? members[0];
    const name = other?.name ?? own.name;
    return sealed.database.transaction(() => {
      const first = threads.obtain(name);
      if (first.conversation === undefined || splitAddress(name) === undefined) return first;
      if (first.partner?.account !== other?.account) return first;
      return occupy(this.#core, first.thread, { conversation, elsewhere: true }) ?? first;
    });
  }

  /** Takes revoked devices out of every conversation that they are still in. */
  async removeRevoked(): Promise<void> {
    for (const { conversation } of await this.#options.conversations.list()) {
      this.#removals(conversation);
    }
    await Promise.all(this.#background);
  }

  #removals(conversation: string): void {
    const thread = this.#core.threads.byConversation(conversation);
    if (thread === undefined || !this.#options.conversations.hasRemovals(conversation)) return;
    this.inBackground(() => this.#options.watch.carryOut(conversation));
  }

  /** Starts work that nobody waits for; its failure is logged, and told where it says something. */
  inBackground(work: () => Promise<unknown>): void {
    if (this.#stopped) return;
    const running = work().then(() => undefined, (thrown: unknown) => {
      const { code, message } = asAppError(thrown);
      this.#core.logger.log("warning", "background_work_failed", { code, message });
      if (!this.#stopped && !saysNothing.has(code)) this.#core.warn(message);
    }).finally(() => this.#background.delete(running));
    this.#background.add(running);
  }

  /** Waits for work in the background. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const reason = new AppError("timeout", { text: "the client stops", fault: "us" });
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    await Promise.all(this.#background);
  }
}
