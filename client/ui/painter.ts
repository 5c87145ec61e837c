/**
 * What stands at the bottom of a terminal and is painted again in place, and the lines that scroll away above it. Everything
 * that changes in one turn is written at once; after a key at once, for lines that arrive a moment later.
 */
import { graphemesOf } from "./editor.ts";
import { columnsOf, type Layout } from "./layout.ts";
import type { Terminal } from "./terminal.ts";

/** The rows of the input and where the cursor stands, and the row below them. */
export interface View {
  readonly input: Layout;
  readonly status?: { readonly text: string; readonly styled: string };
}

interface Painted {
  /** Without styles. */
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly beforeCursor: string;
  /** What was written to paint it. */
  readonly written: string;
}

/** Synchronized output (DEC private mode 2026): terminals that know it show each repaint whole; others ignore it. */
const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";

/**
 * Rows are painted without automatic wrapping (DECAWM): a row that this terminal finds wider than this program does must
 * not become two, of which one would stay.
 */
const noWrap = "\x1b[?7l";
const wrap = "\x1b[?7h";

/** Lines written before keys are looked at again. */
const linesAtOnce = 200;

/** Paints over one terminal. */
export class Painter {
  readonly #terminal: Terminal;
  readonly #view: () => View | undefined;
  #painted: Painted | undefined;
  #lines: string[] = [];
  #scheduled = false;

  /** `view` tells what is to stand at the bottom now. */
  constructor(terminal: Terminal, view: () => View | undefined) {
    this.#terminal = terminal;
    this.#view = view;
    terminal.onResize(() => this.#resized());
    terminal.onResume(() => this.#resumed());
  }

  /** Shows whole lines above, soon. */
  show(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(line);
    this.changed();
  }

  /** The view has changed: it is painted soon. */
  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#terminal.soon(() => {
      this.#scheduled = false;
      this.now();
    }, { more: this.#lines.length > linesAtOnce });
  }

  /** Paints what is to be seen now. */
  now(): void {
    // The signal of a resize may come after it: asking for the size lets #resized set right what was painted before.
    this.#terminal.size();
    const lines = this.#lines.splice(0, linesAtOnce);
    const next = painting(this.#view());
    if (lines.length > 0 || next?.written !== this.#painted?.written) {
      const above = lines.map((line) => `${line}\r\n`).join("");
      this.#terminal.write(`${begin}${this.#erased()}${above}${next?.written ?? ""}${end}`);
      this.#painted = next;
    }
    if (this.#lines.length > 0) this.changed();
  }

  /** Everything that waits is written and the bottom is erased, as long as `meanwhile` runs. */
  aside(meanwhile: () => void): void {
    this.#finish();
    meanwhile();
    this.now();
  }

  /** Empties the screen, but not what has scrolled away. */
  clear(): void {
    this.#terminal.write(`${this.#erased()}\x1b[2J\x1b[H`);
    this.now();
  }

  /** Everything that waits is written; nothing is left at the bottom. */
  close(): void {
    this.#finish();
  }

  #finish(): void {
    const above = this.#lines.splice(0).map((line) => `${line}\r\n`).join("");
    const last = `${this.#erased()}${above}`;
    if (last !== "") this.#terminal.write(last);
  }

  /** Moves to the first painted row and clears from there down. */
  #erased(): string {
    const painted = this.#painted;
    this.#painted = undefined;
    if (painted === undefined) return "";
    const up = painted.cursorRow === 0 ? "" : `\x1b[${painted.cursorRow}A`;
    // Where the first row is the screen's, tmux takes a clearing from there on for one of the whole screen, and keeps it
    // in its scrollback; so the first row is cleared by itself. The cursor is kept (DECSC) and not moved back up: when a
    // window has become lower, what stood below the cursor may be gone, and there was no row to move down to.
    const rest = painted.rows.length > 1 ? "\x1b7\x1b[B\x1b[J\x1b8" : "";
    return `\r${up}\x1b[K${rest}`;
  }

  /** Others have written in the meantime, so nothing on the screen is ours to erase. */
  #resumed(): void {
    if (this.#painted === undefined) return;
    this.#painted = undefined;
    this.#terminal.write("\r\x1b[J");
    this.now();
  }

  /** The terminal has wrapped what was painted anew: find its first row again before repainting. */
  #resized(): void {
    const painted = this.#painted;
    if (painted === undefined) return this.changed();
    const { columns } = this.#terminal.size();
    const cursorRow = this.#terminal.reflow() === "xterm.js"
      ? displacedCursor(painted, columns)
      : followingCursor(painted, columns);
    // It is written anew whatever it looks like, and everything below its first row is cleared.
    this.#painted = { ...painted, rows: [...painted.rows, ""], cursorRow, written: "" };
    this.now();
  }
}

function painting(view: View | undefined): Painted | undefined {
  if (view === undefined) return undefined;
  const { input, status } = view;
  const rows = [...input.rows, ...(status === undefined ? [] : [status.text])];
  const shown = [...input.rows, ...(status === undefined ? [] : [status.styled])];
  const up = rows.length - 1 - input.cursorRow;
  const back = `${up === 0 ? "" : `\x1b[${up}A`}\r${input.beforeCursor}`;
  return {
    rows,
    cursorRow: input.cursorRow,
    beforeCursor: input.beforeCursor,
    written: `${noWrap}${shown.join("\r\n")}${back}${wrap}`,
  };
}

/** A row cut as a terminal of so many columns wraps it. */
function wrapping(row: string, columns: number): string[] {
  const parts: string[] = [""];
  let used = 0;
  for (const grapheme of graphemesOf(row)) {
    const wide = columnsOf(grapheme);
    if (used + wide > columns) {
      parts.push("");
      used = 0;
    }
    parts[parts.length - 1] += grapheme;
    used += wide;
  }
  return parts;
}

/** Where the cursor stands within its own row once that is wrapped at so many columns. */
/** Rows from the first painted one down to the cursor, where a terminal wraps all rows and the cursor stays with its text. */
function followingCursor({ rows, cursorRow, beforeCursor }: Painted, columns: number): number {
  const above = rows.slice(0, cursorRow)
    .reduce((sum, row) => sum + wrapping(row, columns).length, 0);
  const parts = wrapping(beforeCursor, columns);
  // Behind the last character a cursor stays where that is; before one, it goes with it.
  const goesOn = columnsOf(parts.at(-1) ?? "") >= columns && rows[cursorRow] !== beforeCursor;
  return above + parts.length - (goesOn ? 0 : 1);
}

/**
 * The same where the emulator is xterm.js: it wraps rows from the last to the first, moves the cursor down by one for each
 * row that this adds anywhere, and leaves alone the row in which the cursor stands by then.
 */
function displacedCursor({ rows, cursorRow }: Painted, columns: number): number {
  let moved = 0;
  for (let row = rows.length - 1; row >= 0; row--) {
    const more = wrapping(rows[row] ?? "", columns).length - 1;
    if (cursorRow + moved !== row) moved += more;
  }
  return cursorRow + moved;
}
