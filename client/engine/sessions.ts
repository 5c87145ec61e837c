/** What happens when a connection has become ready: the account is tended, what waited is taken in, live events begin. */
import { backoffMs } from "../../lib/base/backoff.ts";
import type { CancelTimer } from "../../lib/base/clock.ts";
import { type AppError, asAppError } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import type { Archive } from "./archive/archive.ts";
import type { Keeper, Welcome } from "./connection.ts";
import type { Core } from "./core.ts";
import type { Feed } from "./feed.ts";
import type { Inbox } from "./inbox.ts";
import type { Sending } from "./outbox.ts";
import type { Sync } from "./sync.ts";
import type { AccountServices } from "./unlocked.ts";

/** What the sessions of an engine bring together. */
export interface SessionParts {
  readonly keeper: Pick<Keeper, "notify">;
  readonly account: AccountServices;
  readonly feed: Feed;
  readonly inbox: Inbox;
  readonly sending: Sending;
  readonly sync: Sync;
  readonly archive: Pick<Archive, "begin">;
}

/** The sessions of an engine, one after another. */
export class Sessions {
  readonly #core: Core;
  readonly #parts: SessionParts;
  #session: AbortSignal | undefined;
  /** How often in a row the inbox stalled, and the timer of the next try. */
  #stalls = 0;
  #again: CancelTimer | undefined;

  constructor(core: Core, parts: SessionParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** A connection is ready; `signal` ends with it. */
  async ready(
    welcome: Welcome,
    { signal, receive }: { readonly signal: AbortSignal; readonly receive: boolean },
  ): Promise<void> {
    const { sending, inbox, sync } = this.#parts;
    sending.newSession();
    sync.newSession();
    inbox.resume();
    sending.kickAll();
    this.#core.returns.connected();
    const account = this.#parts.account.tend(welcome, signal);
    if (receive) this.#parts.archive.begin();
    const caughtUp = receive ? this.#catchUp(signal) : Promise.resolve();
    for (const result of await Promise.allSettled([account, caughtUp])) {
      if (result.status === "fulfilled" || signal.aborted) continue;
      const { code, message } = asAppError(result.reason);
      this.#core.logger.log("warning", "session_work_failed", { code, message });
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { keeper, sync, feed, inbox } = this.#parts;
    this.#session = signal;
    const live = () => keeper.notify({ type: "session.receive", receive: true });
    await sync.run({ signal, live });
    if (signal.aborted) return;
    feed.flush();
    feed.live = true;
    feed.emit({ kind: "caught_up" });
    if (!inbox.isStalled) this.#stalls = 0;
  }

  /** Rows of a conversation could not be stored: everything is taken in anew after a pause. */
  stalled(error: AppError): void {
    const { clock, logger, warn } = this.#core;
    logger.log("warning", "inbox_stalled", { code: error.code, message: error.message });
    if (this.#stalls === 0) warn(`messages wait at the server: ${error.message}`);
    const signal = this.#session;
    if (signal === undefined || signal.aborted || this.#again !== undefined) return;
    const { reconnectFirstMs: firstMs, reconnectMaxMs: maxMs } = clientLimits;
    this.#again = clock.after(backoffMs(this.#stalls++, { firstMs, maxMs }), () => {
      this.#again = undefined;
      if (!signal.aborted) this.#parts.sync.inBackground(() => this.#anew(signal));
    });
  }

  async #anew(signal: AbortSignal): Promise<void> {
    const { keeper, sending, inbox } = this.#parts;
    keeper.notify({ type: "session.receive", receive: false });
    sending.newSession();
    // Behind the answer to this no live row comes any more.
    await this.#core.server.request({ type: "directory.checkpoint" });
    inbox.resume();
    await this.#catchUp(signal);
  }

  /** No further try. */
  stop(): void {
    this.#again?.();
  }
}
