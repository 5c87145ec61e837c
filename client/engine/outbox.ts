/**
 * What goes out: each message is in the store before anything else happens; it is encrypted once, stored with the group
 * state that results, and the same bytes are sent until the server answers.
 */
import { backoffMs } from "../../lib/base/backoff.ts";
import { pause } from "../../lib/base/clock.ts";
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { clientLimits, mlsLimits } from "../../lib/base/limits.ts";
import type { Outgoing } from "../store/outbox.ts";
import { Lifetimes } from "../store/lifetimes.ts";
import type { Thread } from "../store/threads.ts";
import type { Conversations } from "./conversations.ts";
import { type Core, isTemporary } from "./core.ts";
import { readLast } from "./gone.ts";
import type { Groups } from "./groups.ts";
import type { Lobby } from "./lobby.ts";
import { applyProgress } from "./marks.ts";
import { countsAsSent } from "./repair/store.ts";
import { failSilent, settleSilent } from "./content/accepted.ts";
import { type Effect, follow } from "./content/facts.ts";
import { keepDays } from "./content/keep_days.ts";
import { sealContent } from "./content/sealed.ts";
import { type Pump, settled, settledOrWoken } from "./pump.ts";
import { takeUp } from "./take_up.ts";
import { tellAway } from "./tell_away.ts";

/** Messages sent and not answered; beyond it encrypting pauses. */
const inFlightLimit = 4 * clientLimits.outboxBatch;

/** What the outbox needs beside the core. */
export interface SendingOptions {
  readonly groups: Groups;
  readonly conversations: Conversations;
  readonly lobby: Lobby;
  readonly online: () => boolean;
  readonly readLog: (conversation: string) => Promise<void>;
}

interface Accepted {
  readonly row: Outgoing;
  readonly seq: number;
  readonly ts: number;
}

/** The sending side of an engine. */
export class Sending {
  readonly #core: Core;
  readonly #options: SendingOptions;
  readonly #pumps = new Map<number, Pump>();
  readonly #accepted: Accepted[] = [];
  /** Threads whose state was found current in this session. */
  readonly #confirmed = new Set<number>();
  #flushing: Promise<void> | undefined;
  #stopped = false;

  constructor(core: Core, options: SendingOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** The store has to be found current once more before anything is encrypted. */
  newSession(): void {
    this.#confirmed.clear();
    this.#core.links.newSession();
    this.#options.conversations.newSession();
  }

  /** Sends everything that waits, in all threads. */
  kickAll(): void {
    for (const thread of this.#core.outbox.threads()) this.kick(thread);
  }

  /** Sends what waits in one thread. */
  kick(thread: number): void {
    if (this.#stopped || !this.#options.online()) return;
    const pump = this.#pump(thread);
    pump.again = true;
    pump.wake();
    pump.running ??= this.#run(thread, pump);
  }

  /** No more sending. Resolves when what was under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#pumps.values()].map(({ running }) => running));
    await this.#flushing;
  }

  #pump(thread: number): Pump {
    const known = this.#pumps.get(thread);
    if (known !== undefined) return known;
    const made: Pump = {
      inFlight: new Map(),
      running: undefined,
      again: false,
      wake: () => {},
      failures: 0,
    };
    this.#pumps.set(thread, made);
    return made;
  }

  async #run(thread: number, pump: Pump): Promise<void> {
    try {
      while (pump.again && this.#active) {
        pump.again = false;
        await this.#pass(thread, pump);
        pump.failures = 0;
      }
    } catch (thrown) {
      this.#failed(thread, pump, thrown);
    } finally {
      pump.running = undefined;
    }
  }

  get #active(): boolean {
    return !this.#stopped && this.#options.online();
  }

  /** Everything that waits in the thread now, up to its answers. */
  async #pass(thread: number, pump: Pump): Promise<void> {
    const row = this.#core.threads.get(thread);
    if (row === undefined) return;
    if (row.kind === "lobby") return await this.#options.lobby.postAll(row);
    while (this.#active) {
      pump.again = false;
      this.#send(row, pump);
      if (this.#core.outbox.waiting(thread, 1).length === 0) {
        if (pump.inFlight.size === 0) break;
        await settledOrWoken(pump);
        continue;
      }
      await this.confirm(thread);
      const ready = await this.#options.conversations.ensure(thread);
      if (this.#needsRenewal(ready)) {
        await settled(pump);
        await this.#options.conversations.renew(thread);
      }
      await this.#encrypt(thread);
      if (pump.inFlight.size > inFlightLimit) await settled(pump);
    }
    await settled(pump);
  }

  /**
   * Sees to it that the thread's group state is the latest there was: everything encrypted has its answer, and the
   * server does not know of anything that is missing here. Otherwise the store is an old copy, and this device joins
   * the conversation again, with fresh keys. Once in a session.
   */
  async confirm(thread: number): Promise<void> {
    const { conversations } = this.#options;
    await this.#core.locks.run(`confirm:${thread}`, async () => {
      const row = this.#core.threads.get(thread);
      if (this.#confirmed.has(thread) || row === undefined || !row.joined) return;
      if (row.hasPending) await conversations.resolve(thread);
      const pump = this.#pump(thread);
      this.#send(row, pump);
      await settled(pump);
      if (!await conversations.isCurrent(thread)) {
        const { title } = row;
        this.#core.warn(`this profile was put back to an older state: joining ${title} again`);
        await conversations.rejoin(thread, row.epoch);
      }
      this.#confirmed.add(thread);
    });
  }

  /** Queued removals come first; fresh keys after so many messages or so long, spread a little. */
  #needsRenewal(thread: Thread): boolean {
    const { conversations } = this.#options;
    if (thread.conversation !== undefined && conversations.hasRemovals(thread.conversation)) {
      return true;
    }
    const spread = 1 + this.#core.random() / 5;
    const age = this.#core.clock.now() - thread.committedAt;
    return thread.sentSinceCommit >= mlsLimits.commitAfterOwnMessages * spread ||
      (thread.committedAt > 0 && age > mlsLimits.commitAfterMs * spread);
  }

