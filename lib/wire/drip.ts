/**
 * Why a client begins its hello before it has the server's: a server's TLS stack ends the handshake with session tickets,
 * its hello follows them as a small write, and so it waits for their acknowledgement (see nudge.ts), which the client's
 * system delays by 40 ms unless the client sends something. The lengths that every frame begins with say nothing about
 * the client. They go out byte by byte, each later than the one before, because only what is sent after the tickets have
 * arrived helps, and nothing tells when they do.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Transport } from "./transport.ts";

/** When a byte goes out, in milliseconds after the one before. There are fewer of them than bytes of lengths. */
const pausesMs = [1, 2, 4, 8, 16];

/** The beginning of a hello, until the whole of it may be sent. */
export class Drip {
  readonly #hello: Uint8Array;
  readonly #options: { readonly clock: Clock; readonly transport: Transport };
  #sent = 0;
  #cancel: CancelTimer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    hello: Uint8Array,
    options: { readonly clock: Clock; readonly transport: Transport },
  ) {
    this.#hello = hello;
    this.#options = options;
    this.#arm();
  }

  /** No further byte. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Stops, and returns what has not been sent, when it may be written. Never rejects: what failed once fails again. */
  async rest(): Promise<Uint8Array> {
    this.stop();
    await this.#writing;
    return this.#hello.subarray(this.#sent);
  }

  #arm(): void {
    const ms = pausesMs[this.#sent];
    if (ms !== undefined) this.#cancel = this.#options.clock.after(ms, () => this.#send());
  }

  #send(): void {
    // A timer that was due already when it was stopped: one byte too many would be taken for the next frame's.
    if (this.#cancel === undefined) return;
    const byte = this.#hello.subarray(this.#sent, ++this.#sent);
    this.#writing = this.#options.transport.write(byte).then(() => {
      if (this.#cancel !== undefined) this.#arm();
    }, () => this.stop());
  }
}
