/**
 * What stands at the bottom of a terminal that wraps its rows anew when its width changes, while what was painted for
 * another width may still be on its way to it. Pure.
 */
import { graphemesOf } from "./editor.ts";
import { columnsOf } from "./layout.ts";

/** Rows that a program ended itself, from the first that is its own on, and where the cursor stands in them. */
export interface Bottom {
  /** Without styles. */
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly beforeCursor: string;
}

/** Something that was painted. */
export interface Painting {
  /** Rows that it went up before it cleared everything below. */
  readonly up: number;
  /** Lines of any length above the new bottom; they may have styles. */
  readonly lines: readonly string[];
  readonly bottom: Bottom;
}

/** Columns that a terminal had when a painting began there, and when it ended. */
export interface Landing {
  readonly begun: number;
  readonly ended: number;
}

/** The bottom before anything was painted. */
export const nothingPainted: Bottom = { rows: [], cursorRow: 0, beforeCursor: "" };

// deno-lint-ignore no-control-regex -- styles are what is taken away
const styles = /\x1b\[[\d;]*m/g;

/** A row cut as a terminal of so many columns wraps it; one part at least. */
export function wrapping(row: string, columns: number): string[] {
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

/** Rows from the first one down to the cursor, on a terminal that wraps all rows and keeps the cursor with its text. */
export function rowsAbove({ rows, cursorRow, beforeCursor }: Bottom, columns: number): number {
  const above = rows.slice(0, cursorRow)
    .reduce((sum, row) => sum + wrapping(row, columns).length, 0);
  const parts = wrapping(beforeCursor, columns);
  // Behind the last character a cursor stays where that is; before one, it goes with it.
  const goesOn = columnsOf(parts.at(-1) ?? "") >= columns && rows[cursorRow] !== beforeCursor;
  return above + parts.length - (goesOn ? 0 : 1);
}

/**
 * The bottom after something was painted on a terminal that may have wrapped the one before anew already; undefined when
 * the painting went up beyond the first row. Rows that it did not go up to stay; its own end at the last column. Where the
 * terminal wrapped rows in the midst of it, it is taken to have done so before the last of them: rather stays a row that
 * nobody needs than that one goes that somebody wrote.
 */
export function landed(
  before: Bottom,
  painting: Painting,
  { begun, ended }: Landing,
): Bottom | undefined {
  const stale = rowsAbove(before, begun) - painting.up;
  if (stale < 0) return undefined;
  const left = first(stale, before.rows, begun);
  const { rows, cursorRow, beforeCursor } = painting.bottom;
  const cut = (row: string) => wrapping(row, ended)[0] ?? "";
  return {
    rows: [...left, ...painting.lines.map(plain), ...rows.map(cut)],
    cursorRow: left.length + painting.lines.length + cursorRow,
    beforeCursor: cut(beforeCursor),
  };
}

/** The first so many rows of a terminal; what it has wrapped stays one row, which it joins again when it becomes wider. */
function first(count: number, rows: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let left = count;
  for (const row of rows) {
    if (left <= 0) break;
    const parts = wrapping(row, columns).slice(0, left);
    taken.push(parts.join(""));
    left -= parts.length;
  }
  return taken;
}

/** A bottom that begins as many lines higher. */
export function below(lines: readonly string[], { rows, cursorRow, beforeCursor }: Bottom): Bottom {
  return {
    rows: [...lines.map(plain), ...rows],
    cursorRow: lines.length + cursorRow,
    beforeCursor,
  };
}

function plain(line: string): string {
  return line.replace(styles, "");
}
