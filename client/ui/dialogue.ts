/** A conversation with a person or a script, line by line; a terminal and a pipe both are one. */
import type { StatusPart } from "./status_row.ts";

/** What came of waiting for a line: the line, the end of input, or Ctrl-C on an empty line. */
export type Entered =
  | {
    readonly kind: "line";
    readonly text: string;
    /** Its beginning was pasted, not typed: it is nothing but text. */
    readonly pasted?: true;
  }
  | { readonly kind: "end" }
  /** `again`: the press before had already emptied the line. */
  | { readonly kind: "interrupt"; readonly again?: true };

/** How a question is asked. */
export interface AskOptions {
  /** What is typed is not shown and not remembered. */
  readonly hidden?: boolean;
  /** The question and its answer (unless hidden) stay on the screen. */
  readonly keep?: boolean;
}

/** What could stand in place of the end of the text before the cursor. */
export interface Completion {
  /** How many UTF-16 units of that text they replace. */
  readonly replaces: number;
  /** With the space that is to follow. */
  readonly words: readonly string[];
}

/** Completes the word before the cursor; undefined where nothing can be completed. */
export type Complete = (textBeforeCursor: string) => Promise<Completion | undefined>;

/** How somebody is called to a terminal that they do not look at. */
export interface Alert {
  readonly by: "bell" | "osc9" | "osc777";
  /** One line; sanitised. */
  readonly text: string;
}

/** Something that can show lines and read lines. */
export interface Dialogue {
  /** Whether a person sits in front of it. */
  readonly interactive: boolean;
  /** Whether `readLine` shows its question; where it does not, it has to be said before. */
  readonly prompting: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Shows whole lines; they must have been sanitised. Above the line being typed, where there is one. */
  print(lines: string): void;
  /** Shows something that is not data: on a terminal like `print` but wrapped by words, otherwise on standard error. */
  notice(lines: string): void;
  /** Reads one line. Only one call at a time. */
  readLine(prompt: string, options?: AskOptions): Promise<Entered>;
  /** Changes the prompt of the line being typed. */
  setPrompt(prompt: string): void;
  /** The row below the input line; empty for none. */
  setStatus(parts: readonly StatusPart[], options?: { readonly styled: boolean }): void;
  setCompletion(complete: Complete | undefined): void;
  /** Where lines of earlier times and other windows come from, earliest first, without those entered here. */
  setEarlierLines(earlier: () => readonly string[]): void;
  /** Gives what was entered back, to be changed, unless something else is being typed already. */
  putBack(text: string, options?: { readonly pasted: boolean }): void;
  alert(alert: Alert): void;
  /** What letters stand on; undefined where nobody knows. */
  background(): Promise<"dark" | "light" | undefined>;
  /** Puts everything back as it was. Calling it again does nothing. */
  close(): void;
}
