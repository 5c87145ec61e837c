/** One connection's way out: gathers what is to be sent into signed frames, with one write under way at a time. */
import { setImmediate } from "node:timers";
import { giveBack } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { SigningKey } from "../crypto/sign.ts";
import { encodeFrame, type FrameDirection } from "./frame.ts";
import { noSession } from "./handshake.ts";
import { type FrameBounds, type NextFrame, Outgoing } from "./outgoing.ts";
import type { Transport } from "./transport.ts";

/** What a writer needs. */
export interface FrameWriterOptions {
  readonly transport: Transport;
  readonly key: SigningKey;
  readonly direction: FrameDirection;
  readonly bounds: FrameBounds;
  /**
   * Writing has failed, and what waited is dropped. Reading may still bring what the peer said before it closed, which is
   * why it did.
   */
  readonly onGone: (thrown: unknown) => void;
}

/** Someone who waits until at most `bytes` are left to be written. */
interface Paced {
  readonly bytes: number;
  readonly resume: () => void;
}

/** Writes frames. Everything queued in one turn of the event loop, or while a write is under way, leaves together. */
export class FrameWriter {
  readonly #options: FrameWriterOptions;
  readonly #outgoing: Outgoing;
  readonly #written = { frames: 0, bytes: 0 };
  #sessionId: Uint8Array = noSession;
  /** Of the next frame; 0 was the hello. */
  #counter = 0;
  #state: "idle" | "scheduled" | "writing" = "idle";
  #inFlightBytes = 0;
  #gone = false;
  #paced: readonly Paced[] = [];
  #drained: (() => void) | undefined;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
    this.#outgoing = new Outgoing(options.bounds);
  }

  /** Bytes that wait to be written, those under way included. */
  get queuedBytes(): number {
    return this.#outgoing.queuedBytes + this.#inFlightBytes;
  }

  /** Whether the hello has been handed to the transport. */
  get greeted(): boolean {
    return this.#counter > 0;
  }

  /** Frames handed to the transport. */
  get begun(): number {
    return this.#counter;
  }

  /** Totals of what the transport has taken. */
  get written(): { readonly frames: number; readonly bytes: number } {
    return this.#written;
  }

  /** Writes the hello, or what is left of it: a frame already. Rejects when the transport fails. */
  async writeHello(frame: Uint8Array): Promise<void> {
    this.#counter = 1;
    this.#state = "writing";
    try {
      await this.#options.transport.write(frame);
      this.#count(frame);
    } catch (thrown) {
      this.#outgoing.clear();
      throw thrown;
    } finally {
      this.#state = "idle";
      if (this.#outgoing.empty) this.#drained?.();
      else this.#schedule();
    }
  }

  /** From now on frames belong to this session and keep to the peer's bounds. */
  enter(sessionId: Uint8Array, bounds?: FrameBounds): void {
    this.#sessionId = sessionId;
    if (bounds !== undefined) this.#outgoing.narrow(bounds);
  }

  /** Queues a message; see `Outgoing.push` for what it throws. */
  send(text: string, body?: Uint8Array | readonly Uint8Array[], spent = false): void {
    this.#outgoing.push(text, body, spent);
    if (this.#gone) this.#outgoing.clear();
    else this.#schedule();
  }

  /** Drops what waits, except for a write under way. */
  clear(): void {
    this.#outgoing.clear();
  }

  /** Resolves when at most `bytes` wait, or at `release`. */
  queuedAtMost(bytes: number): Promise<void> {
    if (this.queuedBytes <= bytes) return Promise.resolve();
    return new Promise((resume) => this.#paced = [...this.#paced, { bytes, resume }]);
  }

  /** Nobody needs to wait any longer. */
  release(): void {
    this.#resume(0);
  }

  /** Resolves when everything is written, or after `ms` milliseconds. */
  drain(clock: Clock, ms: number): Promise<void> {
    if (this.#outgoing.empty && this.#state === "idle") return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(ms, () => resolve());
      this.#drained = () => {
        cancel();
        resolve();
      };
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#state !== "idle") return;
    this.#state = "scheduled";
    setImmediate(() => void this.#write());
  }

  async #write(): Promise<void> {
    this.#state = "writing";
    try {
      for (let next = this.#outgoing.take(); next !== undefined; next = this.#outgoing.take()) {
        await this.#writeFrame(next);
      }
    } catch (thrown) {
      this.#gone = true;
      this.#outgoing.clear();
      this.#options.onGone(thrown);
    }
    this.#inFlightBytes = 0;
    this.#state = "idle";
    this.#resume(this.queuedBytes);
    this.#drained?.();
  }

  async #writeFrame({ header, bodies, spent }: NextFrame): Promise<void> {
    const { key, direction, transport } = this.#options;
    const counter = this.#counter++;
    const frame = encodeFrame({
      header,
      bodies,
      key,
      sessionId: this.#sessionId,
      direction,
      counter,
    });
    spent.forEach(giveBack);
    this.#inFlightBytes = frame.length;
    await transport.write(frame);
    this.#inFlightBytes = 0;
    this.#count(frame);
    if (transport.letsGo === true) giveBack(frame);
    this.#resume(this.queuedBytes);
  }

  #count(frame: Uint8Array): void {
    this.#written.frames++;
    this.#written.bytes += frame.length;
  }

  #resume(left: number): void {
    if (this.#paced.length === 0) return;
    const ready = this.#paced.filter(({ bytes }) => left <= bytes);
    this.#paced = this.#paced.filter(({ bytes }) => left > bytes);
    for (const { resume } of ready) resume();
  }
}
