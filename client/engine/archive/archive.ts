/** The archive of an engine: when it is read, when it is written, and what is told of it. */
import type { CancelTimer } from "../../../lib/base/clock.ts";
import { pause } from "../../../lib/base/clock.ts";
import { AppError, asAppError } from "../../../lib/base/errors.ts";
import { archiveLimits } from "../../../lib/base/limits.ts";
import { archiveBatchKey } from "../../../lib/crypto/archive_key.ts";
import { ArchiveStore } from "../../store/archive.ts";
import type { Target } from "../api.ts";
import type {
  ArchiveActions,
  ArchiveProgress,
  ArchiveStatus,
  ArchiveSwitched,
} from "../api_archive.ts";
import type { Keeper } from "../connection.ts";
import type { Core } from "../core.ts";
import { settleGaps } from "../gaps.ts";
import type { Feed } from "../feed.ts";
import type { Reading } from "../reading.ts";
import { type ArchiveHead, ArchiveReader } from "./reader.ts";
import { Restorer } from "./restorer.ts";
import { archiveSeen } from "./seen.ts";
import { compareSeen } from "./witness.ts";
import { ArchiveWriter, isConflict } from "./writer.ts";

/** How often in a row another device may be quicker before this one waits for its next change. */
const attempts = 12;

/** A full archive is tried again after so many milliseconds. */
const fullMs = 10 * 60 * 1000;

/** What an archive needs beside the core. */
export interface ArchiveOptions {
  /** The account's archive key, 32 bytes. */
  readonly archiveKey: Uint8Array;
  readonly keeper: Pick<Keeper, "online">;
  readonly reading: Pick<Reading, "threadOf">;
  readonly feed: Pick<Feed, "emit">;
  /** All of it is here for the first time. */
  readonly arrived: () => void;
}

/** The archive of an engine. */
export class Archive implements ArchiveActions {
  readonly #core: Core;
  readonly #options: ArchiveOptions;
  readonly #store: ArchiveStore;
  readonly #reader: ArchiveReader;
  readonly #writer: ArchiveWriter;
  #head: ArchiveHead | undefined;
  #problem: string | undefined;
  /** The end of the archive may have moved since it was read. */
  #stale = true;
  /** The archive was not here when this engine, or reading, began: people want to know how it goes. */
  #first: boolean;
  #notBefore = 0;
  #timer: CancelTimer | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  readonly #end = new AbortController();

  constructor(core: Core, options: ArchiveOptions) {
    this.#core = core;
    this.#options = options;
    const store = new ArchiveStore(core.sealed);
    const key = archiveBatchKey(options.archiveKey);
    const restorer = new Restorer(core, store);
    const reader = new ArchiveReader(core, {
      store,
      key,
      restorer,
      progress: () => this.#progress(),
    });
    this.#store = store;
    this.#first = !store.isHere();
    this.#reader = reader;
    this.#writer = new ArchiveWriter(core, { store, key, reader });
  }

  /** A session that receives has begun: what is new in the archive is read, what is new here goes there. */
  begin(): void {
    this.#stale = true;
    this.#notBefore = 0;
    this.#core.sealed.database.transaction(() => this.#store.retryDamaged());
    this.#inBackground();
  }

  /** Another device has written. */
  moved({ position, revision }: { readonly position: number; readonly revision: number }): void {
    const known = this.#store.tail();
    if (known?.position === position && known.revision === revision) return;
    this.#stale = true;
    this.#inBackground();
  }

