/** Own messages from a person's side: queueing one, trying a failed one again, waiting until it has got somewhere. */
import { utf8 } from "../../lib/base/bytes.ts";
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError } from "../../lib/base/errors.ts";
import { timeOrderedId } from "../../lib/base/ids.ts";
import { textLimits } from "../../lib/base/limits.ts";
import { isAddress } from "./address.ts";
import type { Thread } from "../store/threads.ts";
import type { ChatMessage, Engine, Target } from "./api.ts";
import { queueMessage } from "./content/queue.ts";
import type { ReplyTo, TextBody } from "./content/text.ts";
import type { Core } from "./core.ts";
import type { Feed } from "./feed.ts";
import type { Sending } from "./outbox.ts";
import type { Reading } from "./reading.ts";
import { hasReached } from "./relay.ts";

/** How far a state is; a failed message is as far as it will get. */
const progress = { queued: 0, received: 0, sent: 1, delivered: 2, read: 3, failed: 9 } as const;

/** What posting needs beside the core. */
export interface PostingOptions {
  readonly reading: Reading;
  readonly feed: Feed;
  readonly sending: Pick<Sending, "kick">;
  /** In the transaction that queues a message in the thread: what has to go with it. */
  accompany(thread: number): void;
  /** Throws when nothing may be sent to the account of that name. */
  checkSendable(name: string): void;
}

/** Puts messages into the outbox. */
export class Posting {
  readonly #core: Core;
  readonly #options: PostingOptions;

  constructor(core: Core, options: PostingOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Puts the text into the outbox (durable) and returns its message; sending goes on in the background. */
  send(target: Target, text: string, options: { readonly reply?: ReplyTo } = {}): ChatMessage {
    checkText(target, text);
    if (target.kind === "direct") this.#options.checkSendable(target.name);
    const local = this.#queue(target, { text, ...options });
    reach("client:queued");
    if (target.kind !== "lobby") this.#core.mls().catch(() => undefined);
    const stored = this.#options.reading.stored(local);
    this.#core.changed();
    this.#options.sending.kick(stored.thread);
    return this.#options.reading.shown(stored);
  }

  #queue(target: Target, body: TextBody): number {
    return this.#core.sealed.database.transaction(() => {
      const row = this.#options.reading.threadFor(target);
      const { thread } = row;
      checkStanding(this.#core, row);
      if (target.kind === "lobby") return this.#queuePost(thread, body.text);
      const { local } = queueMessage(this.#core, thread, { kind: "text", body });
      this.#options.accompany(thread);
      return local;
    });
  }

  #queuePost(thread: number, text: string): number {
    const { own, messages, outbox, clock } = this.#core;
    const now = clock.now();
    const local = messages.add({
      thread,
      id: timeOrderedId(now),
      own: true,
      unread: false,
      state: "queued",
      ts: now,
      sentAt: now,
      content: { from: own.name, text },
    });
    if (local === undefined) throw new AppError("internal", { fault: "us" });
    outbox.add(local, thread);
    return local;
  }

  /** Puts a failed message back into the queue. Throws `AppError("not_found")`. */
  retry(id: string): void {
    const { sealed, messages, outbox } = this.#core;
    const message = messages.byId(id);
    if (message === undefined) throw new AppError("not_found", { text: "no such message" });
    if (message.state !== "failed") return;
    sealed.database.transaction(() => {
      messages.queued(message.local);
      outbox.add(message.local, message.thread);
    });
    this.#core.changed();
    this.#options.sending.kick(message.thread);
  }

  /** Resolves when the message has reached `state` or better, or has failed. */
  waitFor: Engine["waitFor"] = (id, state, signal) => {
    const { reading, feed } = this.#options;
    const found = () => {
      const now = this.#core.messages.stateOf(id);
      if (now === undefined) throw gone();
      if (progress[now] < progress[state === "reached" ? "sent" : state]) return undefined;
      const message = this.#core.messages.byId(id);
      if (message === undefined) throw gone();
      const { threads } = this.#core;
      const waits = state === "reached" &&
        !hasReached(this.#core, message, threads.get(message.thread));
      return waits ? undefined : reading.shown(message);
    };
    return feed.until(found, signal);
  };
}

const gone = () => new AppError("not_found", { text: "no such message" });

/** Throws when the conversation waits for an answer, or is a group that the account is not in any more. */
function checkStanding({ threads }: Core, { thread, kind, title, request }: Thread): void {
  if (request) {
    throw new AppError("not_permitted_now", {
      text: `${title} has asked to write to you: accept or decline that first`,
    });
  }
  if (kind !== "group" || threads.groups.get(thread).standing.kind === "active") return;
  throw new AppError("not_a_member", { text: `you are not in ${title} any more` });
}

function tooLarge({ kind }: Target, most: number): string {
  return kind === "lobby"
    ? `a message to #lobby has at most ${most / 1024} KiB`
    : `a message has at most ${most / 1024} KiB: send more as a file`;
}

function checkText(target: Target, text: string): void {
  const most = target.kind === "lobby" ? textLimits.lobbyTextBytes : textLimits.textBytes;
  if (target.kind === "direct" && !isAddress(target.name)) throw new AppError("invalid_name");
  if (text === "") throw new AppError("malformed", { text: "there is nothing to send" });
  if (utf8(text).length > most) {
    throw new AppError("too_large", { text: tooLarge(target, most) });
  }
}
