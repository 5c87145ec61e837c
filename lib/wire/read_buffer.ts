/** The buffer that a connection reads into: small while idle, larger while much arrives. */
import type { Transport } from "./transport.ts";

/** Thousands of idle connections each hold one of these. */
const smallBytes = 2 * 1024;
const largeBytes = 64 * 1024;
/** So many small reads in a row give the large buffer back. */
const patience = 4;

/** Reads from a transport into a buffer of a fitting size. */
export class ReadBuffer {
  #buffer: Uint8Array = new Uint8Array(smallBytes);
  #smallReads = 0;

  /** What one read brings: a view that the next call overwrites; undefined at the end. */
  async fill(transport: Transport): Promise<Uint8Array | undefined> {
    const buffer = this.#buffer;
    const count = await transport.read(buffer);
    if (count === null) return undefined;
    this.#resize(count);
    return buffer.subarray(0, count);
  }

  #resize(count: number): void {
    const size = this.#buffer.length;
    if (count === size && size < largeBytes) {
      this.#buffer = new Uint8Array(Math.min(largeBytes, size * 8));
      this.#smallReads = 0;
    } else if (count > smallBytes || size === smallBytes) {
      this.#smallReads = 0;
    } else if (++this.#smallReads >= patience) {
      this.#buffer = new Uint8Array(smallBytes);
      this.#smallReads = 0;
    }
  }
}
