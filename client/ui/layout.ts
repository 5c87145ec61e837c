/** How a prompt and a draft lie on rows of a terminal. Pure; the only place that knows widths. */
import stringWidth from "string-width";
import { graphemesOf } from "./editor.ts";

/** Rows of text and where the cursor stands in them, counted from 0. */
export interface Layout {
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
}

/** What a grapheme looks like in the input line: controls as a visible sign, tabs as a space. */
function visible(grapheme: string): string {
  if (grapheme === "\t") return " ";
  // deno-lint-ignore no-control-regex -- these are what must not reach the terminal
  return /[\x00-\x1f\x7f-\x9f]/.test(grapheme) ? "\u00b7" : grapheme;
}

/** Columns that `text` takes on a terminal. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

/**
 * Lays `prompt` and the graphemes on rows of `columns` columns; a newline begins a new row; a wide character that no
 * longer fits goes to the next. The cursor stands before grapheme `cursor`. A row is never filled to the last column
 * by the cursor itself: it moves to the next row, as terminals do only half.
 */
export function layOut(
  prompt: string,
  graphemes: readonly string[],
  options: { cursor: number; columns: number; mask?: string },
): Layout {
  const width = Math.max(2, options.columns);
  const rows: string[] = [""];
  let column = 0;
  let at = { row: 0, column: 0 };
  const breakRow = () => {
    rows.push("");
    column = 0;
  };
  const put = (grapheme: string) => {
    const wide = Math.min(columnsOf(grapheme), width);
    if (column + wide > width) breakRow();
    rows[rows.length - 1] += grapheme;
    column += wide;
  };
  for (const grapheme of graphemesOf(prompt)) put(visible(grapheme));
  for (let index = 0; index <= graphemes.length; index++) {
    if (column >= width) breakRow();
    if (index === options.cursor) at = { row: rows.length - 1, column };
    const grapheme = graphemes[index];
    if (grapheme === undefined) break;
    if (grapheme === "\n" || grapheme === "\r\n") breakRow();
    else put(options.mask ?? visible(grapheme));
  }
  return { rows, cursorRow: at.row, cursorColumn: at.column };
}

/** The part of a layout that fits on `height` rows, moved so that the cursor is in it. */
export function cropped(layout: Layout, height: number): Layout {
  if (layout.rows.length <= height) return layout;
  const top = Math.min(
    Math.max(0, layout.cursorRow - height + 1),
    layout.rows.length - height,
  );
  return {
    rows: layout.rows.slice(top, top + height),
    cursorRow: layout.cursorRow - top,
    cursorColumn: layout.cursorColumn,
  };
}
