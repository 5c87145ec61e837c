/** Lines over a byte stream, at most so long. */
import { adminLimits } from "../../lib/base/limits.ts";

type ByteReader = Pick<Deno.Conn, "read">;

/** Reads lines; what is not UTF-8 becomes replacement characters, which no request consists of. */
export class LineReader {
  readonly #from: ByteReader;
  readonly #chunk = new Uint8Array(4096);
  #held = new Uint8Array(0);

  constructor(from: ByteReader) {
    this.#from = from;
  }

  /** The next line without its end; undefined at the end of the stream, or when a line is too long. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(0x0a);
      if (end >= 0) return this.#take(end);
      if (this.#held.length > adminLimits.lineBytes) return undefined;
      const count = await this.#from.read(this.#chunk);
      if (count === null) return undefined;
      this.#add(this.#chunk.subarray(0, count));
    }
  }

  #take(end: number): string {
    const line = new TextDecoder().decode(this.#held.subarray(0, end));
    this.#held = this.#held.slice(end + 1);
    return line;
  }

  #add(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#held.length + bytes.length);
    joined.set(this.#held);
    joined.set(bytes, this.#held.length);
    this.#held = joined;
  }
}

/** Writes a line whole. */
export async function writeLine(to: Pick<Deno.Conn, "write">, line: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
