/** Turns the bytes of a terminal in raw mode into keys. Pure and incremental: a sequence may arrive in pieces. */

/** One key press, or one whole bracketed paste. */
export type Key =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "paste"; readonly text: string }
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

/** Longest sequence waited for; what is longer is not a key. */
const longestSequence = 32;

/** Parser of one terminal's input. */
export class KeyReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #paste: string | undefined;

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
      this.#paste += this.#rest.slice(0, keep);
      this.#rest = this.#rest.slice(keep);
      return undefined;
    }
    const text = this.#paste + this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + pasteEnd.length);
    this.#paste = undefined;
    return { kind: "paste", text: text.replace(/\r\n?/g, "\n") };
  }

  #next(): Key | "nothing" | undefined {
    if (this.#rest === "") return undefined;
    if (this.#rest.startsWith(pasteStart)) {
      this.#rest = this.#rest.slice(pasteStart.length);
      this.#paste = "";
      return "nothing";
    }
    return this.#rest.startsWith("\x1b") ? this.#escape() : this.#plain();
  }

  #escape(): Key | undefined {
    const match = escapeSequence.exec(this.#rest);
    if (match !== null) {
      this.#rest = this.#rest.slice(match[0].length);
      return { kind: "named", name: sequences[match[1] ?? match[2] ?? ""] ?? "unknown" };
    }
    if (partialSequence.test(this.#rest) && this.#rest.length < longestSequence) return undefined;
    const second = this.#rest.charAt(1);
    this.#rest = this.#rest.slice(2);
    const words: Record<string, KeyName> = { b: "word-left", f: "word-right", "\x7f": "ctrl-w" };
    return { kind: "named", name: words[second] ?? "unknown" };
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
