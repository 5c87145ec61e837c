/** What one can do to messages that are already said. */
import { reach } from "../../../lib/base/crashpoint.ts";
import { AppError, isErrorCode } from "../../../lib/base/errors.ts";
import { Lifetimes } from "../../store/lifetimes.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { ChatMessage, Target } from "../api.ts";
import type { ContentActions, QueuedContent } from "../api_content.ts";
import type { Core } from "../core.ts";
import type { Feed } from "../feed.ts";
import type { Posting } from "../posting.ts";
import type { Reading } from "../reading.ts";
import { quoteOf } from "./bounds.ts";
import { forgetTyped } from "./typed.ts";
import { whyNotDelete, whyNotEdit } from "./change.ts";
import { follow } from "./facts.ts";
import { findMessage } from "./find.ts";
import { isReaction } from "./reaction.ts";
import type { SilentDraft } from "./kinds.ts";
import { mayTime } from "./policy.ts";
import { sayQuietly } from "./queue.ts";

/** What changing messages needs beside the core. */
export interface ActionsOptions {
  readonly feed: Pick<Feed, "until">;
  readonly posting: Pick<Posting, "send">;
  readonly reading: Reading;
  /** Throws when nothing may be sent to the account of that name. */
  checkSendable(name: string): void;
}

/** The content side of an engine. */
export class Actions implements ContentActions {
  readonly #core: Core;
  readonly #options: ActionsOptions;

  constructor(core: Core, options: ActionsOptions) {
    this.#core = core;
    this.#options = options;
  }

  // deno-lint-ignore require-await -- refusals reject
  async find(reference: string, target?: Target): Promise<ChatMessage> {
    const { reading } = this.#options;
    // A conversation that is not here has no messages.
    const threads = target && reading.threadsOf(target);
    return reading.shown(findMessage(this.#core.messages, { reference, threads }));
  }

  // deno-lint-ignore require-await -- refusals reject
  async edit(id: string, text: string): Promise<QueuedContent> {
    const message = this.#message(id);
    const { own, clock } = this.#core;
    permit(whyNotEdit(this.#core, message, own.account, clock.now()));
    if (text === "") throw new AppError("malformed", { text: "there is nothing to send" });
    return this.#say(message.thread, { kind: "edit", body: { to: id, text } });
  }

  // deno-lint-ignore require-await -- refusals reject
  async remove(id: string): Promise<QueuedContent> {
    const message = this.#message(id);
    const { own, clock } = this.#core;
    permit(whyNotDelete(this.#core, message, own.account, clock.now()));
    if (this.#takeBack(message)) return { id };
    return this.#say(message.thread, { kind: "delete", body: { to: id } });
  }

  /** A message that nobody can have got: it is as if it had never been written. */
  #takeBack(message: StoredMessage): boolean {
    const { local, own } = message;
    const { sealed, messages, outbox } = this.#core;
    const gone = sealed.database.transaction(() => {
      // Looked at again: another process on this profile may have encrypted it a moment ago.
      const state = messages.get(local)?.state;
      const waits = own && (state === "failed" || state === "queued" && outbox.isUntouched(local));
      if (!waits) return false;
      outbox.remove(local);
      messages.drop(local);
      forgetTyped(this.#core, message);
      return true;
    });
    if (gone) follow(this.#core, [{ kind: "wipe" }]);
    if (gone) this.#core.changed();
    return gone;
  }

  // deno-lint-ignore require-await -- refusals reject
  async react(
    id: string,
    emoji: string,
    { remove = false }: { readonly remove?: boolean } = {},
  ): Promise<QueuedContent> {
    const { thread, content } = this.#message(id);
    if (content.deleted) permit("it is deleted");
    if (!isReaction(emoji)) {
      throw new AppError("malformed", { text: "a reaction is one emoji, or any one character" });
    }
    return this.#say(thread, { kind: "reaction", body: { to: id, emoji, remove } });
  }

  // deno-lint-ignore require-await -- refusals reject
  async reply(id: string, text: string): Promise<ChatMessage> {
    const message = this.#message(id);
    const { from, text: said, deleted } = message.content;
    if (deleted) permit("it is deleted");
    const { target } = this.#options.reading.shown(message);
    const reply = { id, from, quote: quoteOf(said) };
    return this.#options.posting.send(target, text, { reply });
  }

  // deno-lint-ignore require-await -- refusals reject
  async expire(target: Target, after: number): Promise<QueuedContent> {
    const { own, sealed } = this.#core;
    const thread = sealed.database.transaction(() => this.#options.reading.threadFor(target));
    if (thread.kind === "lobby") permit("the lobby is kept as its server decides");
    if (!mayTime(this.#core, thread, own.account)) permit("only an owner or admin may do that");
    return this.#say(thread.thread, { kind: "expiry", body: { after } });
  }

  // deno-lint-ignore require-await -- refusals reject
  async lifetime(target: Target): Promise<number> {
    const thread = this.#options.reading.threadOf(target);
    return thread === undefined ? 0 : new Lifetimes(this.#core.sealed).timer(thread).after;
  }

  async settled(id: string, signal?: AbortSignal): Promise<void> {
    await this.#options.feed.until(() => {
      const message = this.#core.messages.byId(id);
      // What is done is forgotten after a while.
      if (message === undefined || !["queued", "failed"].includes(message.state)) return true;
      if (message.state === "queued") return undefined;
      const { code = "internal", text = "that was not taken" } = message.problem ?? {};
      throw new AppError(isErrorCode(code) ? code : "internal", { text });
    }, signal);
  }

  #say(thread: number, draft: SilentDraft): QueuedContent {
    const { sealed, threads } = this.#core;
    const { partner } = threads.get(thread) ?? {};
    if (partner !== undefined) this.#options.checkSendable(partner.name);
    const { id, effects } = sealed.database.transaction(() =>
      sayQuietly(this.#core, thread, draft)
    );
    reach("client:queued");
    follow(this.#core, effects);
    this.#core.changed();
    return { id };
  }

  /** A message of a conversation, whoever wrote it. */
  #message(id: string): StoredMessage {
    const message = this.#core.messages.byId(id);
    const none = message === undefined || message.silent || message.unreadable;
    if (none || message.content.notice !== undefined) {
      throw new AppError("not_found", { text: "no such message", fault: "us" });
    }
    if (this.#core.threads.get(message.thread)?.kind === "lobby") {
      permit("what was said in #lobby stays as it is");
    }
    return message;
  }
}

/** Throws `AppError("not_permitted_now")` where there is a reason. */
function permit(reason: string | undefined): void {
  if (reason === undefined) return;
  throw new AppError("not_permitted_now", { text: `not possible: ${reason}`, fault: "us" });
}
