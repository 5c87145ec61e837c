/**
 * One link that both sides have greeted on: sends what waits for the peer, takes in what it sends, confirms what is on
 * disk. Everything that is sent stays in the outbox until it is confirmed, so that a link may end at any moment.
 */
import { utf8Length } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { frameLimits, peerLimits } from "../../lib/base/limits.ts";
import type { Arrived, Message } from "../../lib/wire/messages.ts";
import type { Dialled } from "../domain/peers.ts";
import type { PeerItem, Storage } from "../operations/contract.ts";
import type { DirectoryQuestion } from "./answers.ts";
import { type Answered, type ArrivedAnswer, Asking, type Question } from "./asking.ts";
import { type AskKeys, Authors } from "./authors.ts";
import { Carrying } from "./carrying.ts";
import { closeChannel, type PeerChannel, PeerClosed } from "./channel.ts";
import type { Excess, Trouble } from "./excess.ts";
import { type ArrivedItem, Inbox } from "./inbox.ts";
import type { KeysOf } from "./introductions.ts";

/** What a link is made of. */
export interface LinkOptions {
  /** The peer's storage key. */
  readonly peer: number;
  readonly channel: PeerChannel;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keysOf: KeysOf;
  /** The counter after which to send. */
  readonly after: number;
  /** What the peer told of itself. */
  readonly hello: Message<"peer.link">;
  /** What came together with it. */
  readonly rest: readonly Arrived[];
  /** Answers what the peer asks. */
  readonly answer: (question: DirectoryQuestion) => Promise<Answered>;
  /** Asks the peer for the keys of one of its accounts and keeps them. */
  readonly askKeys: AskKeys;
  /** Told of what the peer does too much of. */
  readonly excess: Excess;
}

/** Items of which a peer may send only so many, in words for the operator. */
const heldItems: Readonly<Record<string, string>> = {
  device: "devices that are new here",
  snapshot: "conversations that are new here",
  lobby: "posts in the lobby",
};

/** Items of one read from the outbox, and their bytes: all that may be on its way, so that reading is seldom waited for. */
const itemsAtOnce = peerLimits.windowItems;
const bytesAtOnce = frameLimits.bodyBytes;

/** A link. Runs from the moment that it is made. */
export class Link {
  readonly #options: LinkOptions;
  /** Items that may be on their way: what the peer takes, but at least one, or nothing would ever move. */
  readonly #window: number;
  readonly #ending = new AbortController();
  /** The last counter sent, and the last confirmed. */
  #sent: number;
  #acked: number;
  /** Wakes the sender. */
  #wake = () => {};
  /** Whether something may wait in the outbox that was not sent. */
  #stirred = true;
  /** What made it impossible to go on. */
  #failure: AppError | undefined;
  /** Whether confirmed items are being dropped. */
  #forgetting = false;
  #forgotten: Promise<void> = Promise.resolve();
  readonly #asking: Asking;
  readonly #authors: Authors;
  readonly #inbox: Inbox;
  /** Resolves with why it ended, once it has; never rejects. */
  readonly ended: Promise<AppError>;

