/** A real terminal emulator behind the interface's terminal, so that tests see what a person would see. */
import xterm from "@xterm/headless";
import { type Key, KeyReader } from "../../../client/ui/keys.ts";
import type { Measure, Reflow } from "../../../client/ui/questions.ts";
import type { Terminal } from "../../../client/ui/terminal.ts";

/** A terminal of which tests read the screen and press the keys. */
export class TestScreen implements Terminal {
  readonly #emulator;
  readonly #reader = new KeyReader();
  readonly #listeners: (() => void)[] = [];
  readonly #resumed: (() => void)[] = [];
  readonly #queue: (readonly Key[])[] = [];
  /** What somebody else writes while the program is stopped by Ctrl-Z. */
  whileStopped = "";
  answeredBackground: "dark" | "light" | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  /** How often something was written. */
  writes = 0;
  /** How often the bell was rung. */
  bells = 0;

  constructor(columns = 40, rows = 10) {
    this.#emulator = new xterm.Terminal({
      cols: columns,
      rows,
      scrollback: 20_000,
      allowProposedApi: true,
    });
  }

  size() {
    return { columns: this.#emulator.cols, rows: this.#emulator.rows };
  }

  write(text: string): void {
    this.writes++;
    // The bell is what is left when sequences that end with it are taken away.
    // deno-lint-ignore no-control-regex -- escape sequences are what is looked at
    this.bells += text.replace(/\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g, "").split("\x07").length - 1;
    this.#emulator.write(text);
  }

  async *keys(): AsyncGenerator<readonly Key[]> {
    for (;;) {
      const keys = this.#queue.shift();
      if (keys !== undefined) yield keys;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  soon(action: () => void): void {
    queueMicrotask(action);
  }

  reflow(): Reflow {
    return "xterm.js";
  }

  measure(): Measure | undefined {
    return undefined;
  }

  answered(): Promise<void> {
    return Promise.resolve();
  }

  background() {
    return Promise.resolve(this.answeredBackground);
  }

  onResize(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onResume(listener: () => void): void {
    this.#resumed.push(listener);
  }

  suspend(): void {
    this.write(this.whileStopped);
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Sends these characters as a keyboard would, and waits until they were handled. */
  async press(text: string): Promise<void> {
    this.#queue.push(this.#reader.push(new TextEncoder().encode(text)));
    this.#wake?.();
    await this.settled();
  }

  /** Waits until the reader of keys is idle and the emulator has drawn everything. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await this.#drawn();
  }

  #drawn(): Promise<void> {
    return new Promise<void>((resolve) => this.#emulator.write("", resolve));
  }

  async resize({ columns, rows }: { columns: number; rows: number }): Promise<void> {
    await this.settled();
    this.#emulator.resize(columns, rows);
    for (const listener of this.#listeners) listener();
    await this.settled();
  }

  /** The process was stopped from outside, somebody wrote `others`, and it goes on. */
  async goOn(others: string): Promise<void> {
    await this.settled();
    this.write(others);
    for (const listener of this.#resumed) listener();
    await this.settled();
  }

  /** Everything in the scrollback and on the screen, without empty rows at the end. */
  async text(): Promise<string[]> {
    await this.settled();
    const buffer = this.#emulator.buffer.active;
    const rows: string[] = [];
    for (let row = 0; row < buffer.length; row++) {
      rows.push(buffer.getLine(row)?.translateToString(true).trimEnd() ?? "");
    }
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }

  /** UTF-16 units of the cursor's row before that column. */
  async unitsBefore(column: number): Promise<number> {
    await this.settled();
    const { active } = this.#emulator.buffer;
    return active.getLine(active.baseY + active.cursorY)?.translateToString(false, 0, column)
      .length ?? 0;
  }

  /** Where the cursor stands: row in `text()`, and column. */
  async cursor(): Promise<{ row: number; column: number }> {
    await this.settled();
    const buffer = this.#emulator.buffer.active;
    return { row: buffer.baseY + buffer.cursorY, column: buffer.cursorX };
  }
}
