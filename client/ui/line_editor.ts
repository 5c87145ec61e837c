/** A dialogue on a terminal: one input line and a status row, repainted in place; everything else scrolls above. */
import type { AskOptions, Complete, Dialogue, Entered } from "./dialogue.ts";
import {
  browse,
  type Draft,
  draftOf,
  draftText,
  edits,
  emptyDraft,
  emptyHistory,
  graphemesOf,
  insert,
  remember,
} from "./editor.ts";
import type { Key } from "./keys.ts";
import { columnsOf, cropped, type Layout, layOut } from "./layout.ts";
import type { Terminal } from "./terminal.ts";

interface Question {
  readonly hidden: boolean;
  readonly keep: boolean;
  readonly settle: (entered: Entered) => void;
}

const nothingPainted: Layout = { rows: [""], cursorRow: 0, cursorColumn: 0 };

/** Synchronized output (DEC private mode 2026): terminals that know it show each repaint whole; others ignore it. */
const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";

/** The line editor over `terminal`. */
export class LineEditor implements Dialogue {
  readonly interactive = true;
  readonly #terminal: Terminal;
  #draft: Draft = emptyDraft;
  #history = emptyHistory;
  #prompt = "";
  #status: string | undefined;
  #complete: Complete | undefined;
  #question: Question | undefined;
  #painted: Layout | undefined;
  #ended = false;
  /** Lines entered before somebody asked for them, so that fast typing and pastes of lines lose nothing. */
  readonly #early: Key[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.onResize(() => this.#resized());
    terminal.onResume(() => this.#resumed());
    this.#readKeys();
  }

  get columns(): number {
    return this.#terminal.size().columns;
  }

  print(lines: string): void {
    const text = lines.split("\n").join("\r\n");
    this.#terminal.write(`${begin}${this.#erased()}${text}\r\n${this.#paint()}${end}`);
  }

