/** What waits to be sent: messages as text with their bodies, gathered into as few frames as the limits allow. */
import { Buffer } from "node:buffer";
import { AppError } from "../base/errors.ts";

/** Bounds of one frame as the peer wants it: bytes of JSON, bytes of bodies, number of messages. */
export interface FrameBounds {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly messages: number;
}

/** The content of the next frame. */
export interface NextFrame {
  /** UTF-8 of the JSON array; a view that is overwritten by the next call of `take`. */
  readonly header: Uint8Array;
  readonly bodies: readonly Uint8Array[];
  /** Those of them that nobody needs once the frame holds a copy. */
  readonly spent: readonly Uint8Array[];
}

interface Waiting {
  readonly text: string;
  readonly bodies: readonly Uint8Array[];
  readonly spent: boolean;
  readonly bodyBytes: number;
}

const encoder = new TextEncoder();
const noBodies: readonly Uint8Array[] = [];

/** Shared by all queues: used and left again within one synchronous call. */
let scratch = new Uint8Array(64 * 1024);

/** A queue of messages on their way out. */
export class Outgoing {
  #bounds: FrameBounds;
  #waiting: Waiting[] = [];
  /** Index of the first that still waits; the array is trimmed when it has been emptied. */
  #head = 0;
  #bytes = 0;

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds;
  }

  /** Bytes that wait: JSON in UTF-16 units (equal to bytes for ASCII) and bodies. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#head === this.#waiting.length;
  }

  /** From now on frames keep to the smaller of the present bounds and `bounds`. */
  narrow(bounds: FrameBounds): void {
    this.#bounds = {
      headerBytes: Math.min(this.#bounds.headerBytes, bounds.headerBytes),
      bodyBytes: Math.min(this.#bounds.bodyBytes, bounds.bodyBytes),
      messages: Math.max(1, Math.min(this.#bounds.messages, bounds.messages)),
    };
  }

  /**
   * Queues one message. `spent`: nobody needs its bodies afterwards. Throws `AppError("too_large")`, the caller's fault, when
   * no frame could hold it.
   */
  push(text: string, body?: Uint8Array | readonly Uint8Array[], spent = false): void {
    const bodies = body === undefined ? noBodies : body instanceof Uint8Array ? [body] : body;
    let bodyBytes = 0;
    for (const part of bodies) bodyBytes += part.length;
    if (this.#textTooLarge(text) || bodyBytes > this.#bounds.bodyBytes) {
      throw new AppError("too_large", { fault: "us" });
    }
    this.#waiting.push({ text, bodies, bodyBytes, spent });
    this.#bytes += text.length + bodyBytes;
  }

  #textTooLarge(text: string): boolean {
    const room = this.#bounds.headerBytes - 2;
    return text.length * 3 > room && Buffer.byteLength(text) > room;
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#waiting = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /** As many messages as fit into one frame, removed from the queue; undefined when it is empty. */
  take(): NextFrame | undefined {
    let end = this.#reach();
    if (end === this.#head) return undefined;
    let header = this.#encode(end);
    while (header === undefined) {
      end = this.#head + Math.ceil((end - this.#head) / 2);
      header = this.#encode(end);
    }
    const bodies: Uint8Array[] = [];
    const spent: Uint8Array[] = [];
    for (let at = this.#head; at < end; at++) {
      const isSpent = this.#waiting[at]?.spent === true;
      for (const part of this.#remove(at)) {
        bodies.push(part);
        if (isSpent) spent.push(part);
      }
    }
    this.#head = end;
    if (this.empty) this.clear();
    return { header, bodies, spent };
  }

  /** The index behind the last message that fits, when text is ASCII. */
  #reach(): number {
    let header = 1;
    let body = 0;
    let at = this.#head;
    const last = Math.min(this.#waiting.length, at + this.#bounds.messages);
    for (; at < last; at++) {
      const next = this.#waiting[at];
      if (next === undefined) break;
      header += next.text.length + 1;
      body += next.bodyBytes;
      const fits = header <= this.#bounds.headerBytes && body <= this.#bounds.bodyBytes;
      if (!fits && at > this.#head) break;
    }
    return at;
  }

  /** The JSON of the messages up to `end`; undefined when its UTF-8 is too long and there are fewer to try. */
  #encode(end: number): Uint8Array | undefined {
    const texts: string[] = [];
    for (let at = this.#head; at < end; at++) texts.push(this.#waiting[at]?.text ?? "");
    const json = `[${texts.join(",")}]`;
    if (scratch.length < this.#bounds.headerBytes) {
      scratch = new Uint8Array(this.#bounds.headerBytes);
    }
    const room = scratch.subarray(0, this.#bounds.headerBytes);
    const { read, written } = encoder.encodeInto(json, room);
    return read === json.length ? room.subarray(0, written) : undefined;
  }

  #remove(at: number): readonly Uint8Array[] {
    const gone = this.#waiting[at];
    if (gone === undefined) return noBodies;
    this.#bytes -= gone.text.length + gone.bodyBytes;
    return gone.bodies;
  }
}