  /** Something here has changed: what is to be archived is gathered for a moment. */
  changed(): void {
    if (this.#stopped || this.#timer !== undefined || !this.#options.keeper.online) return;
    // Devices that got the same message do not all come at once.
    const ms = archiveLimits.gatherMs * (0.5 + this.#core.random());
    const wait = Math.max(ms, this.#notBefore - this.#core.clock.now());
    this.#timer = this.#core.clock.after(wait, () => {
      this.#timer = undefined;
      this.#inBackground();
    });
  }

  status(): ArchiveStatus {
    const { threads } = this.#core;
    const problem = this.#problem;
    const head = this.#head;
    return {
      ...this.#known(),
      damaged: this.#store.damagedCount(),
      off: this.#store.settings().filter(({ kept }) => !kept).map(({ conversation }) =>
        threads.byConversation(conversation)?.title ?? conversation
      ),
      ...(head === undefined ? {} : { bytes: head.bytes, most: head.most }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  isHere(): boolean {
    return this.#store.isHere();
  }

  async keep(target: Target, kept: boolean): Promise<ArchiveSwitched> {
    const number = this.#options.reading.threadOf(target);
    const thread = number === undefined ? undefined : this.#core.threads.get(number);
    const conversation = thread?.conversation;
    if (thread === undefined || thread.kind === "lobby" || conversation === undefined) {
      throw new AppError("not_found", {
        text: "there is no such conversation yet (and #lobby is public: it is not archived)",
        fault: "us",
      });
    }
    const messages = kept ? 0 : this.#store.messagesOf(conversation);
    this.#core.sealed.database.transaction(() => {
      this.#store.setKept(conversation, kept);
      if (kept) this.#store.setScanned(-1);
    });
    if (!this.#options.keeper.online) return { messages, done: false };
    await this.#run();
    return { messages, done: this.#problem === undefined && this.#isDone(conversation) };
  }

  /** Whether the archive has what was said of a conversation, and does what it says. */
  #isDone(conversation: string): boolean {
    const said = this.#store.entry({ scope: "setting", id: conversation }) !== undefined;
    return said && (this.#store.kept(conversation) === true ||
      this.#store.messagesOf(conversation) === 0);
  }

  async fetched(signal?: AbortSignal): Promise<ArchiveStatus> {
    for (let attempt = 0; attempt < attempts && !this.isHere(); attempt++) {
      await this.#run();
      signal?.throwIfAborted();
      if (!this.#stale || this.#problem !== undefined || !this.#options.keeper.online) break;
    }
    return this.status();
  }

  async settled(signal?: AbortSignal): Promise<ArchiveStatus> {
    this.#stale = true;
    for (;;) {
      await this.#run();
      signal?.throwIfAborted();
      const idle = !this.#stale && this.#store.wanted(1).length === 0 && !this.#writer.hasWork();
      if (idle || this.#problem !== undefined) return this.status();
      if (!this.#options.keeper.online) throw new AppError("timeout", { text: "not connected" });
      await pause(this.#core.clock, 50, signal);
    }
  }

  /** What waits still is archived within `ms`; then nothing more is done. */
  async stop(ms: number): Promise<void> {
    this.#timer?.();
    if (ms > 0 && this.#options.keeper.online && this.#writer.hasWork()) {
      // Not a signal of its own time: one that is listened to keeps the process alive to its end.
      const done = new AbortController();
      const late = pause(this.#core.clock, ms, done.signal).catch(() => undefined);
      await Promise.race([this.#run(), late]).finally(() => done.abort());
    }
    this.#stopped = true;
  }

  /** Resolves when nothing is under way any more; the connection must be over. */
  async ended(): Promise<void> {
    this.#stopped = true;
    this.#end.abort();
    await this.#running;
  }

  #inBackground(): void {
    if (!this.#stopped) void this.#run();
  }

  /** One at a time; whoever asks meanwhile gets another run after it. Never rejects. */
  #run(): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#rounds().finally(() => this.#running = undefined);
    return this.#running;
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      if (this.#stopped || !this.#options.keeper.online) return;
      try {
        await this.#round();
        this.#problem = undefined;
      } catch (thrown) {
        this.#failed(asAppError(thrown));
      }
    } while (this.#again);
  }

  async #round(): Promise<void> {
    for (let attempt = 0; attempt < attempts && !this.#stopped;) {
      const heard = archiveSeen(this.#core) !== undefined;
      if (this.#stale || heard || this.#store.wanted(1).length > 0) await this.#read();
      try {
        const head = await this.#writer.write();
        if (head === undefined) return;
        this.#head = head;
        attempt = 0;
      } catch (thrown) {
        if (!isConflict(thrown)) throw thrown;
        attempt += 1;
        this.#stale = true;
        const ms = this.#core.random() * 20 * attempt;
        // The end of everything ends the pause.
        await pause(this.#core.clock, ms, this.#end.signal).catch(() => undefined);
      }
    }
  }

  async #read(): Promise<void> {
    this.#first ||= !this.isHere();
    this.#stale = false;
    try {
      this.#head = await this.#reader.read();
    } catch (thrown) {
      this.#stale = true;
      throw thrown;
    }
    if (this.#head.position === 0) this.#store.holdsNothing();
    if (this.#first) {
      const complete = this.#store.wanted(1).length === 0;
      this.#tell({ ...this.#known(), complete });
      if (complete) this.#options.arrived();
    }
    this.#first = false;
    if (this.#store.wanted(1).length === 0) await compareSeen(this.#core, this.#reader);
    const damaged = this.#store.damagedCount();
    if (damaged === 0) return this.#whole();
    this.#core.warn(
      `${damaged} ${damaged === 1 ? "part" : "parts"} of the archive cannot be read: the server ` +
        "does not give what was stored there; what is missing may be on your other devices",
    );
  }

  /** Everything is here that the archive has. */
  #whole(): void {
    if (this.#store.wanted(1).length > 0) return;
    this.#core.sealed.database.transaction(() => settleGaps(this.#core));
    this.#core.changed();
  }

  #progress(): void {
    if (this.#first) this.#tell({ ...this.#known(), complete: false });
  }

  #tell(progress: ArchiveProgress): void {
    this.#options.feed.emit({ kind: "archive", progress });
  }

  #known(): ArchiveProgress {
    const complete = !this.#stale && this.#store.wanted(1).length === 0;
    return { have: this.#store.messages(), total: this.#store.total, complete };
  }

  #failed(error: AppError): void {
    const { code, message, retryAfterMs } = error;
    this.#core.logger.log("info", "archive_waits", { code, message });
    if (code === "timeout" || this.#stopped) return;
    this.#notBefore = this.#core.clock.now() + (retryAfterMs ?? fullMs);
    const text = code === "quota_exceeded"
      ? "the archive on the server is full: new messages are on this device only"
      : `nothing is archived just now: ${message}`;
    if (this.#problem === undefined && error.retry !== "later" || code === "quota_exceeded") {
      if (this.#problem !== text) this.#core.warn(text);
    }
    this.#problem = text;
  }
}
