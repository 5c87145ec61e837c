/** What a child process prints, as JSON values line by line. */

/** Reads the standard output of a process that prints one JSON value per line. */
export class ChildLines<Value> {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(output: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
    this.#reader = output.pipeThrough(decoder).getReader();
  }

  /** The next line. Throws when the process has ended without one. */
  async next(): Promise<Value> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the process ended");
      this.#rest += value;
    }
  }

  /** Nothing more is read. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
