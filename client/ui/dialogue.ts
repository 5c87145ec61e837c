/** A conversation with a person or a script, line by line; a terminal and a pipe both are one. */

/** What came of waiting for a line: the line, the end of input, or Ctrl-C on an empty line. */
export type Entered =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "end" }
  | { readonly kind: "interrupt" };

/** How a question is asked. */
export interface AskOptions {
  /** What is typed is not shown and not remembered. */
  readonly hidden?: boolean;
  /** The question and its answer (unless hidden) stay on the screen. */
  readonly keep?: boolean;
}

/** Completes the word before the cursor: all candidates for the text so far, as whole replacements of it. */
export type Complete = (textBeforeCursor: string) => Promise<readonly string[]>;

/** Something that can show lines and read lines. */
export interface Dialogue {
  /** Whether a person sits in front of it. */
  readonly interactive: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Shows whole lines; they must have been sanitised. Above the line being typed, where there is one. */
  print(lines: string): void;
  /** Shows something that is not data: on a terminal like `print`, otherwise on standard error. */
  notice(lines: string): void;
  /** Reads one line. Only one call at a time. */
  readLine(prompt: string, options?: AskOptions): Promise<Entered>;
  /** Changes the prompt of the line being typed. */
  setPrompt(prompt: string): void;
  /** The row below the input line; undefined for none. */
  setStatus(status: string | undefined): void;
  setCompletion(complete: Complete | undefined): void;
  /** Puts everything back as it was. Calling it again does nothing. */
  close(): void;
}
