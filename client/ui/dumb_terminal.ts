/** A dialogue on a terminal that can do nothing but print (TERM=dumb): line by line, without any escape sequence. */
import type { AskOptions, Dialogue, Entered } from "./dialogue.ts";
import { KeyReader } from "./keys.ts";

/** What such a terminal is made of. */
export interface PlainInput {
  /** Bytes as they come; undefined at the end of input. */
  read(): Promise<Uint8Array | undefined>;
  write(text: string): void;
  /** Whether the terminal shows what is typed, and edits lines by itself. */
  echo(on: boolean): void;
}

/** Reads what the terminal's own line editing hands over; only a password is read key by key, unseen. */
export class DumbTerminal implements Dialogue {
  readonly interactive = false;
  readonly prompting = true;
  readonly columns = undefined;
  readonly #input: PlainInput;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #ended = false;

  constructor(input: PlainInput) {
    this.#input = input;
  }

  print(lines: string): void {
    this.#input.write(`${lines}\n`);
  }

  notice(lines: string): void {
    this.print(lines);
  }

  async readLine(prompt: string, options: AskOptions = {}): Promise<Entered> {
    // A chat's own prompt would only stand in the way of what arrives.
    if (options.keep === true) this.#input.write(prompt);
    return options.hidden === true ? await this.#hidden() : await this.#line();
  }

  async #line(): Promise<Entered> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const text = this.#rest.slice(0, end).replace(/\r$/, "");
        this.#rest = this.#rest.slice(end + 1);
        return { kind: "line", text };
      }
      const bytes = this.#ended ? undefined : await this.#input.read();
      if (bytes !== undefined) this.#rest += this.#decoder.decode(bytes, { stream: true });
      else if (this.#rest === "") return { kind: "end" };
      else {
        this.#ended = true;
        this.#rest += "\n";
      }
    }
  }

  async #hidden(): Promise<Entered> {
    const keys = new KeyReader();
    this.#input.echo(false);
    try {
      let typed: string[] = [];
      for (;;) {
        const bytes = await this.#input.read();
        if (bytes === undefined) return { kind: "end" };
        for (const key of keys.push(bytes)) {
          if (key.kind === "text" || key.kind === "paste") typed.push(...key.text);
          else if (key.kind === "report") continue;
          else if (key.name === "enter") return { kind: "line", text: typed.join("") };
          else if (key.name === "backspace") typed.pop();
          else if (key.name === "ctrl-u") typed = [];
          else if (key.name === "ctrl-c") return { kind: "interrupt" };
          else if (key.name === "ctrl-d" && typed.length === 0) return { kind: "end" };
        }
      }
    } finally {
      this.#input.echo(true);
      this.#input.write("\n");
    }
  }

  setPrompt(): void {
    // It is not shown.
  }

  setStatus(): void {
    // There is no row for it.
  }

  setCompletion(): void {
    // The terminal edits lines by itself.
  }

  setEarlierLines(): void {
    // As above.
  }

  putBack(): void {
    // As above.
  }

  alert(): void {
    // It could do no more than print.
  }

  background(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): void {
    // Everything is as it was.
  }
}
