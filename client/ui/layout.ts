/** How a prompt and a draft lie on rows of a terminal. Pure; the only place that knows widths. */
import stringWidth from "string-width";
import { type Draft, graphemesOf, isBlock } from "./editor.ts";

/** Rows of text and where the cursor stands in them, counted from 0. */
export interface Layout {
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
  /** What stands before the cursor in its row: written again, it puts the cursor where this terminal has that text end. */
  readonly beforeCursor: string;
}

/** Where a grapheme of a draft begins. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

/** Controls, and marks that turn the direction of what follows or begin a line by themselves. */
// deno-lint-ignore no-control-regex -- these are what must not reach the terminal
const unshowable = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Whether it is one printable ASCII character, as nearly all are. */
function isPlain(grapheme: string): boolean {
  if (grapheme.length !== 1) return false;
  const code = grapheme.charCodeAt(0);
  return code >= 0x20 && code < 0x7f;
}

/** What a grapheme looks like in the input line: controls as a visible sign, tabs as a space, marks composed. */
function visible(grapheme: string): string {
  if (grapheme === "\t") return " ";
  return unshowable.test(grapheme) ? "\u00b7" : grapheme.normalize("NFC");
}

/** Widths that were looked up before; emptied when it has grown to this many. */
const rememberedWidths = 5_000;
const widths = new Map<string, number>();

/** Columns that `text` takes on a terminal. */
export function columnsOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  if (text.length > longestRemembered) return stringWidth(text);
  const known = widths.get(text);
  if (known !== undefined) return known;
  if (widths.size >= rememberedWidths) widths.clear();
  const columns = stringWidth(text);
  widths.set(text, columns);
  return columns;
}

/**
 * Columns to leave for a grapheme in the input: terminals that know no families of emoji and no flags show their parts side
 * by side, and a row must not end before what is in it.
 */
export function roomOf(grapheme: string): number {
  const together = columnsOf(grapheme);
  const points = [...grapheme];
  if (points.length === 1) return together;
  return Math.max(together, points.reduce((sum, point) => sum + columnsOf(point), 0));
}

/** UTF-16 units of what is worth remembering: a character, not a line. */
const longestRemembered = 24;

/** As much of `text` as fits into so many columns, with `…` behind it where something is left out. Never styled. */
export function fitted(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const grapheme of graphemesOf(text.slice(0, columns * 24))) {
    used += columnsOf(grapheme);
    if (used > columns - 1) break;
    kept += grapheme;
  }
  return columns < 1 ? "" : `${kept}\u2026`;
}

/** Rows of a block that are shown before it says how many more there are. */
const foldedRows = 3;

/** What a block looks like: its beginning, and how much more there is. */
function folded(block: string, columns: number): string[] {
  const lines = block.split("\n");
  const shown = lines.slice(0, foldedRows).map((line) =>
    fitted(Array.from(line.slice(0, columns * 24), visible).join(""), columns - 1)
  );
  const more = lines.length - shown.length;
  const size = more > 0
    ? `${more} more ${more === 1 ? "line" : "lines"}`
    : `${block.length} characters`;
  return [...shown, `[\u2026 ${size}; Ctrl-O opens] `];
}

/**
 * Lays `prompt` and the graphemes on rows of `columns` columns; a newline begins a new row; a wide character that no
 * longer fits goes to the next; a block is folded. The cursor stands before grapheme `cursor`. A row is never filled to
 * the last column by the cursor itself: it moves to the next row, as terminals do only half. `onPlace` is told of each grapheme, and of the end, where it begins.
 */
export function layOut(
  prompt: string,
  graphemes: readonly string[],
  options: {
    readonly cursor: number;
    readonly columns: number;
    readonly mask?: string;
    readonly onPlace?: (place: Place) => void;
  },
): Layout {
  const page = new Page(Math.max(2, options.columns));
  for (const grapheme of graphemesOf(prompt)) page.put(visible(grapheme));
  let at = page.here();
  for (let index = 0; index <= graphemes.length; index++) {
    page.breakIfFull();
    options.onPlace?.({ row: page.rows.length - 1, column: page.column });
    if (index === options.cursor) at = page.here();
    const grapheme = graphemes[index];
    if (grapheme === undefined) break;
    if (options.mask !== undefined) page.put(options.mask);
    else if (isPlain(grapheme)) page.putPlain(grapheme);
    else if (grapheme === "\n" || grapheme === "\r\n") page.breakRow();
    else if (isBlock(grapheme)) page.putBlock(grapheme);
    else page.put(visible(grapheme));
  }
  return { rows: page.rows, ...at };
}

class Page {
  readonly rows: string[] = [""];
  readonly #width: number;
  column = 0;

  constructor(width: number) {
    this.#width = width;
  }

  here() {
    const beforeCursor = this.rows.at(-1) ?? "";
    return { cursorRow: this.rows.length - 1, cursorColumn: this.column, beforeCursor };
  }

  breakRow(): void {
    this.rows.push("");
    this.column = 0;
  }

  breakIfFull(): void {
    if (this.column >= this.#width) this.breakRow();
  }

  put(grapheme: string): void {
    const wide = Math.min(roomOf(grapheme), this.#width);
    // Without automatic wrapping the cursor stays on the last column, and tmux puts a mark that follows onto the character before.
    const edge = wide < this.#width && [...grapheme].length > 1 ? 1 : 0;
    if (this.column + wide + edge > this.#width) this.breakRow();
    this.rows[this.rows.length - 1] += grapheme;
    this.column += wide;
  }

  /** One column; the row has room, because a full one was broken before. */
  putPlain(grapheme: string): void {
    this.rows[this.rows.length - 1] += grapheme;
    this.column++;
  }

  putBlock(block: string): void {
    const [first = "", ...more] = folded(block, this.#width);
    if (columnsOf(first) + this.column > this.#width) this.breakRow();
    for (const grapheme of graphemesOf(first)) this.put(grapheme);
    for (const row of more) {
      this.breakRow();
      for (const grapheme of graphemesOf(row)) this.put(grapheme);
    }
  }
}

/**
 * The draft with its cursor one row higher (`by` -1) or lower, as near to its column as there is something; undefined
 * when there is no such row.
 */
export function rowAbove(
  prompt: string,
  { graphemes, cursor }: Draft,
  { columns, by }: { readonly columns: number; readonly by: -1 | 1 },
): Draft | undefined {
  const places: Place[] = [];
  layOut(prompt, graphemes, { cursor, columns, onPlace: (place) => places.push(place) });
  const here = places[cursor];
  if (here === undefined) return undefined;
  const row = here.row + by;
  let best: number | undefined;
  for (const [index, place] of places.entries()) {
    if (place.row !== row) continue;
    if (best === undefined || place.column <= here.column) best = index;
  }
  return best === undefined ? undefined : { graphemes, cursor: best };
}

/** The part of a layout that fits on `height` rows, moved so that the cursor is in it. */
export function cropped(layout: Layout, height: number): Layout {
  if (layout.rows.length <= height) return layout;
  const top = Math.min(
    Math.max(0, layout.cursorRow - height + 1),
    layout.rows.length - height,
  );
  return {
    ...layout,
    rows: layout.rows.slice(top, top + height),
    cursorRow: layout.cursorRow - top,
  };
}