  /** Encrypts the next messages, and stores them with the group state in one transaction. */
  async #encrypt(thread: number): Promise<void> {
    const { locks, threads } = this.#core;
    const conversation = threads.get(thread)?.conversation;
    if (conversation === undefined) return;
    await locks.run(`group:${conversation}`, async () => {
      const loaded = await this.#options.groups.load(thread);
      const row = threads.get(thread);
      // Another process was quicker, or the group has gone: the next round looks again.
      if (loaded === undefined || row === undefined || row.hasPending) return;
      if (row.version !== loaded.version) return;
      let { group } = loaded;
      const sealed: { row: Outgoing; message: Uint8Array; epoch: number; generation: number }[] =
        [];
      const signed = this.#sign(thread, conversation);
      for (const { outgoing, plaintext } of signed) {
        const encrypted = await group.encrypt(plaintext);
        const { message, epoch, generation } = encrypted;
        group = encrypted.group;
        sealed.push({ row: outgoing, message, epoch, generation });
      }
      if (sealed.length === 0) return;
      reach("client:encrypted");
      const stored = this.#core.sealed.database.transaction(() => {
        const set = threads.compareAndSet(thread, loaded.version, {
          state: group.parts(),
          sentSinceCommit: row.sentSinceCommit + sealed.length,
          sent: { epoch: group.epoch, generations: group.sentInEpoch },
        });
        if (!set) return false;
        for (const { row, message, epoch, generation } of sealed) {
          this.#core.outbox.seal(row.local, { bytes: message, epoch, generation });
        }
        for (const { outgoing, stored } of signed) {
          this.#core.messages.setContent({ thread, id: outgoing.id }, stored);
        }
        return true;
      });
      if (!stored) return;
      this.#options.groups.remember(thread, { version: loaded.version + 1, group });
      reach("client:sealed");
    });
  }

  #sign(thread: number, conversation: string) {
    const { outbox, messages, own } = this.#core;
    return outbox.waiting(thread, clientLimits.outboxBatch).flatMap((outgoing) => {
      const message = messages.get(outgoing.local);
      if (message === undefined || message.content.deleted) {
        // Taken back before it was ever taken: there is nothing left to say.
        outbox.remove(outgoing.local);
        return [];
      }
      return [{ outgoing, ...sealContent(own.identity, { message, conversation }) }];
    });
  }

  /** Sends everything encrypted that is not under way, in the order of encryption, whichever process encrypted it. */
  #send(thread: Thread, pump: Pump): void {
    const conversation = this.#core.threads.get(thread.thread)?.conversation;
    if (conversation === undefined) return;
    const rows = this.#core.outbox.encrypted(thread.thread)
      .filter(({ local }) => !pump.inFlight.has(local));
    if (rows.length === 0) return;
    for (const row of rows) {
      const sending = this.#sendOne(row, conversation).finally(() =>
        pump.inFlight.delete(row.local)
      );
      // Looked at by `settled`; here only so that nothing is reported as unhandled before.
      sending.catch(() => undefined);
      pump.inFlight.set(row.local, sending);
    }
    this.#core.clock.after(0, () => reach("client:sent"));
  }

  async #sendOne(row: Outgoing, conversation: string): Promise<void> {
    const { sealed } = row;
    if (sealed === undefined) return;
    const { bytes, epoch, generation } = sealed;
    const incarnation = this.#core.threads.get(row.thread)?.incarnation ?? 0;
    try {
      const { message } = await this.#core.server.request({
        type: "message.send",
        ...{ conversation, message: row.id, incarnation, epoch, generation },
        ...(row.silent ? { quiet: true } : {}),
        ...keepDays(row.expireAfter),
        body: bytes.length,
      }, bytes);
      await this.#accept({ row, seq: message.seq, ts: message.ts });
    } catch (thrown) {
      const error = asAppError(thrown);
      if (isTemporary(error)) throw error;
      await this.#refused(row, conversation, error);
    }
  }

  /** Answers that arrive together are stored together. */
  #accept(accepted: Accepted): Promise<void> {
    this.#accepted.push(accepted);
    this.#flushing ??= pause(this.#core.clock, 0).then(() => {
      this.#flushing = undefined;
      this.#storeAccepted(this.#accepted.splice(0));
    });
    return this.#flushing;
  }

  #storeAccepted(accepted: readonly Accepted[]): void {
    const { sealed, messages, outbox, threads, own, clock } = this.#core;
    const lifetimes = new Lifetimes(sealed);
    const effects: Effect[] = [];
    const inOrder = [...accepted].sort((a, b) => a.seq - b.seq);
    sealed.database.transaction(() => {
      for (const { row, seq, ts } of inOrder) {
        if (!countsAsSent(this.#core, row)) continue;
        messages.sent(row.local, { seq, ts });
        if (row.expireAfter !== undefined) lifetimes.begin(row.local, clock.now());
        if (row.silent) effects.push(...settleSilent(this.#core, { local: row.local, seq, ts }));
        outbox.remove(row.local);
        threads.passOwn(row.thread, seq);
      }
      for (const thread of new Set(inOrder.map(({ row }) => row.thread))) {
        applyProgress(this.#core, thread);
        // Notes to oneself have nobody else to read them.
        const last = inOrder.findLast(({ row }) => row.thread === thread);
        const self = threads.get(thread)?.partner?.account === own.account;
        if (self && last !== undefined) messages.readByPartner(thread, last.seq, last.ts);
      }
    });
    reach("client:accepted");
    follow(this.#core, effects);
    this.#core.changed();
  }

  /** The server said no, for good as far as these bytes are concerned. */
  async #refused(row: Outgoing, conversation: string, error: AppError): Promise<void> {
    const { sealed, outbox, threads } = this.#core;
    if (row.sealed === undefined) return;
    const bytes = row.sealed;
    switch (error.code) {
      case "removals_pending":
      case "not_a_member":
      case "no_such_conversation":
        sealed.database.transaction(() => outbox.unseal(row.local, bytes));
        if (error.code === "not_a_member" && !row.silent) await takeUp(this.#core, row.thread);
        return await this.#recover(row.thread, conversation, error);
      case "epoch_too_old":
      case "epoch_conflict":
        await this.#options.readLog(conversation);
        // The commit is not here yet, or this device stands before it: the same again would be refused as well.
        if (error.code === "epoch_conflict" || threads.get(row.thread)?.epoch === bytes.epoch) {
          const { message: text } = error;
          throw new AppError("timeout", { text, fault: "environment", cause: error });
        }
        sealed.database.transaction(() => outbox.unseal(row.local, bytes));
        this.#pump(row.thread).again = true;
        return;
      default:
        this.#fail([row.local], error);
    }
  }

  async #recover(thread: number, conversation: string, error: AppError): Promise<void> {
    const { conversations, readLog } = this.#options;
    if (error.code === "removals_pending") {
      await conversations.carryOut(thread, { stale: true });
    } else {
      const before = this.#core.threads.get(thread);
      // The commit that removed this account, or this device, may be on its way: it says who did that.
      if (before?.kind === "group") await readLast(this.#core, conversation, readLog);
      const now = this.#core.threads.get(thread);
      if (now?.joined !== false) await conversations.rejoin(thread, before?.epoch ?? 0);
    }
    this.#pump(thread).again = true;
  }

  /** Marks messages as failed: they are sent again only when a person says so. */
  #fail(locals: readonly number[], error: AppError): void {
    const { sealed, messages, outbox } = this.#core;
    const problem = { code: error.code, text: error.message };
    const effects: Effect[] = [];
    sealed.database.transaction(() => {
      for (const local of locals) {
        const message = messages.get(local);
        messages.failed(local, problem);
        outbox.remove(local);
        if (message?.silent === true) effects.push(...failSilent(this.#core, message, error));
      }
    });
    follow(this.#core, effects);
    this.#core.changed();
  }

  /** A pass ended early: for good, or until later. */
  #failed(thread: number, pump: Pump, thrown: unknown): void {
    const error = asAppError(thrown);
    const { logger, outbox, clock, random } = this.#core;
    logger.log("warning", "sending_failed", { code: error.code, cause: String(error.cause) });
    const later = isTemporary(error) || error.retry !== "never";
    if (error.code === "storage_full" && pump.failures === 0) {
      this.#core.warn(`${error.message}: what you write waits here and is sent by itself later`);
    }
    if (error.code === "hub_away" || error.code === "server_away") {
      void tellAway(this.#core, thread, {
        first: pump.failures === 0,
        list: () => this.#options.conversations.list(),
      });
    }
    if (!later) {
      const waiting = outbox.waiting(thread, 1_000_000).map(({ local }) => local);
      this.#fail(waiting, error);
    }
    const wait = error.retryAfterMs ?? backoffMs(pump.failures++, {
      firstMs: clientLimits.reconnectFirstMs,
      maxMs: clientLimits.reconnectMaxMs,
      random,
    });
    clock.after(wait, () => this.kick(thread));
  }
}
