/** Lines of a stream of bytes. */

/** A line as its bytes, without its end; or that it was longer than allowed, and was passed over. */
export type BoundedLine =
  | { readonly kind: "line"; readonly bytes: Uint8Array }
  | { readonly kind: "too_long" };

const newline = 10;
const carriageReturn = 13;

/** Reads lines. A last line without a newline counts; a carriage return before the newline belongs to it. */
export class LineReader {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read but not handed out yet. */
  #rest = new Uint8Array(0);
  #ended = false;

  constructor(bytes: ReadableStream<Uint8Array>) {
    this.#source = bytes.getReader();
  }

  /** The next line as text; what is not UTF-8 in it is replaced. Undefined at the end of input. */
  async next(): Promise<string | undefined> {
    const line = await this.bounded(Infinity);
    return line?.kind === "line" ? new TextDecoder().decode(line.bytes) : undefined;
  }

  /** The next line, of at most `most` bytes; of a longer one nothing is kept. Undefined at the end of input. */
  async bounded(most: number): Promise<BoundedLine | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const end = this.#rest.indexOf(newline);
      const part = end < 0 ? this.#rest : this.#rest.subarray(0, end);
      length += part.length;
      if (length <= most) parts.push(part);
      else parts.length = 0;
      this.#rest = end < 0 ? new Uint8Array(0) : this.#rest.subarray(end + 1);
      if (end >= 0) break;
      if (!await this.#readOn()) {
        if (length === 0) return undefined;
        break;
      }
    }
    if (length > most) return { kind: "too_long" };
    return { kind: "line", bytes: withoutReturn(joined(parts, length)) };
  }

  async #readOn(): Promise<boolean> {
    if (this.#ended) return false;
    const { value, done } = await this.#source.read();
    this.#ended = done;
    if (value !== undefined) this.#rest = new Uint8Array(value);
    return !done;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}
