/** Reads the TLS presentation language as MLS uses it (RFC 9420 section 2.1) without ever throwing. */

const nothing = new Uint8Array();

/**
 * A cursor over bytes. Reading past the end, or a wrong encoding, makes it `failed` for good: from then on it gives
 * zeros and empty vectors, so that code reads on and asks once at the end.
 */
export class TlsReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether anything so far was not as it must be. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether everything was read; true after a failure, so that loops end. */
  get ended(): boolean {
    return this.#failed || this.#offset === this.#bytes.length;
  }

  /** How many bytes were read. */
  get offset(): number {
    return this.#offset;
  }

  /** The bytes read since `start`, without copying. */
  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Gives up: the content is not as it must be. */
  fail(): void {
    this.#failed = true;
  }

  /** Moves on by `count` bytes and returns where they begin, or -1. */
  #advance(count: number): number {
    if (this.#failed || this.#bytes.length - this.#offset < count) {
      this.#failed = true;
      return -1;
    }
    this.#offset += count;
    return this.#offset - count;
  }

  /** Moves on by `count` bytes. */
  skip(count: number): void {
    this.#advance(count);
  }

  /** One byte. */
  u8(): number {
    const at = this.#advance(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  /** Two bytes. */
  u16(): number {
    const at = this.#advance(2);
    return at < 0 ? 0 : this.#view.getUint16(at);
  }

  /** Four bytes. */
  u32(): number {
    const at = this.#advance(4);
    return at < 0 ? 0 : this.#view.getUint32(at);
  }

  /** Eight bytes; fails beyond 2^53 - 1, which no group reaches. */
  u64(): number {
    const at = this.#advance(8);
    const value = at < 0 ? 0n : this.#view.getBigUint64(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.#failed = true;
    return this.#failed ? 0 : Number(value);
  }

  /** A variable-length vector (RFC 9420 section 2.1.2), without copying. Fails when its length is not minimal. */
  vector(): Uint8Array {
    const length = this.#vectorLength();
    const at = this.#advance(length);
    return at < 0 ? nothing : this.#bytes.subarray(at, at + length);
  }

  #vectorLength(): number {
    const first = this.u8();
    const length = first & 0x3f;
    switch (first >> 6) {
      case 0:
        return length;
      case 1:
        return this.#atLeast(64, length * 2 ** 8 + this.u8());
      case 2:
        return this.#atLeast(16384, length * 2 ** 24 + this.u8() * 2 ** 16 + this.u16());
      default:
        this.#failed = true;
        return 0;
    }
  }

  #atLeast(least: number, length: number): number {
    if (length < least) this.#failed = true;
    return length;
  }
}
