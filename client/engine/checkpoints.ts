/**
 * Telling the members of conversations what this device saw of the directory's log, and comparing what they saw: a
 * server that shows different logs to different people is found out as soon as two of them talk.
 */
import { contentLimits } from "../../lib/base/limits.ts";
import { Checkpoints } from "../store/checkpoints.ts";
import { queueContent } from "./content/queue.ts";
import { type Core, isTemporary } from "./core.ts";

/** A checkpoint with the server's signature. */
export interface SignedHead {
  readonly size: number;
  readonly signed: string;
}

/** The directory's log, as far as the exchange needs it. */
export interface ComparableLog {
  /** The latest checkpoint that this profile has accepted. */
  head(): SignedHead | undefined;
  /**
   * Compares what `from` (an account's name) was shown with what this device is shown. A difference raises an alarm.
   * Rejects when the server could not be asked.
   */
  compare(signed: string, from: string): Promise<void>;
}

/** One engine's side of the exchange. */
export class CheckpointExchange {
  readonly #core: Core;
  readonly #log: ComparableLog;
  readonly #store: Checkpoints;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(core: Core, log: ComparableLog) {
    this.#core = core;
    this.#log = log;
    this.#store = new Checkpoints(core.sealed);
  }

  /**
   * In the transaction that queues a message of one's own: adds what this device saw of the log, when the conversation
   * has not been told for a day and the log has grown since.
   */
  accompany(thread: number): void {
    if (this.#core.threads.get(thread)?.kind === "lobby") return;
    const head = this.#log.head();
    if (head === undefined || head.signed.length > contentLimits.checkpointBytes) return;
    const told = this.#store.told(thread);
    const now = this.#core.clock.now();
    // A clock that was set back must not silence it for longer.
    const recent = told !== undefined && Math.abs(now - told.at) < contentLimits.checkpointMs;
    if (recent || told?.size === head.size) return;
    queueContent(this.#core, thread, { kind: "checkpoint", body: { checkpoint: head.signed } });
    this.#store.tell(thread, { size: head.size, at: now });
  }

  /** Keeps what somebody else saw, in the transaction in which it arrives. */
  hear(heard: Parameters<Checkpoints["hear"]>[0]): void {
    this.#store.hear(heard);
  }

  /** Compares everything heard, in the background; what the server does not answer now waits for the next session. */
  compareSoon(): void {
    this.#again = true;
    this.#running ??= this.#compareAll().finally(() => this.#running = undefined);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #compareAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      for (const heard of this.#store.heard()) {
        // One server that cannot be asked must not keep the others' from being compared.
        await this.#compare(heard);
      }
    }
  }

  /** What could not be asked about stays for the next time. */
  async #compare(heard: Parameters<Checkpoints["hear"]>[0]): Promise<void> {
    try {
      await this.#log.compare(heard.checkpoint, heard.name);
    } catch (thrown) {
      if (isTemporary(thrown)) return;
      // An alarm has told what there is to tell.
      this.#core.logger.log("warning", "checkpoint_not_compared", { cause: String(thrown) });
    }
    this.#store.compared(heard);
  }
}
