/** What the server tells of conversations while one is online: removals that wait, and what other devices have decided. */
import type { CancelTimer } from "../../lib/base/clock.ts";
import { groupLimits } from "../../lib/base/limits.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Conversations, Listed } from "./conversations.ts";
import type { Core } from "./core.ts";
import { isIn } from "./group_names.ts";
import type { Groups } from "./groups.ts";
import type { Requests } from "./requests.ts";

/** What watching needs beside the core. */
export interface WatchOptions {
  readonly groups: Groups;
  readonly conversations: Conversations;
  readonly requests: Requests;
  inBackground(work: () => Promise<unknown>): void;
  /** Takes in what the server has of one conversation, by a list that is asked for now. */
  catchUp(conversation: string): Promise<void>;
}

/** Watches over the conversations of an engine. */
export class GroupWatch {
  readonly #core: Core;
  readonly #options: WatchOptions;
  readonly #timers = new Map<string, CancelTimer>();
  /** What was told of which list already. */
  readonly #told = new Set<string>();

  constructor(core: Core, options: WatchOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Somebody has to be removed: whoever is first does it, and the others find it done. */
  removals(message: Message<"conversation.removals">): void {
    const { conversation } = message;
    this.#options.groups.removals.note(conversation, message);
    this.soon(conversation);
  }

  /** Commits the removals that wait, after a while in which somebody else may do it. */
  soon(conversation: string): void {
    if (!this.#options.groups.removals.has(conversation)) return;
    if (this.#timers.has(conversation)) return;
    const { clock, random } = this.#core;
    const cancel = clock.after(random() * groupLimits.removalJitterMs, () => {
      this.#timers.delete(conversation);
      this.#options.inBackground(() => this.carryOut(conversation));
    });
    this.#timers.set(conversation, cancel);
  }

  /** Commits the removals that wait, unless somebody has. */
  async carryOut(conversation: string): Promise<void> {
    const thread = this.#core.threads.byConversation(conversation);
    if (thread?.joined !== true || !this.#options.groups.removals.has(conversation)) return;
    if (thread.kind === "group" && !isIn(this.#core.threads.groups.get(thread.thread))) return;
    await this.#options.conversations.carryOut(thread.thread);
  }

  /** Another device of the account has answered, or left. */
  state({ conversation, state }: Message<"conversation.state">): void {
    const thread = this.#core.threads.byConversation(conversation);
    if (thread === undefined) return;
    this.#options.requests.settle(thread, state);
    this.#core.changed();
    // A mirror of another server's conversation that was made anew says it so: rows may be lost.
    if (state === "active" && this.#core.links.hubOf(conversation)?.server !== undefined) {
      this.#options.inBackground(() => this.#options.catchUp(conversation));
    }
  }

  /** The same, as a list tells it after having been away; and the list's members are compared with the group's own. */
  listed(listed: Listed): void {
    const thread = this.#core.threads.byConversation(listed.conversation);
    if (thread === undefined) return;
    if ((listed.state === "request") !== thread.request || listed.state === "left") {
      this.#options.requests.settle(thread, listed.state);
      this.#core.changed();
    }
    if (thread.kind === "group" && thread.joined && listed.epoch === thread.epoch) {
      this.#compare(listed, thread);
    }
  }

  #compare(
    { conversation, members, epoch }: Listed,
    thread: { thread: number; title: string },
  ): void {
    const own = new Map(
      this.#core.threads.groups.get(thread.thread).members.map((one) => [one.account, one]),
    );
    const wrong = [
      ...members.filter(({ account, role }) => own.get(account)?.role !== role)
        .map(({ name }) => name),
      ...[...own.values()].filter(({ account }) => !members.some((one) => one.account === account))
        .map(({ name }) => name),
    ];
    const key = `${conversation} ${epoch}`;
    if (wrong.length === 0 || this.#told.has(key)) return;
    this.#told.add(key);
    this.#core.warn(
      `the server's list of the members of ${thread.title} is not the group's own ` +
        `(${wrong.join(", ")}); the server's is not believed`,
    );
  }

  /** No more commits. */
  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
