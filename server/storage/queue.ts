/** What gateways have asked for and is not run yet; runs it in batches and answers every gateway once per commit. */
import { Histogram } from "../../lib/base/histogram.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import { afterThisTurn } from "../../lib/base/turn.ts";
import type { BatchRunner, Ending, Work } from "./batch.ts";
import type { FilePort } from "./file_messages.ts";
import type { Call, Delivery, Hears, Reply } from "./messages.ts";
import { pack, type Packed, unpack } from "./pack.ts";

interface Queued extends Work {
  /** Who asked; null for the worker itself. */
  readonly port: MessagePort | null;
  readonly id: number;
}

/** Counters since the start. */
export interface QueueCounts {
  operations: number;
  transactions: number;
  failures: number;
}

/** Where the bytes of files are, as far as the queue is concerned. */
export interface Attached {
  /** A gateway opens its port for the bytes of files. */
  serve(port: MessagePort): void;
  /** The row of a file is gone. */
  discard(file: string): void;
}

/** Told of an operation that failed through no fault of its caller. */
export type OnTrouble = (operation: string, thrown: unknown) => void;

/** From a write that the disk's cache took at once to one that a person notices. In seconds. */
const secondBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Up to `serverLimits.transactionOperations`. */
const operationBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Gathers calls of all gateways and runs what has arrived as one batch. */
export class CallQueue {
  readonly #runner: BatchRunner;
  readonly #onTrouble: OnTrouble;
  readonly #files: Attached;
  readonly #ports = new Map<MessagePort, Hears>();
  #queued: Queued[] = [];
  #scheduled = false;
  readonly batchSeconds = new Histogram(secondBounds);
  readonly batchOperations = new Histogram(operationBounds);
  /** Messages that were accepted. */
  messagesAccepted = 0;
  readonly counts: QueueCounts = { operations: 0, transactions: 0, failures: 0 };

  constructor(runner: BatchRunner, options: { onTrouble: OnTrouble; files: Attached }) {
    this.#runner = runner;
    this.#onTrouble = options.onTrouble;
    this.#files = options.files;
  }

  /** Takes calls of this worker from now on. */
  connect(port: MessagePort, hears: Hears = "all"): void {
    this.#ports.set(port, hears);
    port.onmessage = ({ data }: MessageEvent<Packed | FilePort>) => {
      if ("files" in data) this.#files.serve(data.files);
      else this.#take(port, data);
    };
  }

  #take(port: MessagePort, packed: Packed): void {
    for (const [id, name, input] of unpack<Call[]>(packed)) {
      this.#queued.push({ port, id, name, input });
    }
    this.#schedule();
  }

  /** Queues an operation of the worker's own. */
  enqueue(work: Work): void {
    this.#queued.push({ ...work, port: null, id: 0 });
    this.#schedule();
  }

  /** Messages that have arrived already are taken first, so that they share the commit. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterThisTurn(() => {
      this.#scheduled = false;
      this.runSome();
      if (this.#queued.length > 0) this.#schedule();
    });
  }

  /** Runs one batch of what is queued; false when nothing is. */
  runSome(): boolean {
    const batch = this.#queued.slice(0, serverLimits.transactionOperations);
    if (batch.length === 0) return false;
    this.#queued = this.#queued.slice(batch.length);
    const began = performance.now();
    const { endings, nudges } = this.#runner.run(batch);
    this.batchSeconds.observe((performance.now() - began) / 1000);
    this.batchOperations.observe(batch.length);
    this.counts.operations += batch.length;
    this.counts.transactions += 1;
    for (const nudge of nudges) if (nudge.kind === "discard") this.#files.discard(nudge.file);
    this.#answer(batch, endings, nudges.filter(({ kind }) => kind !== "discard"));
    return true;
  }

  #answer(
    batch: readonly Queued[],
    endings: readonly Ending[],
    nudges: Delivery["nudges"],
  ): void {
    const replies = new Map<MessagePort, Reply[]>();
    batch.forEach(({ port, id, name }, index) => {
      const ending = endings[index];
      if (ending === undefined) return;
      if (!ending.ok) this.#noteFailure(name, ending);
      else if (name === "message.send" && isAccepted(ending.result)) this.messagesAccepted++;
      if (port === null) return;
      const list = replies.get(port) ?? [];
      list.push(replyOf(id, ending));
      replies.set(port, list);
    });
    for (const [port, hears] of this.#ports) {
      const own = replies.get(port) ?? [];
      const heard = nudges.length === 0 ? nudges : nudgesFor(hears, nudges);
      if (own.length > 0 || heard.length > 0) send(port, { replies: own, nudges: heard });
    }
  }

  /** Operations that wait for a transaction. */
  get waiting(): number {
    return this.#queued.length;
  }

  #noteFailure(name: string, ending: Extract<Ending, { ok: false }>): void {
    this.counts.failures += 1;
    this.#onTrouble(name, ending.error);
  }

  /** Stops listening to gateways. */
  disconnect(): void {
    for (const port of this.#ports.keys()) port.close();
    this.#ports.clear();
  }
}

function isAccepted(result: object): boolean {
  return "ok" in result && result.ok === true;
}

function nudgesFor(hears: Hears, nudges: Delivery["nudges"]): Delivery["nudges"] {
  if (hears === "nothing") return [];
  const forLinks = hears === "peers";
  return nudges.filter(({ kind }) => (kind === "peers" || kind === "outbox") === forLinks);
}

function replyOf(id: number, ending: Ending): Reply {
  if (ending.ok) return [id, ending.result];
  const { code, message: text } = ending.error;
  return [id, null, { code, text }];
}

function send(port: MessagePort, delivery: Delivery): void {
  const packed = pack(delivery);
  port.postMessage(packed, [packed.bytes.buffer]);
}
