/** Reading the store as it is shown. */
import { AppError } from "../../lib/base/errors.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { StoredMessage } from "../store/messages.ts";
import { lobbyName, type Thread } from "../store/threads.ts";
import type { ChatMessage, ConversationInfo, HistoryQuery, Target } from "./api.ts";
import type { Core } from "./core.ts";
import { chatMessage, isHidden, type Showing, targetOf } from "./chat_message.ts";
import { findGroup } from "./group_names.ts";
import { matching } from "./grep.ts";

/** All messages: as many as SQLite may be asked for. */
const unlimited = Number.MAX_SAFE_INTEGER;

/** Messages that a search opens before anything else gets its turn: a few milliseconds. */
const searchedAtOnce = 500;

/** The reading side of an engine. */
export class Reading {
  readonly #core: Showing & Pick<Core, "messages">;

  constructor(core: Showing & Pick<Core, "messages">) {
    this.#core = core;
  }

  /** Every conversation with its last message. */
  // deno-lint-ignore require-await -- refusals reject
  async conversations(): Promise<readonly ConversationInfo[]> {
    const { threads, messages, links } = this.#core;
    const firsts = threads.all().filter(({ twinOf }) => twinOf === undefined);
    return firsts.map((thread) => {
      const family = thread.kind === "direct" ? threads.family(thread) : [thread];
      const last = messages.last(family.map(({ thread }) => thread), 1)[0];
      const away = links.awayOf(chosen(family) ?? thread);
      return {
        target: targetOf(thread),
        conversation: thread.title,
        unread: family.reduce((sum, { thread }) => sum + messages.unreadCount(thread), 0),
        ...(family.some((one) => one.request && this.#asks(one)) ? { request: true } : {}),
        ...(away === undefined ? {} : { away }),
        ...(last === undefined ? {} : { last: this.shown(last) }),
      };
    });
  }

  /** A stranger who has said nothing, and done only what makes no line of its own, asks for nothing. */
  #asks({ thread, kind }: Thread): boolean {
    const lines = () => this.#core.messages.last([thread], serverLimits.requestMessages * 2);
    return kind === "group" || lines().some(({ content }) => content.notice === undefined);
  }

  /** Messages, earliest first. */
  async history(query: HistoryQuery): Promise<readonly ChatMessage[]> {
    const thread = query.target && this.threadsOf(query.target);
    if (thread?.length === 0) return [];
    const { limit = unlimited, grep, contains } = query;
    if (contains !== undefined && grep === undefined) {
      return await this.#search(contains, { thread, limit });
    }
    const rows = contains === undefined
      ? this.#shownOf(this.#core.messages.last(thread, grep === undefined ? limit : unlimited))
      : await this.#search(contains, { thread, limit: unlimited });
    if (grep === undefined) return rows;
    const fitting = await matching(grep, { all: rows, textOf: ({ text }) => text });
    return fitting.slice(Math.max(0, fitting.length - limit));
  }

  #shownOf(messages: readonly StoredMessage[]): ChatMessage[] {
    return messages.filter((message) => this.#isShown(message))
      .map((message) => this.shown(message));
  }

  /** Page by page from the latest, so that nothing else has to wait, and no more than the page is in memory. */
  async #search(
    contains: string,
    { thread, limit }: { readonly thread: readonly number[] | undefined; readonly limit: number },
  ): Promise<readonly ChatMessage[]> {
    const { messages } = this.#core;
    const wanted = plain(contains);
    let found: ChatMessage[] = [];
    let page = messages.last(thread, searchedAtOnce);
    for (;;) {
      const fitting = page.filter(({ content }) => plain(content.text).includes(wanted));
      found = [...this.#shownOf(fitting), ...found];
      const [first] = page;
      if (found.length >= limit) return found.slice(found.length - limit);
      if (first === undefined || page.length < searchedAtOnce) return found;
      await new Promise((resolve) => setTimeout(resolve, 0));
      page = messages.last(thread, searchedAtOnce, first);
    }
  }

  /** Unread messages of others, earliest first. */
  // deno-lint-ignore require-await -- refusals reject
  async unread(target?: Target): Promise<readonly ChatMessage[]> {
    const thread = target && this.threadsOf(target);
    if (thread?.length === 0) return [];
    return this.#core.messages.unread(thread).filter((message) => this.#isShown(message))
      .map((message) => this.shown(message));
  }

  #isShown(message: StoredMessage): boolean {
    return !isHidden(this.#core, message, this.#core.threads.get(message.thread));
  }

  /** The message of that local number. Throws `AppError("not_found")`. */
  stored(local: number): StoredMessage {
    const message = this.#core.messages.get(local);
    if (message === undefined) throw new AppError("not_found", { text: "no such message" });
    return message;
  }

  /** A stored message as it is shown. */
  shown(message: StoredMessage): ChatMessage {
    return chatMessage(this.#core, message);
  }

  /** The thread that a message to `target` goes to, made if it can be. Throws `AppError("not_found")`. */
  threadFor(target: Target): Thread {
    const { threads } = this.#core;
    if (target.kind === "lobby") return threads.obtain(lobbyName);
    if (target.kind === "group") return findGroup(threads, target);
    const first = threads.obtain(target.name);
    return chosen(threads.family(first)) ?? first;
  }

  /** The thread to which new messages go, if there is one. Throws `AppError("not_found")` for a group that is not here. */
  threadOf(target: Target): number | undefined {
    return chosen(this.#familyOf(target))?.thread;
  }

  /** Every thread with `target`: both, where two servers have each made a conversation. Throws the same. */
  threadsOf(target: Target): readonly number[] {
    return this.#familyOf(target).map(({ thread }) => thread);
  }

  #familyOf(target: Target): readonly Thread[] {
    const { threads } = this.#core;
    if (target.kind === "group") return [findGroup(threads, target)];
    const first = threads.byName(target.kind === "lobby" ? lobbyName : target.name);
    if (first === undefined || target.kind === "lobby") return first === undefined ? [] : [first];
    return threads.family(first);
  }
}

/** Of two conversations with one account that of the smaller id, as both servers and the other side have it. */
function chosen(family: readonly Thread[]): Thread | undefined {
  const begun = family.filter(({ conversation }) => conversation !== undefined);
  return begun.sort((a, b) => (a.conversation ?? "") < (b.conversation ?? "") ? -1 : 1)[0] ??
    family[0];
}

/** Text as it is compared: accents composed or not, capital or small, it is the same word. */
function plain(text: string): string {
  return text.normalize().toLowerCase();
}