  constructor(options: LinkOptions) {
    const theirs = options.hello.limits.windowItems;
    this.#options = options;
    this.#window = Math.max(1, Math.min(theirs, peerLimits.windowItems));
    this.#sent = options.after;
    this.#acked = options.after;
    const { channel, clock, answer, excess } = options;
    const carrying = new Carrying({ ...options, identity: channel.identity });
    this.#asking = new Asking({
      channel,
      clock,
      exceeded: () => excess.note("questions about accounts"),
      answer: (question, body) =>
        question.kind === "request" ? carrying.carry(question, body) : answer(question),
    });
    this.#authors = new Authors(options.askKeys);
    this.#inbox = new Inbox({
      ...options,
      signal: this.#ending.signal,
      received: (counter) => channel.send(JSON.stringify({ type: "peer.ack", counter })),
      held: ({ content }) => excess.note(heldItems[content.kind] ?? "items"),
      stored: (items) => items.forEach(({ content }) => this.#authors.note(content)),
      failed: (error) => this.#fail(error),
    });
    this.ended = this.#run();
  }

  /** Who dialled it. */
  get dialled(): Dialled {
    return this.#options.channel.dialled;
  }

  /** What the peer does too much of. */
  get trouble(): Trouble | undefined {
    return this.#options.excess.latest();
  }

  /** Where the other end is. */
  get remote(): string {
    return this.#options.channel.remote;
  }

  /** Something waits in the outbox. */
  stir(): void {
    this.#stirred = true;
    this.#wake();
  }

  /** Asks the peer. Rejects with `server_away` when no answer comes, or as the peer refuses (`RefusedByPeer`). */
  ask(question: Question, body?: Uint8Array): Promise<ArrivedAnswer> {
    return this.#asking.ask(question, body);
  }

  /** Whether the other side gives a sign of life within this time. */
  probe(ms: number): Promise<boolean> {
    return this.#options.channel.probe(ms);
  }

  /** Ends it, saying why. Never throws. */
  async close(why: AppError): Promise<void> {
    this.#stop();
    await closeChannel(this.#options.channel, why);
  }

  async #run(): Promise<AppError> {
    const sending = this.#sendAll();
    const gone = new AppError("timeout", { text: "the connection ended" });
    const received = await this.#receiveAll().then(() => gone, asAppError);
    await this.close(received);
    await Promise.all([this.#inbox.ended, this.#forgotten]);
    return this.#failure ?? await sending ?? received;
  }

  #stop(): void {
    this.#ending.abort();
    this.#asking.end();
    this.#wake();
  }

  // --- sending

  /** Ends with the link, or with what made it impossible to go on. */
  async #sendAll(): Promise<AppError | undefined> {
    try {
      while (!this.#ending.signal.aborted) {
        if (this.#stirred && this.#room() > 0) await this.#sendSome();
        else await new Promise<void>((go) => this.#wake = go);
      }
      return undefined;
    } catch (thrown) {
      const error = asAppError(thrown);
      await this.close(error);
      return error;
    }
  }

  #room(): number {
    return this.#window - (this.#sent - this.#acked);
  }

  async #sendSome(): Promise<void> {
    const { channel, storage, peer } = this.#options;
    this.#stirred = false;
    const limit = Math.min(itemsAtOnce, this.#room());
    const span = { peer, after: this.#sent, limit, maxBytes: bytesAtOnce };
    const { items } = await storage.call("peer.outgoing", span);
    // There may be more behind these.
    if (items.length > 0) this.#stirred = true;
    for (const item of items) this.#send(item);
    // Requests and their answers need room beside them.
    await channel.queuedAtMost(peerLimits.windowBytes / 4);
  }

  #send({ counter, item, body }: PeerItem): void {
    if (this.#ending.signal.aborted) return;
    const { channel } = this.#options;
    const length = body.length > 0 ? `,"body":${body.length}` : "";
    const json = `{"type":"peer.item","counter":${counter},"item":${item}${length}}`;
    channel.send(json, body.length > 0 ? body : undefined);
    this.#sent = counter;
  }

  // --- receiving

  async #receiveAll(): Promise<void> {
    const { channel, rest } = this.#options;
    let arrived: readonly Arrived[] | undefined = rest;
    while (arrived !== undefined && !this.#ending.signal.aborted) {
      await this.#take(arrived);
      arrived = await channel.receive();
    }
  }

  /**
   * Items go to the disk while what else comes is dealt with: only what the peer asks waits for the items in front of it,
   * which may say something about whoever asks. Between answers nothing is waited for: what comes together is handed on together.
   */
  async #take(arrived: readonly Arrived[]): Promise<void> {
    const items: ArrivedItem[] = [];
    for (const { message, body } of arrived) {
      if (message.type === "peer.item") {
        items.push({ content: message.item, item: itemOf(message, body) });
        continue;
      }
      if (message.type === "peer.ask") {
        this.#inbox.add(items.splice(0));
        await this.#inbox.empty();
        if (message.ask.kind === "request") await this.#asking.room();
      }
      this.#other(message, body);
    }
    this.#inbox.add(items);
    await this.#inbox.room();
  }

  #other(message: Message, body: Uint8Array): void {
    switch (message.type) {
      case "peer.ack":
        return this.#confirmed(message.counter);
      case "peer.ask":
      case "peer.answer":
      case "peer.refusal":
        return this.#asking.take(message, body);
      case "peer.close":
      case "error":
        throw new PeerClosed(message);
      default:
        throw new AppError("not_permitted_now");
    }
  }

  /** Only what was sent can be confirmed. Of several confirmations the last says it all. */
  #confirmed(counter: number): void {
    if (counter <= this.#acked) return;
    if (counter > this.#sent) throw new AppError("malformed");
    this.#acked = counter;
    this.#wake();
    if (!this.#forgetting) this.#forgotten = this.#forget();
  }

  /** Drops what is confirmed. Never rejects. */
  async #forget(): Promise<void> {
    const { storage, peer } = this.#options;
    this.#forgetting = true;
    try {
      for (let through = -1; through < this.#acked;) {
        through = this.#acked;
        await storage.call("peer.acked", { peer, counter: through });
      }
    } catch (thrown) {
      this.#fail(asAppError(thrown));
    }
    this.#forgetting = false;
  }

  /** Ends it for a reason of this side. */
  #fail(error: AppError): void {
    this.#failure ??= error;
    void this.close(error);
  }
}

/** An item as the storage side takes it. Throws `AppError` (too_large). */
function itemOf(message: Message<"peer.item">, body: Uint8Array): PeerItem {
  const item = JSON.stringify(message.item);
  if (utf8Length(item) > peerLimits.itemBytes) throw new AppError("too_large");
  return { counter: message.counter, item, body };
}
