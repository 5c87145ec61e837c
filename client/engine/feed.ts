/**
 * What listeners are told of messages, always read from the store: so they see what other processes on the same profile
 * stored too, once each and in the same order.
 */
import type { CancelTimer } from "../../lib/base/clock.ts";
import type { EngineEvent } from "./api.ts";
import type { Core } from "./core.ts";
import { chatMessage, isHidden, type Showing } from "./chat_message.ts";

/** How often the file is looked at for changes by other processes, in milliseconds. */
const pollMs = 300;

/** Messages of one reading. */
const pageRows = 500;

type Listener = (event: EngineEvent) => void;

interface Subscription {
  readonly listener: Listener;
  local: number;
  revision: number;
}

/** Tells listeners. */
export class Feed {
  readonly #core: Showing & Pick<Core, "messages" | "clock" | "sealed">;
  readonly #subscriptions = new Set<Subscription>();
  /** Those who only want to know that something may have changed: there may be hundreds, so nothing is read for them. */
  readonly #watchers = new Set<() => void>();
  /** Another process has changed the store. */
  readonly #onForeign: () => void;
  #dataVersion = -1;
  #cancel: CancelTimer | undefined;
  #scheduled = false;
  #stopped = false;
  /** Whether everything that waited at connect is in the store. */
  live = false;

  constructor(
    core: Showing & Pick<Core, "messages" | "clock" | "sealed">,
    options: { readonly onForeign: () => void },
  ) {
    this.#core = core;
    this.#onForeign = options.onForeign;
  }

  /** Tells `listener` of everything from now on; `after` first replays messages with a greater `local`. */
  subscribe(
    listener: Listener,
    options: { after?: number } = {},
  ): () => void {
    const subscription: Subscription = {
      listener,
      revision: this.#core.messages.revision(),
      local: this.#core.messages.lastLocal(),
    };
    if (options.after !== undefined) {
      this.#tellNew(subscription, { from: options.after, live: false });
    }
    this.#subscriptions.add(subscription);
    this.watch();
    return () => this.#subscriptions.delete(subscription);
  }

  /** Tells every listener of something that is not a stored message. */
  emit(event: EngineEvent): void {
    for (const { listener } of [...this.#subscriptions]) listener(event);
    this.#wakeWatchers();
  }

  /** The store has changed: listeners are told at the end of this turn of the event loop. */
  changed(): void {
    if (this.#scheduled || this.#subscriptions.size + this.#watchers.size === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Tells listeners of every change up to now. */
  flush(): void {
    for (const subscription of [...this.#subscriptions]) this.#tell(subscription);
    this.#wakeWatchers();
  }

  #wakeWatchers(): void {
    for (const look of [...this.#watchers]) look();
  }

  /**
   * What `found` finds, looked for now and whenever the store changes, here or by another process. Rejects with what it
   * throws, and with the signal's reason.
   */
  until<T>(found: () => T | undefined, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#watchers.delete(look);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const look = () => {
        try {
          const result = found();
          if (result === undefined) return;
          end();
          resolve(result);
        } catch (thrown) {
          end();
          reject(thrown);
        }
      };
      this.#watchers.add(look);
      this.watch();
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
      else look();
    });
  }

  /** No more watching. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#subscriptions.clear();
    this.#watchers.clear();
  }

  /** Looks for changes by other processes from now on: what they show, and what they left to be sent. */
  watch(): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#core.clock.after(pollMs, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    const version = this.#core.sealed.database.dataVersion();
    if (version !== this.#dataVersion) {
      this.#dataVersion = version;
      this.flush();
      this.#onForeign();
    }
    this.watch();
  }

  #tell(subscription: Subscription): void {
    const { messages } = this.#core;
    // Read before the rows: what changes meanwhile is told again rather than never.
    const revision = messages.revision();
    if (revision === subscription.revision) return;
    const known = subscription.local;
    const before = subscription.revision;
    subscription.revision = revision;
    this.#tellNew(subscription, { from: known, live: this.live });
    for (const message of messages.changed(before, known)) {
      const thread = this.#core.threads.get(message.thread);
      if (isHidden(this.#core, message, thread)) continue;
      const shown = chatMessage(this.#core, message);
      subscription.listener({ kind: "changed", message: shown });
    }
  }

  #tellNew(subscription: Subscription, { from, live }: { from: number; live: boolean }): void {
    const { messages } = this.#core;
    for (let at = from;;) {
      const page = messages.after(at, pageRows);
      for (const message of page) {
        subscription.local = Math.max(subscription.local, message.local);
        const thread = this.#core.threads.get(message.thread);
        if (isHidden(this.#core, message, thread)) continue;
        const shown = chatMessage(this.#core, message);
        subscription.listener({ kind: "message", message: shown, live: live || shown.own });
      }
      at = page.at(-1)?.local ?? at;
      if (page.length < pageRows) break;
    }
  }
}
