/** A dialogue on a terminal: one input line and a status row, repainted in place; everything else scrolls above. */
import type { Alert, AskOptions, Complete, Dialogue, Entered } from "./dialogue.ts";
import {
  cutBy,
  type Draft,
  draftOf,
  draftText,
  edits,
  emptyDraft,
  graphemesOf,
  insert,
  paste,
} from "./editor.ts";
import { beginSearch, found, InputLines, type Search, searchPrompt } from "./input_lines.ts";
import type { Key } from "./keys.ts";
import { cropped, layOut, rowAbove } from "./layout.ts";
import { Painter, type View } from "./painter.ts";
import { type StatusPart, statusRow, statusText, styledStatus } from "./status_row.ts";
import type { Terminal } from "./terminal.ts";
import { inColumns, wrappedWords } from "./words.ts";

interface Question {
  readonly hidden: boolean;
  readonly keep: boolean;
  readonly settle: (entered: Entered) => void;
}

/** Candidates that are listed; more help nobody. */
const mostListed = 100;

/** Keys that a search takes for itself; all others end it. */
const searchKeys: ReadonlySet<string> = new Set(["ctrl-r", "ctrl-g", "ctrl-c", "backspace"]);

/** The line editor over `terminal`. */
export class LineEditor implements Dialogue {
  readonly interactive = true;
  readonly prompting = true;
  readonly #terminal: Terminal;
  readonly #painter: Painter;
  readonly #lines = new InputLines();
  #draft: Draft = emptyDraft;
  /** Whether the draft begins with what was pasted. */
  #pasted = false;
  #taken = "";
  #search: Search | undefined;
  #prompt = "";
  #status: { readonly parts: readonly StatusPart[]; readonly styled: boolean } = {
    parts: [],
    styled: true,
  };
  #complete: Complete | undefined;
  #question: Question | undefined;
  /** Ctrl-C has just emptied the line. */
  #emptied = false;
  #ended = false;
  /** Lines entered before somebody asked for them, so that fast typing and pastes of lines lose nothing. */
  readonly #early: Key[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#painter = new Painter(terminal, () => this.#view());
    this.#readKeys();
  }

  get columns(): number {
    return this.#terminal.size().columns;
  }

  print(lines: string): void {
    this.#painter.show(lines.split("\n"));
  }

  notice(lines: string): void {
    const { columns } = this.#terminal.size();
    this.#painter.show(lines.split("\n").flatMap((line) => wrappedWords(line, columns - 1)));
  }

  readLine(prompt: string, options: AskOptions = {}): Promise<Entered> {
    if (this.#ended) return Promise.resolve({ kind: "end" });
    return new Promise((settle) => {
      this.#prompt = prompt;
      this.#question = {
        hidden: options.hidden ?? false,
        keep: options.keep ?? false,
        settle,
      };
      this.#painter.changed();
      this.#handle(this.#early.splice(0));
    });
  }

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
    this.#painter.changed();
  }

  setStatus(parts: readonly StatusPart[], { styled } = { styled: true }): void {
    this.#status = { parts, styled };
    this.#painter.changed();
  }

  setCompletion(complete: Complete | undefined): void {
    this.#complete = complete;
  }

  setEarlierLines(earlier: () => readonly string[]): void {
    this.#lines.earlier = earlier;
  }

  putBack(text: string, { pasted } = { pasted: false }): void {
    if (this.#draft.graphemes.length > 0) return;
    this.#pasted = pasted;
    this.#draft = draftOf(text);
    this.#painter.changed();
  }

  alert({ by, text }: Alert): void {
    // A semicolon would end the title of OSC 777.
    const plain = text.replaceAll(";", ",");
    if (by === "bell") this.#terminal.write("\x07");
    else if (by === "osc9") this.#terminal.write(`\x1b]9;${plain}\x07`);
    else this.#terminal.write(`\x1b]777;notify;Sealpost;${plain}\x07`);
  }

  background(): Promise<"dark" | "light" | undefined> {
    return this.#terminal.background();
  }

  close(): void {
    this.#question = undefined;
    this.#painter.close();
    this.#terminal.close();
  }

  async #readKeys(): Promise<void> {
    for await (const keys of this.#terminal.keys()) this.#handle(keys);
    this.#ended = true;
    this.#finish({ kind: "end" });
  }

  #handle(keys: readonly Key[]): void {
    let stop = false;
    for (const [index, key] of keys.entries()) {
      if (key.kind === "named" && key.name === "ctrl-z") {
        stop = true;
      } else if (this.#question === undefined) {
        this.#early.push(...keys.slice(index));
        break;
      } else this.#press(key);
    }
    this.#painter.now();
    if (stop) void this.#suspend();
  }

  /** What the terminal has yet to answer would be typed into the shell. */
  async #suspend(): Promise<void> {
    await this.#terminal.answered();
    this.#painter.aside(() => this.#terminal.suspend());
  }

  #press(key: Key): void {
    const emptied = this.#emptied;
    this.#emptied = false;
    if (key.kind === "report") return;
    if (this.#search !== undefined && this.#searches(key, this.#search)) return;
    if (key.kind !== "named") return this.#put(key);
    const cut = cutBy(key.name, this.#draft);
    if (cut !== undefined) {
      this.#taken = this.#question?.hidden ? "" : cut.taken || this.#taken;
      this.#draft = cut.draft;
    } else if (key.name === "ctrl-y") this.#draft = insert(this.#draft, this.#taken);
    else if (edits[key.name] !== undefined) {
      this.#draft = edits[key.name]?.(this.#draft) ?? this.#draft;
    } else this.#command(key.name, emptied);
  }

  #put(key: Exclude<Key, { kind: "named" | "report" }>): void {
    if (this.#draft.cursor === 0) this.#pasted = key.kind === "paste";
    if (key.kind === "text") this.#draft = insert(this.#draft, key.text);
    else this.#draft = paste(this.#draft, key.text);
    if (key.kind === "paste" && key.cut === true) {
      this.notice("! That was too long to be pasted: only its beginning is here.");
    }
  }

  #command(name: string, emptied: boolean): void {
    const empty = this.#draft.graphemes.length === 0;
    switch (name) {
      case "enter":
        return this.#submit();
      case "up":
      case "ctrl-p":
        return this.#vertical(-1);
      case "down":
      case "ctrl-n":
        return this.#vertical(1);
      case "tab":
        return void this.#completeWord();
      case "ctrl-l":
        return this.#painter.clear();
      case "ctrl-r":
        if (!this.#question?.hidden) this.#search = beginSearch(this.#draft);
        return;
      case "ctrl-d":
        if (empty) this.#finish({ kind: "end" });
        else this.#draft = edits["delete"]?.(this.#draft) ?? this.#draft;
        return;
      case "ctrl-c":
        if (empty) return this.#finish({ kind: "interrupt", ...(emptied ? { again: true } : {}) });
        this.#emptied = true;
        return this.#empty();
    }
  }

  #empty(): void {
    this.#draft = emptyDraft;
    this.#pasted = false;
    this.#lines.leave();
  }

  /** A key while somebody looks for an earlier line; false when it ends the search and still has to be done. */
  #searches(key: Key, search: Search): boolean {
    const text = key.kind === "named" || key.kind === "report" ? "" : key.text;
    const name = key.kind === "named" ? key.name : "";
    if (text !== "") this.#search = { ...search, query: search.query + text, skipped: 0 };
    else if (!searchKeys.has(name)) {
      this.#draft = found(search, this.#lines);
      this.#pasted = false;
      this.#search = undefined;
      return name === "enter" || name === "escape" || name === "tab";
    } else if (name === "ctrl-r") this.#search = this.#older(search);
    else if (name === "backspace") {
      const query = graphemesOf(search.query).slice(0, -1).join("");
      this.#search = { ...search, query, skipped: 0 };
    } else {
      this.#draft = search.before;
      this.#search = undefined;
    }
    return true;
  }

  #older(search: Search): Search {
    const older = { ...search, skipped: search.skipped + 1 };
    return this.#lines.find(older) === undefined ? search : older;
  }

  #submit(): void {
    const text = draftText(this.#draft);
    const { hidden = false, keep = false } = this.#question ?? {};
    if (!hidden && !keep) this.#lines.add(text);
    const { columns } = this.#terminal.size();
    const kept = layOut(this.#prompt, hidden ? [] : this.#draft.graphemes, { cursor: 0, columns });
    const pasted = this.#pasted;
    this.#empty();
    if (keep) this.#painter.show(kept.rows);
    this.#finish({ kind: "line", text, ...(pasted ? { pasted } : {}) });
  }

  #finish(entered: Entered): void {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    this.#painter.changed();
    question.settle(entered);
  }

  /** To the row above or below of a draft of several rows; at its ends to an older or newer line. */
  #vertical(by: -1 | 1): void {
    if (this.#question?.hidden) return;
    const { columns } = this.#terminal.size();
    const moved = rowAbove(this.#prompt, this.#draft, { columns, by });
    const draft = moved ?? this.#lines.step(this.#draft, by);
    if (draft === undefined) return;
    if (moved === undefined) this.#pasted = false;
    this.#draft = draft;
  }

  async #completeWord(): Promise<void> {
    if (this.#complete === undefined || this.#question?.hidden || this.#question?.keep) return;
    const draft = this.#draft;
    const before = draft.graphemes.slice(0, draft.cursor).join("");
    const completion = await this.#complete(before);
    if (this.#draft !== draft || completion === undefined) return;
    const { words, replaces } = completion;
    const common = commonPrefix(words);
    const typed = before.slice(before.length - replaces);
    if (words.length > 0 && common !== typed && common.length >= typed.length) {
      const completed = draftOf(before.slice(0, before.length - replaces) + common);
      this.#draft = {
        graphemes: [...completed.graphemes, ...draft.graphemes.slice(draft.cursor)],
        cursor: completed.cursor,
      };
      this.#painter.now();
    } else if (words.length > 1) this.#list(words);
  }

  #list(words: readonly string[]): void {
    const shown = words.slice(0, mostListed).map((word) => word.trimEnd());
    const rows = inColumns(shown, this.#terminal.size().columns);
    const more = words.length - shown.length;
    this.#painter.show(more === 0 ? rows : [...rows, `\u2026 and ${more} more`]);
  }

  #view(): View | undefined {
    if (this.#question === undefined) return undefined;
    const { columns, rows } = this.#terminal.size();
    const { hidden } = this.#question;
    const status = hidden ? undefined : this.#statusView(columns);
    const search = this.#search;
    const match = search && this.#lines.find(search);
    const draft = search === undefined ? this.#draft : match ?? search.before;
    const prompt = search === undefined ? this.#prompt : searchPrompt(search, match !== undefined);
    const input = cropped(
      layOut(prompt, draft.graphemes, {
        cursor: draft.cursor,
        columns,
        ...(hidden ? { mask: "" } : {}),
      }),
      inputRows(rows, status !== undefined),
    );
    return { input, ...(status === undefined ? {} : { status }) };
  }

  #statusView(columns: number): View["status"] {
    const { parts, styled } = this.#status;
    if (parts.length === 0) return undefined;
    const row = statusRow(parts, columns - 1);
    const text = statusText(row);
    return { text, styled: styled ? styledStatus(row) : text };
  }
}

/**
 * Rows of the input on a screen of so many: half of it, so that what arrives is seen, and a window that becomes narrower
 * does not push painted rows out of reach.
 */
function inputRows(rows: number, status: boolean): number {
  return Math.max(1, Math.min(Math.ceil(rows / 2), rows - (status ? 2 : 1)));
}

/** The longest text that all of `texts` begin with, in whole characters. */
export function commonPrefix(texts: readonly string[]): string {
  let prefix = graphemesOf(texts[0] ?? "");
  for (const text of texts) {
    while (!text.startsWith(prefix.join(""))) prefix = prefix.slice(0, -1);
  }
  return prefix.join("");
}
