/** What one can do to messages that are already said. */
import { reach } from "../../../lib/base/crashpoint.ts";
import { AppError, isErrorCode } from "../../../lib/base/errors.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { ContentActions, QueuedContent } from "../api_content.ts";
import type { Core } from "../core.ts";
import type { Feed } from "../feed.ts";
import { follow } from "./facts.ts";
import type { SilentDraft } from "./kinds.ts";
import { sayQuietly } from "./queue.ts";

/** The content side of an engine. */
export class Actions implements ContentActions {
  readonly #core: Core;
  readonly #feed: Pick<Feed, "until">;

  constructor(core: Core, feed: Pick<Feed, "until">) {
    this.#core = core;
    this.#feed = feed;
  }

  // deno-lint-ignore require-await -- refusals reject
  async react(
    id: string,
    emoji: string,
    { remove = false }: { readonly remove?: boolean } = {},
  ): Promise<QueuedContent> {
    const { thread } = this.#message(id);
    return this.#say(thread, { kind: "reaction", body: { to: id, emoji, remove } });
  }

  settled(id: string, signal?: AbortSignal): Promise<void> {
    return this.#feed.until(() => {
      const message = this.#core.messages.byId(id);
      // What is done is forgotten after a while.
      if (message === undefined || !["queued", "failed"].includes(message.state)) return true;
      if (message.state === "queued") return undefined;
      const { code = "internal", text = "that was not taken" } = message.problem ?? {};
      throw new AppError(isErrorCode(code) ? code : "internal", { text });
    }, signal).then(() => undefined);
  }

  #say(thread: number, draft: SilentDraft): QueuedContent {
    const { sealed } = this.#core;
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
    if (message === undefined || message.silent || message.unreadable) {
      throw new AppError("not_found", { text: "no such message", fault: "us" });
    }
    if (this.#core.threads.get(message.thread)?.kind === "lobby") {
      throw new AppError("not_permitted_now", { text: "not in #lobby", fault: "us" });
    }
    return message;
  }
}
