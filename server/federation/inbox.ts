/**
 * Items of a peer on their way to the disk, in order. What arrives while some are being stored gathers and is stored together, so
 * that neither questions nor answers of the same link wait for it.
 */
import { type Clock, pause } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { PeerItem, Storage } from "../operations/contract.ts";

/** An item as it arrived, and as the storage side takes it. */
export interface ArrivedItem {
  readonly content: Message<"peer.item">["item"];
  readonly item: PeerItem;
}

/** What taking items in works with. */
export interface InboxOptions {
  /** The peer's storage key. */
  readonly peer: number;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Everything up to `counter` is on disk. */
  readonly received: (counter: number) => void;
  /** The peer has to wait before this item of its is taken. */
  readonly held: (item: ArrivedItem) => void;
  /** These are dealt with. */
  readonly stored: (items: readonly ArrivedItem[]) => void;
  /** Items cannot be stored; nothing more is taken in. */
  readonly failed: (error: AppError) => void;
}

/** The items of one link. */
export class Inbox {
  readonly #options: InboxOptions;
  #waiting: ArrivedItem[] = [];
  #bytes = 0;
  #storing = false;
  #run: Promise<void> = Promise.resolve();
  #onStored: (() => void)[] = [];

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Takes items in, behind those before. */
  add(items: readonly ArrivedItem[]): void {
    if (items.length === 0) return;
    this.#waiting.push(...items);
    this.#bytes += bytesOf(items);
    if (!this.#storing) this.#run = this.#storeAll();
  }

  /** Resolves when nothing is being stored; to be asked after the end. */
  get ended(): Promise<void> {
    return this.#run;
  }

  /** Resolves when nothing waits, or at the end. */
  async empty(): Promise<void> {
    await this.#until(() => !this.#storing);
  }

  /** Resolves when no more waits than what a window holds, or at the end. */
  async room(): Promise<void> {
    const { windowBytes, windowItems } = peerLimits;
    await this.#until(() => this.#bytes <= windowBytes && this.#waiting.length <= windowItems);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#options.signal.aborted) {
      await new Promise<void>((go) => this.#onStored.push(go));
    }
  }

  /** Never rejects. */
  async #storeAll(): Promise<void> {
    const { signal, failed } = this.#options;
    this.#storing = true;
    try {
      while (this.#waiting.length > 0 && !signal.aborted) {
        const items = this.#waiting;
        this.#waiting = [];
        await this.#store(items);
        this.#bytes -= bytesOf(items);
        this.#wake();
      }
    } catch (thrown) {
      if (!signal.aborted) failed(asAppError(thrown));
    }
    this.#storing = false;
    this.#wake();
  }

  /** Stores items, as far and as fast as the peer is allowed, and confirms them. */
  async #store(items: readonly ArrivedItem[]): Promise<void> {
    const { storage, clock, peer, signal, received, stored, held } = this.#options;
    for (let left = items; left.length > 0;) {
      const some = left.slice(0, together(left));
      const done = await storage.call("peer.receive", {
        peer,
        items: some.map(({ item }) => item),
      });
      if (!done.ok) throw new AppError(done.code);
      received(done.received);
      const again = done.retryAfterMs > 0
        ? some.filter(({ item }) => item.counter > done.received)
        : [];
      const [first] = again;
      left = [...again, ...left.slice(some.length)];
      if (first === undefined) continue;
      held(first);
      await pause(clock, done.retryAfterMs, signal);
    }
    stored(items);
  }

  #wake(): void {
    for (const go of this.#onStored.splice(0)) go();
  }
}

/** How many of them are stored together: others wait meanwhile. */
function together(items: readonly ArrivedItem[]): number {
  const { storedItems, storedBytes } = peerLimits;
  let bytes = 0;
  const end = items.findIndex(({ item }) => (bytes += item.item.length) > storedBytes);
  return Math.min(storedItems, end < 0 ? items.length : Math.max(1, end));
}

function bytesOf(items: readonly ArrivedItem[]): number {
  return items.reduce((sum, { item }) => sum + item.item.length + item.body.length, 0);
}
