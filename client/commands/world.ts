/** What commands need from outside; the composition root provides it. */
import type { Clock } from "../../lib/base/clock.ts";
import type { Entrance, ServerAddress, TrustPolicy } from "../engine/api.ts";
import type { Dialogue } from "../ui/dialogue.ts";
import type { BoundedLine } from "../ui/line_reader.ts";

/** What a user has decided about files. */
export interface FileChoices {
  /** Where files are saved. */
  readonly folder: string;
  /** The user's own allow-list; absent: the operator's holds. */
  readonly types?: string;
}

/** How an entrance is chosen. */
export interface EntranceChoice {
  readonly address?: ServerAddress;
  readonly profile?: string;
  readonly home?: string;
  readonly trust: TrustPolicy;
  readonly signal: AbortSignal;
}

/** The machine around a command. */
export interface World {
  readonly clock: Clock;
  /** Aborts at SIGINT, SIGTERM and SIGHUP, with an `ExitError` as its reason. */
  readonly signal: AbortSignal;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  readonly noColor: boolean;
  /** The next line of standard input; undefined at its end. */
  nextInputLine(): Promise<string | undefined>;
  /** The same as bytes, of at most `most`: longer ones are passed over. */
  nextInputBytes(most: number): Promise<BoundedLine | undefined>;
  /** All of the rest of standard input, as UTF-8 text. */
  restOfInput(): Promise<string>;
  /** The terminal as a dialogue, when there is one; the same at every call. */
  dialogue(): Dialogue | undefined;
  /** Runs a command line with the shell, `input` on its standard input and `env` in its environment; its exit code. */
  shell(
    command: string,
    data: { readonly input: string; readonly env: Readonly<Record<string, string>> },
  ): Promise<number>;
  openEntrance(choice: EntranceChoice): Promise<Entrance>;
  /** Where profiles are kept. Throws `ExitError` (usage). */
  clientFolder(home: string | undefined): string;
  /** Standard error, when it is a terminal on which a line can be painted again. */
  errorTerminal(): { readonly columns: number; write(text: string): void } | undefined;
  /** What the user has decided about files. Throws `ExitError` (usage). */
  fileChoices(home: string | undefined): FileChoices;
  /** Data, to standard output. Throws `ExitError` (done) when nobody reads it any more, and aborts `signal`. */
  out(line: string): void;
  /** Everything else, to standard error. */
  err(line: string): void;
}
