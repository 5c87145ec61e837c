/**
 * Messages that could not be read here: asked for by themselves, a few times; and what others could not read, said again to
 * whoever was there when it was said.
 */
import { fromBase64url } from "../../../lib/base/bytes.ts";
import type { CancelTimer } from "../../../lib/base/clock.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";
import { encodeContent, signContent } from "../content/codec.ts";
import { queueContent } from "../content/queue.ts";
import type { Said } from "../content/resend.ts";
import { giveUp } from "../unreadable.ts";
import { accept } from "./accept.ts";
import type { Asked, ResendService } from "./asked.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** What asking needs of its surroundings. */
export interface ResendOptions {
  readonly core: () => Core;
  readonly online: () => boolean;
  /** Starts work that nobody waits for. */
  readonly inBackground: (work: () => Promise<unknown>) => void;
}

/** The requests of an engine, in both directions. */
export class Resends implements ResendService {
  readonly #options: ResendOptions;
  readonly #timers = new Set<CancelTimer>();
  #asking: CancelTimer | undefined;
  #stopped = false;

  constructor(options: ResendOptions) {
    this.#options = options;
  }

  get #core(): Core {
    return this.#options.core();
  }

  /** There may be something to ask for, or to verify. */
  look(): void {
    this.#askSoon();
    this.verifySoon();
  }

  #askSoon(): void {
    if (this.#stopped || !this.#options.online()) return;
    const { lost, clock, random } = this.#core;
    const next = lost.nextDue();
    this.#asking?.();
    if (next === undefined) return;
    const jitter = random() * resendLimits.askJitterMs;
    const wait = Math.max(0, next - clock.now()) + jitter;
    this.#asking = clock.after(Math.min(wait, dayMs), () => this.#ask());
  }

  /** Asks for what is due, each author's messages of a thread at once; gives up what was asked for in vain. */
  #ask(): void {
    if (this.#stopped || !this.#options.online()) return;
    const { sealed, lost, clock } = this.#core;
    const now = clock.now();
    sealed.database.transaction(() => {
      const due = lost.due(now, resendLimits.perRequest);
      const groups = Map.groupBy(due, ({ thread, device }) => `${thread} ${device}`);
      for (const messages of groups.values()) {
        const [first] = messages;
        if (first === undefined) continue;
        const { author: to, device } = first;
        const body = { to, device, messages: messages.map(({ id }) => id) };
        queueContent(this.#core, first.thread, { kind: "resend", body });
        for (const message of messages) lost.asked(message, now);
      }
      for (const message of lost.spent(now)) giveUp(this.#core, message);
    });
    this.#core.changed();
    this.#askSoon();
  }

  /** The device that said it answers soon; another one of the account only if nobody has by then. */
  answerSoon(asked: Asked): void {
    if (this.#stopped) return;
    const { clock, random, own } = this.#core;
    const since = clock.now();
    const wait = asked.device === own.device ? 0 : resendLimits.siblingWaitMs;
    const cancel = clock.after(wait + random() * resendLimits.answerJitterMs, () => {
      this.#timers.delete(cancel);
      this.#answer(asked, since);
    });
    this.#timers.add(cancel);
  }

  /**
   * What was asked for and may be said again: own messages, to an account that was there when they were said. The log's order
   * decides, as it does for everybody: what was encrypted before its device knew of the account, and taken after the
   * account had come, is for the account like the rest.
   */
  #answerable({ thread, messages, asker }: Asked, since: number): StoredMessage[] {
    const { messages: store, lost, threads } = this.#core;
    const group = threads.get(thread)?.kind === "group";
    const joined = group ? lost.joinedAt(thread, asker) : 0;
    return [...new Set(messages)].flatMap((id) => {
      const message = store.inThread(thread, id);
      const known = message?.own === true &&
        message.content.signed?.certificate !== undefined;
      if (!known || (message.seq ?? 0) <= joined) return [];
      const { at, count } = lost.saidAgain(thread, id);
      return at > since || count >= resendLimits.answersPerMessage ? [] : [message];
    });
  }

  #answer(asked: Asked, since: number): void {
    if (this.#stopped) return;
    const { sealed, lost, clock } = this.#core;
    const { thread } = asked;
    const now = clock.now();
    sealed.database.transaction(() => {
      const room = resendLimits.answersPerDay - lost.saidAgainSince(thread, now - dayMs);
      const answers = this.#answerable(asked, since).slice(0, Math.max(0, room));
      for (const message of answers) {
        queueContent(this.#core, thread, { kind: "resent", body: { said: this.#saidOf(message) } });
        lost.noteSaidAgain(thread, message.id, now);
      }
      const nothing = this.#lineless(asked, since);
      if (nothing.length > 0 && room > 0) {
        queueContent(this.#core, thread, { kind: "resent", body: { nothing } });
        for (const id of nothing) lost.noteSaidAgain(thread, id, now);
      }
    });
  }

  /** What this very device has said without a line and has not kept, or has seen another one of the account say so. */
  #lineless({ thread, messages, device }: Asked, since: number): string[] {
    const { messages: store, lost, own } = this.#core;
    return [...new Set(messages)].filter((id) => {
      const message = store.inThread(thread, id);
      const none = message === undefined
        ? device === own.device
        : message.own && isNothing(message);
      const { at, count } = lost.saidAgain(thread, id);
      return none && at <= since && count < resendLimits.answersPerMessage;
    });
  }

  /** The message as it was signed; an edited one is signed anew with the text that it has. */
  #saidOf({ thread, id, sentAt, content, expireAfter }: StoredMessage): Said {
    const { own: { identity }, threads } = this.#core;
    const conversation = threads.get(thread)?.conversation;
    if (content.edit === undefined || conversation === undefined) return asSigned(content);
    const body = { text: content.text };
    const stays = expireAfter === undefined ? {} : { expireAfter };
    const said = encodeContent({ id, kind: "text", body, sentAt, ...stays });
    const signature = signContent(identity.device, { conversation, content: said });
    return { content: said, signature, certificate: identity.certificate.bytes };
  }

  /** Verifies what has come in answer, and shows it. */
  verifySoon(): void {
    if (this.#stopped || this.#core.lost.answered().length === 0) return;
    this.#options.inBackground(() =>
      this.#core.locks.run("resent", async () => {
        for (const answered of this.#core.lost.answered()) await accept(this.#core, answered);
      })
    );
  }

  /** Nothing more is asked for or said. */
  stop(): void {
    this.#stopped = true;
    this.#asking?.();
    for (const cancel of this.#timers) cancel();
  }
}

/** Whether there is nothing to say again of it. */
function isNothing({ silent, content }: StoredMessage): boolean {
  return content.deleted === true || (silent && content.signed === undefined);
}

function asSigned({ signed }: StoredMessage["content"]): Said {
  const { content = "", signature = "", certificate = "" } = signed ?? {};
  return {
    content: fromBase64url(content),
    signature: fromBase64url(signature),
    certificate: fromBase64url(certificate),
  };
}