  notice(lines: string): void {
    this.print(lines);
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
      this.#repaint();
      this.#handle(this.#early.splice(0));
    });
  }

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
    this.#repaint();
  }

  setStatus(status: string | undefined): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#repaint();
  }

  setCompletion(complete: Complete | undefined): void {
    this.#complete = complete;
  }

  close(): void {
    this.#ended = true;
    this.#terminal.write(this.#erased());
    this.#terminal.close();
  }

  async #readKeys(): Promise<void> {
    for await (const keys of this.#terminal.keys()) this.#handle(keys);
    this.#ended = true;
    this.#finish({ kind: "end" });
  }

  #handle(keys: readonly Key[]): void {
    for (const key of keys) {
      if (key.kind === "named" && key.name === "ctrl-z") this.#suspend();
      else if (this.#question === undefined) this.#early.push(key);
      else this.#press(key);
    }
    if (this.#question !== undefined) this.#repaint();
  }

  #press(key: Key): void {
    if (key.kind === "text" || key.kind === "paste") {
      this.#draft = insert(this.#draft, key.text);
      return;
    }
    const edit = edits[key.name];
    if (edit !== undefined) this.#draft = edit(this.#draft);
    else this.#command(key.name);
  }

  #command(name: string): void {
    const empty = this.#draft.graphemes.length === 0;
    switch (name) {
      case "enter":
        return this.#submit();
      case "up":
        return this.#browse(-1);
      case "down":
        return this.#browse(1);
      case "tab":
        return void this.#completeWord();
      case "ctrl-l":
        return this.#terminal.write(`${this.#erased()}\x1b[2J\x1b[H`);
      case "ctrl-d":
        return empty ? this.#finish({ kind: "end" }) : void this.#press({
          kind: "named",
          name: "delete",
        });
      case "ctrl-c":
        if (empty) return this.#finish({ kind: "interrupt" });
        this.#draft = emptyDraft;
    }
  }

  /** The terminal is handed back clean; what was being typed is there again afterwards. */
  #suspend(): void {
    this.#terminal.write(this.#erased());
    this.#terminal.suspend();
    this.#repaint();
  }

  /** Others have written in the meantime, so nothing on the screen is ours to erase. */
  #resumed(): void {
    if (this.#painted === undefined) return;
    this.#painted = undefined;
    this.#terminal.write(`\r\x1b[J${this.#paint()}`);
  }

  #submit(): void {
    const text = draftText(this.#draft);
    const { hidden = false, keep = false } = this.#question ?? {};
    if (!hidden && !keep) this.#history = remember(this.#history, text);
    const { columns } = this.#terminal.size();
    const kept = layOut(this.#prompt, hidden ? [] : this.#draft.graphemes, { cursor: 0, columns });
    this.#draft = emptyDraft;
    this.#finish({ kind: "line", text });
    if (keep) this.#terminal.write(`${kept.rows.join("\r\n")}\r\n`);
  }

  #finish(entered: Entered): void {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    this.#terminal.write(this.#erased());
    question.settle(entered);
  }

  #browse(step: -1 | 1): void {
    if (this.#question?.hidden) return;
    const moved = browse(this.#history, this.#draft, step);
    if (moved === undefined) return;
    this.#history = moved.history;
    this.#draft = moved.draft;
  }

  async #completeWord(): Promise<void> {
    if (this.#complete === undefined || this.#question?.hidden) return;
    const draft = this.#draft;
    const before = draft.graphemes.slice(0, draft.cursor).join("");
    const candidates = await this.#complete(before);
    if (this.#draft !== draft || candidates.length === 0) return;
    const common = commonPrefix(candidates);
    if (common.length > before.length) {
      const completed = draftOf(common);
      this.#draft = {
        graphemes: [...completed.graphemes, ...draft.graphemes.slice(draft.cursor)],
        cursor: completed.cursor,
      };
      this.#repaint();
    } else if (candidates.length > 1) {
      this.print(candidates.map((candidate) => candidate.trimEnd().split(" ").at(-1)).join("  "));
    }
  }

  #repaint(): void {
    if (this.#question === undefined && this.#painted === undefined) return;
    this.#terminal.write(`${begin}${this.#erased()}${this.#paint()}${end}`);
  }

  /** Moves to the first painted row and clears from there down. */
  #erased(): string {
    // The signal of a resize may come after it: asking for the size lets #resized set right what was painted before.
    this.#terminal.size();
    const painted = this.#painted;
    this.#painted = undefined;
    if (painted === undefined) return "";
    const up = painted.cursorRow === 0 ? "" : `\x1b[${painted.cursorRow}A`;
    // Where the first row is the screen's, tmux takes a clearing from there on for one of the whole screen, and keeps it
    // in its scrollback; so the first row is cleared by itself.
    const rest = painted.rows.length > 1 ? "\x1b[B\x1b[J\x1b[A" : "";
    return `\r${up}\x1b[K${rest}`;
  }

  #paint(): string {
    if (this.#question === undefined) return "";
    const { columns, rows } = this.#terminal.size();
    const status = this.#statusRow(columns);
    const layout = cropped(
      layOut(this.#prompt, this.#draft.graphemes, {
        cursor: this.#draft.cursor,
        columns,
        ...(this.#question.hidden ? { mask: "" } : {}),
      }),
      Math.max(1, rows - (status === undefined ? 1 : 2)),
    );
    const all = status === undefined ? layout.rows : [...layout.rows, status];
    this.#painted = { ...layout, rows: all };
    const up = all.length - 1 - layout.cursorRow;
    const right = layout.cursorColumn === 0 ? "" : `\x1b[${layout.cursorColumn}C`;
    return `${all.join("\r\n")}${up === 0 ? "" : `\x1b[${up}A`}\r${right}`;
  }

  #statusRow(columns: number): string | undefined {
    if (this.#status === undefined || this.#question?.hidden) return undefined;
    let row = "";
    for (const grapheme of graphemesOf(this.#status)) {
      if (columnsOf(row + grapheme) > columns - 1) break;
      row += grapheme;
    }
    return `\x1b[2m${row}\x1b[22m`;
  }

  /** The terminal has wrapped what was painted anew: find its first row again before repainting. */
  #resized(): void {
    const painted = this.#painted ?? nothingPainted;
    const { columns } = this.#terminal.size();
    const wrapped = (text: string) => Math.max(1, Math.ceil(columnsOf(text) / columns));
    const above = painted.rows.slice(0, painted.cursorRow)
      .reduce((sum, row) => sum + wrapped(row), 0);
    const own = Math.floor(painted.cursorColumn / columns);
    if (this.#painted !== undefined) {
      const rows = painted.rows.flatMap((row) => Array<string>(wrapped(row)).fill(""));
      this.#painted = { ...painted, rows, cursorRow: above + own };
    }
    this.#repaint();
  }
}

/** The longest text that all of `texts` begin with. */
export function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? "";
  for (const text of texts) {
    while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  }
  return prefix;
}
