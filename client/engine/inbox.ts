/**
 * What comes from the logs of conversations: taken in order, decrypted in batches, stored in one transaction with the
 * group state and the cursor, and acknowledged only then.
 */
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import type { Core } from "./core.ts";
import type { Groups } from "./groups.ts";
import { Intake, type LogEvent } from "./intake.ts";
import type { IntakeServices } from "./intake_services.ts";

/** Rows that may wait in memory before reading from the server pauses. */
const waitingRows = 16 * clientLimits.inboxBatch;

/** A row counts once, and once more for each of these bytes. */
const bytesPerRow = 8 * 1024;

/** Beyond this even a client that waits for replies reads no further: the connection ends, and begins anew from the cursor. */
const mostRows = 16 * waitingRows;

/** What a row counts for the memory that it takes. */
function weight({ body }: LogEvent): number {
  return 1 + Math.floor(body.length / bytesPerRow);
}

const weightOf = (events: readonly LogEvent[]) =>
  events.reduce((sum, event) => sum + weight(event), 0);

/** Rows of one fetch. */
const fetchRows = 256;

interface Queue {
  readonly events: LogEvent[];
  running: Promise<void> | undefined;
}

/** What the inbox needs beside the core. */
export interface InboxOptions {
  readonly groups: Groups;
  readonly services: IntakeServices;
  /** Whether requests wait for replies: then reading must not pause. */
  readonly busy: () => boolean;
}

/** The inbox of an engine. */
export class Inbox {
  readonly #core: Core;
  readonly #options: InboxOptions;
  readonly #queues = new Map<string, Queue>();
  /** Conversations whose rows could not be stored: later ones must not overtake them. */
  readonly #stalled = new Map<string, AppError>();
  /** The greatest sequence that is known to exist in each conversation. */
  readonly #tops = new Map<string, number>();
  #waiting = 0;
  #room: (() => void) | undefined;

  constructor(core: Core, options: InboxOptions) {
    this.#core = core;
    this.#options = options;
  }

  /**
   * Takes one row. What it returns is to be awaited before the next is read. Throws `AppError("too_large")` when far more
   * comes than can be stored.
   */
  take(event: LogEvent): void | Promise<void> {
    if (event.message.type === "message") reach("client:received");
    if (this.#stalled.has(event.message.conversation)) return;
    this.#checkSequence(event);
    if (this.#waiting >= mostRows) throw new AppError("too_large");
    const queue = this.#queue(event.message.conversation);
    queue.events.push(event);
    this.#waiting += weight(event);
    queue.running ??= this.#drain(event.message.conversation, queue);
    if (this.#waiting < waitingRows || this.#options.busy()) return;
    return new Promise((resolve) => this.#room = resolve);
  }

  /**
   * A row far beyond everything that is known to exist would move the cursor past what really comes. Throws
   * `AppError("tampered")`: the connection ends, nothing of it is stored, and the next one asks from the cursor on.
   */
  #checkSequence({ message }: LogEvent): void {
    const { conversation, seq } = message;
    const top = this.#tops.get(conversation) ??
      this.#core.threads.byConversation(conversation)?.cursor;
    // Where a conversation that is new here begins only its first row says.
    if (top === undefined) return;
    if (seq > top + clientLimits.sequenceJump) {
      this.#core.warn(
        "the server told of a message that cannot be there; the connection was ended",
      );
      throw new AppError("tampered", { text: "a row is far beyond the end of its log" });
    }
    this.#tops.set(conversation, Math.max(top, seq));
  }

  /** The log of the conversation is known to reach to `head`: rows up to there are no surprise. */
  expect(conversation: string, head: number): void {
    const cursor = this.#core.threads.byConversation(conversation)?.cursor;
    if (cursor !== undefined) this.#tops.set(conversation, Math.max(cursor, head));
  }

  /** Takes rows of all conversations again. Live events must be off, so that what was left out comes first. */
  resume(): void {
    this.#stalled.clear();
  }

  /** Whether some conversation waits for `resume`. */
  get isStalled(): boolean {
    return this.#stalled.size > 0;
  }

  /** Lets reading go on although much waits: somebody needs a reply. */
  relieve(): void {
    this.#room?.();
    this.#room = undefined;
  }

  /** Resolves when everything taken so far for the conversation has been stored. */
  async settled(conversation: string): Promise<void> {
    await this.#queues.get(conversation)?.running;
  }

  /** Resolves when everything taken so far has been stored. */
  async allSettled(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ running }) => running));
  }

  /**
   * Fetches and stores everything that waits at the server for this device in one conversation. Rejects when it could
   * not be stored.
   */
  async readLog(conversation: string): Promise<void> {
    for (let more = true; more;) {
      const after = this.#core.threads.byConversation(conversation)?.cursor ?? 0;
      const { message } = await this.#core.server.request({
        type: "message.fetch",
        conversation,
        after,
        limit: fetchRows,
      });
      await this.settled(conversation);
      const stalled = this.#stalled.get(conversation);
      if (stalled !== undefined) throw stalled;
      const now = this.#core.threads.byConversation(conversation)?.cursor ?? 0;
      more = message.more && now > after;
    }
  }

  #queue(conversation: string): Queue {
    const known = this.#queues.get(conversation);
    if (known !== undefined) return known;
    const made: Queue = { events: [], running: undefined };
    this.#queues.set(conversation, made);
    return made;
  }

  async #drain(conversation: string, queue: Queue): Promise<void> {
    // Everything that arrived in this turn of the event loop becomes one batch.
    await new Promise((resolve) => setTimeout(resolve, 0));
    try {
      while (queue.events.length > 0) {
        const batch = queue.events.slice(0, clientLimits.inboxBatch);
        await this.#store(conversation, batch);
        queue.events.splice(0, batch.length);
        this.#waiting -= weightOf(batch);
        if (this.#waiting < waitingRows) this.relieve();
      }
    } catch (thrown) {
      // Nothing was acknowledged: the server has it all, and is asked again from the cursor on.
      this.#stalled.set(conversation, asAppError(thrown));
      this.#core.logger.log("warning", "intake_failed", { cause: String(thrown) });
      this.#waiting -= weightOf(queue.events);
      queue.events.length = 0;
      this.#options.services.failed(thrown);
    } finally {
      queue.running = undefined;
      this.#queues.delete(conversation);
    }
  }

  async #store(conversation: string, batch: readonly LogEvent[]): Promise<void> {
    const { core } = { core: this.#core };
    const intake = new Intake(core, this.#options.groups, this.#options.services);
    await core.locks.run(`group:${conversation}`, () => intake.take(conversation, batch));
    const last = Math.max(...batch.map(({ message }) => message.seq));
    core.server.notify({ type: "message.ack", acks: [{ conversation, seq: last }] });
    reach("client:acknowledged");
    core.changed();
  }
}
