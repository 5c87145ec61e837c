/** Reading fixed binary layouts: every read is checked, and what is left over is an error. */
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { AppError, type ErrorCode } from "../base/errors.ts";

/** Walks through bytes from others; throws `AppError` with the given code as soon as they do not fit. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #code: ErrorCode;
  #offset = 0;

  constructor(bytes: Uint8Array, code: ErrorCode) {
    this.#bytes = bytes;
    this.#code = code;
  }

  /** How many bytes were read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** A copy of the next `length` bytes. */
  take(length: number): Bytes {
    if (this.#bytes.length - this.#offset < length) throw new AppError(this.#code);
    this.#offset += length;
    return copyBytes(this.#bytes.subarray(this.#offset - length, this.#offset));
  }

  /** The next byte as a number. */
  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  /** The next 8 bytes, big endian. More than 2^53-1 is refused: such a number would not survive as one. */
  u64(): number {
    const value = new DataView(this.take(8).buffer).getBigUint64(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new AppError(this.#code);
    return Number(value);
  }

  /** Refuses trailing bytes. */
  end(): void {
    if (this.#offset !== this.#bytes.length) throw new AppError(this.#code);
  }
}
