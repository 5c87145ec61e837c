/** Text cut between words, and words in columns. Pure. */
import { graphemesOf } from "./editor.ts";
import { columnsOf } from "./layout.ts";

/**
 * `line` cut between words into rows of at most `width` columns; what follows a beginning like `* ` or `  ` is indented as
 * far. A word that is longer than a row is cut between characters only when it would not fit on a row of its own.
 */
export function wrappedWords(line: string, width: number): string[] {
  if (columnsOf(line) <= width || width < narrowest) return [line];
  const indent = /^\s*(?:[*!]\s)?/.exec(line)?.[0] ?? "";
  const room = width - indent.length;
  const rows: string[] = [];
  let row = "";
  for (const word of line.slice(indent.length).split(" ")) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (columnsOf(longer) <= room) {
      row = longer;
      continue;
    }
    if (row !== "") rows.push(row);
    const parts = cutInto(word, room);
    rows.push(...parts.slice(0, -1));
    row = parts.at(-1) ?? "";
  }
  rows.push(row);
  const hanging = " ".repeat(indent.length);
  return rows.map((text, index) => (index === 0 ? indent : hanging) + text);
}

/** Columns below which nothing is wrapped here: the terminal does. */
const narrowest = 16;

function cutInto(word: string, room: number): string[] {
  if (columnsOf(word) <= room) return [word];
  const parts: string[] = [""];
  let used = 0;
  for (const grapheme of graphemesOf(word)) {
    const wide = columnsOf(grapheme);
    if (used + wide > room) {
      parts.push("");
      used = 0;
    }
    parts[parts.length - 1] += grapheme;
    used += wide;
  }
  return parts;
}

/** Words side by side on rows of `columns` columns, in order from left to right. */
export function inColumns(words: readonly string[], columns: number): string[] {
  const wide = Math.max(1, ...words.map(columnsOf)) + 2;
  const perRow = Math.max(1, Math.floor((columns + 1) / wide));
  const rows: string[] = [];
  for (let at = 0; at < words.length; at += perRow) {
    const row = words.slice(at, at + perRow)
      .map((word) => word + " ".repeat(wide - columnsOf(word)));
    rows.push(row.join("").trimEnd());
  }
  return rows;
}
