/** What the input line must show, key by key: the editor's rules without a terminal. */
import {
  cutBy,
  type Draft,
  draftText,
  edits,
  emptyDraft,
  insert,
  paste,
} from "../../client/ui/editor.ts";
import { beginSearch, found, InputLines, type Search } from "../../client/ui/input_lines.ts";
import { cropped, type Layout, layOut, rowAbove } from "../../client/ui/layout.ts";

/** Keys by their names in tmux. */
export const keys: Readonly<Record<string, string>> = {
  "Left": "left",
  "Right": "right",
  "Up": "up",
  "Down": "down",
  "Home": "home",
  "End": "end",
  "BSpace": "backspace",
  "DC": "delete",
  "C-a": "ctrl-a",
  "C-e": "ctrl-e",
  "C-b": "ctrl-b",
  "C-f": "ctrl-f",
  "C-p": "ctrl-p",
  "C-n": "ctrl-n",
  "C-w": "ctrl-w",
  "C-u": "ctrl-u",
  "C-k": "ctrl-k",
  "C-y": "ctrl-y",
  "C-t": "ctrl-t",
  "C-o": "ctrl-o",
  "M-b": "word-left",
  "M-f": "word-right",
  "M-d": "word-delete",
  "M-Enter": "newline",
};

/** Columns and rows. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A line being typed, and those entered before. */
export class TypedLine {
  readonly #lines = new InputLines();
  #draft: Draft = emptyDraft;
  #taken = "";

  get text(): string {
    return draftText(this.#draft);
  }

  type(text: string): void {
    this.#draft = insert(this.#draft, text);
  }

  paste(text: string): void {
    this.#draft = paste(this.#draft, text);
  }

  /** A key, by the client's name for it, in a window of this size. */
  press(name: string, { columns }: Size, prompt: string): void {
    const cut = cutBy(name, this.#draft);
    const step = { "up": -1, "ctrl-p": -1, "down": 1, "ctrl-n": 1 }[name] as -1 | 1 | undefined;
    if (cut !== undefined) {
      this.#taken = cut.taken || this.#taken;
      this.#draft = cut.draft;
    } else if (name === "ctrl-y") this.#draft = insert(this.#draft, this.#taken);
    else if (step !== undefined) {
      this.#draft = rowAbove(prompt, this.#draft, { columns, by: step }) ??
        this.#lines.step(this.#draft, step) ?? this.#draft;
    } else this.#draft = edits[name]?.(this.#draft) ?? this.#draft;
  }

  /** Ctrl-R, what is looked for, Ctrl-R so many times more, and Enter, or Ctrl-G when it is given up. */
  search(query: string, { older, givenUp }: { older: number; givenUp: boolean }): void {
    let search: Search = { ...beginSearch(this.#draft), query };
    for (let time = 0; time < older; time++) {
      const next = { ...search, skipped: search.skipped + 1 };
      if (this.#lines.find(next) !== undefined) search = next;
    }
    if (!givenUp) this.#draft = found(search, this.#lines);
  }

  /** Enter. */
  enter(): void {
    this.#lines.add(this.text);
    this.#draft = emptyDraft;
    this.#lines.leave();
  }

  /** What stands above the status in a window of this size. */
  rows({ columns, rows }: Size, prompt: string): Layout {
    const { graphemes, cursor } = this.#draft;
    const height = Math.max(1, Math.min(Math.ceil(rows / 2), rows - 2));
    return cropped(layOut(prompt, graphemes, { cursor, columns }), height);
  }
}
