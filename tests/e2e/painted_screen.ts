/**
 * The line editor of this process at a real terminal of tmux: bytes go there and answers come back through pipes of the
 * file system, and it learns of a resize when the test says so, as long after the terminal as the test wants.
 */
import { type Key, KeyReader } from "../../client/ui/keys.ts";
import { Questions } from "../../client/ui/questions.ts";
import type { Terminal as EditorTerminal } from "../../client/ui/terminal.ts";
import { TempFolder } from "../kit/folder.ts";
import { Terminal } from "./terminal.ts";

/** Columns and rows. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal whose program is the test. */
export class PaintedScreen implements EditorTerminal, AsyncDisposable {
  readonly #folder: TempFolder;
  readonly terminal: Terminal;
  readonly #out: Deno.FsFile;
  readonly #in: Deno.FsFile;
  readonly #reader = new KeyReader();
  readonly #questions = new Questions((text) => this.write(text));
  readonly #listeners: (() => void)[] = [];
  readonly #keys: (readonly Key[])[] = [];
  #wake = () => {};
  #known: Size;
  #marks = 0;

  private constructor(
    folder: TempFolder,
    how: { terminal: Terminal; out: Deno.FsFile; answers: Deno.FsFile; size: Size },
  ) {
    this.#folder = folder;
    this.terminal = how.terminal;
    this.#out = how.out;
    this.#in = how.answers;
    this.#known = how.size;
    void this.#listen();
  }

  /** Opens a terminal of this size, empty. */
  static async open(size: Size): Promise<PaintedScreen> {
    const folder = await TempFolder.make();
    const terminal = await Terminal.open(folder.path, size);
    const pipes = [`${folder.path}/out`, `${folder.path}/in`];
    await new Deno.Command("mkfifo", { args: pipes }).output();
    await terminal.enter("clear; stty raw -echo; exec sh -c 'cat out & exec cat >in'");
    const [out, answers] = await Promise.all([
      Deno.open(`${folder.path}/out`, { write: true }),
      Deno.open(`${folder.path}/in`, { read: true }),
    ]);
    return new PaintedScreen(folder, { terminal, out, answers, size });
  }

  size(): Size {
    return this.#known;
  }

  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += this.#out.writeSync(bytes.subarray(at));
  }

  async *keys(): AsyncGenerator<readonly Key[]> {
    for (;;) {
      const keys = this.#keys.shift();
      if (keys !== undefined) yield keys;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  soon(action: () => void): void {
    queueMicrotask(action);
  }

  reflow() {
    return "follows" as const;
  }

  measure() {
    return this.#questions.measure();
  }

  answered(): Promise<void> {
    return this.#questions.answered();
  }

  background(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onResize(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onResume(): void {
    // Nobody stops a test.
  }

  suspend(): void {
    // As above.
  }

  close(): void {
    // The terminal ends with the test.
  }

  /** Keys as they come from a keyboard; what they change is written when this returns. */
  press(text: string): Promise<void> {
    this.#take(new TextEncoder().encode(text));
    return settled();
  }

  /** The terminal takes another size and wraps its rows anew; nobody tells the editor. */
  async wrap(size: Size): Promise<void> {
    await this.terminal.wrap(size);
  }

  /** The editor is told of a size. */
  tell(size: Size): Promise<void> {
    this.#known = size;
    for (const listener of this.#listeners) listener();
    return settled();
  }

  /** Everything written is on the screen, every question is answered, and what that led to is on the screen too. */
  async shown(): Promise<void> {
    await this.#drawn();
    await this.#questions.answered();
    await settled();
    await this.#drawn();
  }

  /** What was written so far is on the screen. */
  async #drawn(): Promise<void> {
    const mark = `mark ${++this.#marks}`;
    this.write(`\x1b]2;${mark}\x07`);
    await this.terminal.waitFor(
      async () => await this.terminal.fact("#{pane_title}") === mark || undefined,
      "be drawn",
    );
  }

  #take(bytes: Uint8Array): void {
    const keys = this.#reader.push(bytes).filter((key) => !this.#questions.answer(key));
    if (keys.length === 0) return;
    this.#keys.push(keys);
    this.#wake();
  }

  async #listen(): Promise<void> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const got = await this.#in.read(buffer).catch(() => null);
      if (got === null) return;
      this.#take(buffer.slice(0, got));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal[Symbol.asyncDispose]();
    await this.#questions.answered();
    this.#out.close();
    this.#in.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** What was begun in this turn has been done. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
