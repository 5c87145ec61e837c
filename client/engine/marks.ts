/** How far everybody has got: receipts of partners, and what this account has read. */
import { RefusedError } from "../../lib/wire/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { StoredMessage } from "../store/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { Listed } from "./conversations.ts";
import type { Core } from "./core.ts";
import { MemberMarks, noteReached } from "./group_marks.ts";

/** Puts own messages into the states that the partner's progress gives them. In the caller's transaction. */
export function applyProgress(core: Core, thread: number): void {
  const row = core.threads.get(thread);
  if (row === undefined) return;
  const { peerDelivered, peerDeliveredAt, peerRead, peerReadAt } = row;
  const now = core.clock.now();
  if (peerDelivered > 0) core.messages.delivered(thread, peerDelivered, peerDeliveredAt ?? now);
  if (peerRead > 0) core.messages.readByPartner(thread, peerRead, peerReadAt ?? now);
}

/** Progress of one account in a conversation. */
interface Progress {
  readonly account: string;
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly read: number;
  readonly readAt: number;
  /** 0 for an account of one's own server. */
  readonly reached: number;
}

/** Read marks and receipts of an engine. */
export class Marks {
  readonly #core: Core;
  readonly #members: MemberMarks;

  constructor(core: Core) {
    this.#core = core;
    this.#members = new MemberMarks(core, (thread) => applyProgress(core, thread));
  }

  /** Nothing more is noted. */
  stop(): void {
    this.#members.stop();
  }

  /** Somebody got or read something. */
  receipt(message: Message<"receipt">): void {
    const { account, delivered, read, at, reached = 0 } = message;
    const progress = { account, delivered, deliveredAt: at, read, readAt: at, reached };
    this.#take(this.#core.threads.byConversation(message.conversation), progress);
  }

  /** The same, as a list of conversations tells it after having been away. */
  listed({ conversation, members }: Listed): void {
    const thread = this.#core.threads.byConversation(conversation);
    for (const { account, delivered, deliveredAt, read, readAt, reached = 0 } of members) {
      this.#take(thread, {
        account,
        delivered,
        deliveredAt: deliveredAt ?? 0,
        read,
        readAt: readAt ?? 0,
        reached,
      });
    }
  }

  #take(thread: Thread | undefined, progress: Progress): void {
    if (thread === undefined) return;
    const { own, sealed, threads, messages } = this.#core;
    if (progress.account === own.account) {
      if (progress.read <= thread.readMark && progress.read <= thread.readTold) return;
      sealed.database.transaction(() => {
        threads.raiseReadMark(thread.thread, progress.read);
        threads.setReadTold(thread.thread, progress.read);
        messages.markRead(thread.thread, { seq: progress.read, now: this.#core.clock.now() });
      });
    } else if (thread.kind === "group") {
      return this.#members.take(thread.thread, progress);
    } else {
      const [known] = threads.progress.of(thread.thread, [progress.account]);
      const news = progress.delivered > thread.peerDelivered || progress.read > thread.peerRead ||
        progress.reached > (known?.reached ?? 0);
      if (!news) return;
      sealed.database.transaction(() => {
        threads.setPeerProgress(thread.thread, progress);
        noteReached(this.#core, thread.thread, progress);
        applyProgress(this.#core, thread.thread);
      });
    }
    this.#core.changed();
  }

  /** Marks everything of the message's thread up to and including it as read: here now, at the server when possible. */
  async markRead(message: StoredMessage): Promise<void> {
    const { sealed, threads, messages } = this.#core;
    const { local } = message;
    const row = threads.get(message.thread);
    // Two conversations with one account are one to whoever reads them.
    const all = row?.kind === "direct" ? threads.family(row).map(({ thread }) => thread) : [
      message.thread,
    ];
    sealed.database.transaction(() => {
      for (const thread of all) {
        messages.markRead(thread, { local, now: this.#core.clock.now() });
        threads.raiseReadMark(thread, messages.greatestSeq(thread, local));
      }
    });
    this.#core.changed();
    for (const thread of all) await this.tellOf(thread);
  }

  /** Tells the server of every mark that it does not know yet. */
  async tellAll(): Promise<void> {
    for (const thread of this.#core.threads.all()) await this.tell(thread);
  }

  /** The same for one thread, if there is anything to tell. */
  async tellOf(number: number): Promise<void> {
    const thread = this.#core.threads.get(number);
    if (thread !== undefined) await this.tell(thread);
  }

  /** Tells the server how far this account has read a thread; when it cannot be reached, the next connection does. */
  async tell(thread: Thread): Promise<void> {
    const { conversation, readMark, readTold } = thread;
    if (thread.kind === "lobby" || conversation === undefined || readMark <= readTold) return;
    const { server, threads, logger } = this.#core;
    try {
      await server.request({ type: "message.read", conversation, seq: readMark });
      threads.setReadTold(thread.thread, readMark);
    } catch (thrown) {
      const code = thrown instanceof RefusedError ? thrown.code : "unreachable";
      logger.log("debug", "read_mark_kept", { code });
    }
  }
}
