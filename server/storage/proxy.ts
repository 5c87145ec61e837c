/** The storage side as a gateway worker sees it: typed calls over a port, many in one message. */
import { AppError } from "../../lib/base/errors.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { Input, Nudge, OperationName, Result, Storage } from "../operations/contract.ts";
import { FileProxy } from "./file_proxy.ts";
import type { Call, Delivery, Failure, Reply } from "./messages.ts";
import { pack, type Packed, unpack } from "./pack.ts";

/**
 * Messages under way at once: while the worker commits one the next is on its way, and what comes meanwhile gathers
 * for the one after. So the busier it is the more share a commit, and when idle nothing waits.
 */
const messagesUnderWay = 2;

/** One message under way, and how many of its calls are not answered yet. */
interface Parcel {
  open: number;
}

interface Waiting {
  parcel: Parcel | undefined;
  readonly resolve: (result: object) => void;
  readonly reject: (error: AppError) => void;
}

class StorageProxy implements Storage {
  readonly #port: MessagePort;
  readonly files: FileProxy;
  readonly #waiting = new Map<number, Waiting>();
  #gathered: Call[] = [];
  #underWay = 0;
  #nextId = 1;
  #scheduled = false;
  #receive: (nudges: readonly Nudge[]) => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    this.files = new FileProxy(port);
    port.onmessage = (event: MessageEvent<Packed>) => this.#deliver(unpack<Delivery>(event.data));
  }

  onNudges(receive: (nudges: readonly Nudge[]) => void): void {
    this.#receive = receive;
  }

  call<N extends OperationName>(name: N, input: Input<N>): Promise<Result<N>> {
    if (this.#waiting.size >= serverLimits.storageQueue) {
      return Promise.reject(new AppError("rate_limited"));
    }
    const id = this.#nextId++;
    this.#gathered.push([id, name, input]);
    this.#schedule();
    return new Promise((resolve, reject) => {
      // The worker answers each call with its own operation's result.
      const settle = (result: object) => resolve(result as Result<N>);
      this.#waiting.set(id, { parcel: undefined, resolve: settle, reject });
    });
  }

  /** Sends at the end of this turn, unless enough is under way already. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay >= messagesUnderWay) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    this.#scheduled = false;
    if (this.#gathered.length === 0) return;
    const calls = this.#gathered.splice(0, serverLimits.transactionOperations);
    const parcel: Parcel = { open: calls.length };
    this.#underWay += 1;
    for (const [id] of calls) {
      const waiting = this.#waiting.get(id);
      if (waiting !== undefined) waiting.parcel = parcel;
    }
    const packed = pack(calls);
    this.#port.postMessage(packed, [packed.bytes.buffer]);
    if (this.#gathered.length > 0) this.#schedule();
  }

  #deliver({ replies, nudges }: Delivery): void {
    for (const reply of replies) this.#settle(reply);
    if (this.#gathered.length > 0) this.#schedule();
    if (nudges.length > 0) this.#receive(nudges);
  }

  #settle([id, result, failure]: Reply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (waiting.parcel !== undefined && --waiting.parcel.open === 0) this.#underWay -= 1;
    if (result !== null) waiting.resolve(result);
    else waiting.reject(errorOf(failure));
  }
}

function errorOf(failure: Failure | undefined): AppError {
  if (failure === undefined) return new AppError("internal", { fault: "us" });
  return new AppError(failure.code, { text: failure.text, fault: "us" });
}

/** The storage side over a port that `StorageHandle.connect` gave; at most `serverLimits.storageQueue` calls wait. */
export function storageOver(port: MessagePort): Storage {
  return new StorageProxy(port);
}
