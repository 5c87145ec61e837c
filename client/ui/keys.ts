/** Turns the bytes of a terminal in raw mode into keys. Pure and incremental: a sequence may arrive in pieces. */
import { inputLimits } from "../../lib/base/limits.ts";

/** One key press, one whole bracketed paste, or an answer of the terminal itself. */
export type Key =
  | { readonly kind: "text"; readonly text: string }
  /** `cut`: it was longer than any paste may be, and only its beginning is here. */
  | { readonly kind: "paste"; readonly text: string; readonly cut?: true }
  /** The terminal's own answer to a question. */
  | { readonly kind: "report"; readonly text: string }
  | { readonly kind: "named"; readonly name: KeyName };

/** Keys that are not text. */
export type KeyName =
  | "enter"
  | "tab"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "up"
  | "down"
  | "home"
  | "end"
  | "word-left"
  | "word-right"
  | "word-delete"
  | "newline"
  | "escape"
  | `ctrl-${string}`
  | "unknown";

const pasteStart = "\x1b[200~";
const pasteEnd = "\x1b[201~";

/** What follows `ESC [` or `ESC O`, by its whole text. */
const sequences: Readonly<Record<string, KeyName>> = {
  "A": "up",
  "B": "down",
  "C": "right",
  "D": "left",
  "H": "home",
  "F": "end",
  "1~": "home",
  "7~": "home",
  "4~": "end",
  "8~": "end",
  "3~": "delete",
  "1;5C": "word-right",
  "1;5D": "word-left",
  "1;3C": "word-right",
  "1;3D": "word-left",
};

/** Keys pressed together with Alt. */
const withAlt: Readonly<Record<string, KeyName>> = {
  b: "word-left",
  f: "word-right",
  d: "word-delete",
  "\x7f": "ctrl-w",
  "\b": "ctrl-w",
  "\r": "newline",
  "\n": "newline",
};

const controls: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\x7f": "backspace",
  "\b": "backspace",
};

/** A CSI or SS3 sequence at the start of the text (ECMA-48 section 5.4). */
// deno-lint-ignore no-control-regex -- escape sequences are what is parsed here
const escapeSequence = /^\x1b(?:\[([0-?]*[ -/]*[@-~])|O([@-~]))/;
// deno-lint-ignore no-control-regex -- as above: the beginning of such a sequence, not complete yet
const partialSequence = /^\x1b(?:\[[0-?]*[ -/]*|O)?$/;

/** An operating system command: the terminal's answer to a question about its colours. */
// deno-lint-ignore no-control-regex -- as above
const systemCommand = /^\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)/;
// deno-lint-ignore no-control-regex -- as above
const partialCommand = /^\x1b\]\d[^\x07\x1b]*\x1b?$/;

/** What kind of terminal this is (DA1 and DA2), and where its cursor stands (CPR). */
const reports = /^(?:[?>][\d;]*c|\d+;\d+R)$/;

/** Longest sequence waited for; what is longer is not a key. */
const longestSequence = 64;

/** Parser of one terminal's input. */
export class KeyReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #paste: string | undefined;
  #cut = false;

  /** The keys completed by `bytes`. */
  push(bytes: Uint8Array): Key[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    return this.#drain();
  }

  /** Whether an escape is waiting for what might follow it. */
  get waiting(): boolean {
    return this.#paste === undefined && this.#rest.startsWith("\x1b");
  }

  /** Nothing followed in time: what waited was the Escape key itself. */
  flush(): Key[] {
    if (!this.waiting) return [];
    if (partialCommand.test(this.#rest)) this.#rest = this.#rest.slice(0, 1);
    this.#rest = this.#rest.slice(1);
    return [{ kind: "named", name: "escape" }, ...this.#drain()];
  }

  #drain(): Key[] {
    const keys: Key[] = [];
    for (;;) {
      const key = this.#paste === undefined ? this.#next() : this.#pasteNext();
      if (key === undefined) return keys;
      if (key !== "nothing") keys.push(key);
    }
  }

  #pasteNext(): Key | undefined {
    const end = this.#rest.indexOf(pasteEnd);
    if (end < 0) {
      const keep = Math.max(0, this.#rest.length - pasteEnd.length + 1);
      this.#gather(this.#rest.slice(0, keep));
      this.#rest = this.#rest.slice(keep);
      return undefined;
    }
    this.#gather(this.#rest.slice(0, end));
    this.#rest = this.#rest.slice(end + pasteEnd.length);
    const text = (this.#paste ?? "").replace(/\r\n?/g, "\n");
    this.#paste = undefined;
    return this.#cut ? { kind: "paste", text, cut: true } : { kind: "paste", text };
  }

  #gather(text: string): void {
    const paste = (this.#paste ?? "") + text;
    this.#cut ||= paste.length > inputLimits.pasteChars;
    this.#paste = paste.slice(0, inputLimits.pasteChars);
  }

  #next(): Key | "nothing" | undefined {
    if (this.#rest === "") return undefined;
    if (this.#rest.startsWith(pasteStart)) {
      this.#rest = this.#rest.slice(pasteStart.length);
      this.#paste = "";
      this.#cut = false;
      return "nothing";
    }
    return this.#rest.startsWith("\x1b") ? this.#escape() : this.#plain();
  }

  #escape(): Key | undefined {
    const match = escapeSequence.exec(this.#rest);
    if (match !== null) {
      this.#rest = this.#rest.slice(match[0].length);
      if (reports.test(match[1] ?? "")) return { kind: "report", text: match[1] ?? "" };
      return { kind: "named", name: sequences[match[1] ?? match[2] ?? ""] ?? "unknown" };
    }
    const command = systemCommand.exec(this.#rest);
    if (command !== null) {
      this.#rest = this.#rest.slice(command[0].length);
      return { kind: "report", text: command[1] ?? "" };
    }
    const partial = partialCommand.test(this.#rest) && this.#rest.length < longestSequence;
    if (partial) return undefined;
    if (partialSequence.test(this.#rest) && this.#rest.length < longestSequence) return undefined;
    const second = String.fromCodePoint(this.#rest.codePointAt(1) ?? 0);
    this.#rest = this.#rest.slice(1 + second.length);
    return { kind: "named", name: withAlt[second] ?? "unknown" };
  }

  #plain(): Key {
    // deno-lint-ignore no-control-regex -- a run of anything that is not a control character
    const run = /^[^\x00-\x1f\x7f]+/.exec(this.#rest)?.[0];
    if (run !== undefined) {
      this.#rest = this.#rest.slice(run.length);
      return { kind: "text", text: run };
    }
    const character = this.#rest.charAt(0);
    this.#rest = this.#rest.slice(1);
    const letter = String.fromCharCode(character.charCodeAt(0) + 96);
    return { kind: "named", name: controls[character] ?? `ctrl-${letter}` };
  }
}
