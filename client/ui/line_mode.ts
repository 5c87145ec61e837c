/** A dialogue over pipes: one input line is one line, one event is one line. */
import type { Dialogue, Entered } from "./dialogue.ts";
import { LineReader } from "./line_reader.ts";
import { writeErr, writeOut } from "./terminal.ts";

/** The dialogue of a process whose standard input is not a terminal. */
export class LineMode implements Dialogue {
  readonly interactive = false;
  readonly prompting = false;
  readonly columns = undefined;
  readonly #reader: LineReader;

  constructor(input: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = new LineReader(input);
  }

  print(lines: string): void {
    writeOut(`${lines}\n`);
  }

  notice(lines: string): void {
    writeErr(`${lines}\n`);
  }

  async readLine(): Promise<Entered> {
    const text = await this.#reader.next();
    return text === undefined ? { kind: "end" } : { kind: "line", text };
  }

  setPrompt(): void {
    // There is nobody to prompt.
  }

  setStatus(): void {
    // There is no row for it.
  }

  setCompletion(): void {
    // There is no Tab key.
  }

  setEarlierLines(): void {
    // There are no arrow keys.
  }

  putBack(): void {
    // There is no line that could be changed.
  }

  alert(): void {
    // Whoever reads this reads all of it.
  }

  background(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): void {
    // Nothing was changed.
  }
}
