/** The row below the input line: what there is to know, as much of it as fits. Pure. */
import { columnsOf, fitted } from "./layout.ts";

/** One piece of the status row. */
export interface StatusPart {
  /** Sanitised, one line. */
  readonly text: string;
  /** The same in fewer words, where there is less room. */
  readonly short?: string;
  /** What is needed least goes first: 0 stays to the end. */
  readonly need: number;
  /** Something that a person ought to see. */
  readonly alarm?: boolean;
}

const between = " \u00b7 ";

/**
 * The parts in their order, within `columns` columns: first those that are needed least are shortened, then left out, one
 * after another; what then still does not fit is cut.
 */
export function statusRow(parts: readonly StatusPart[], columns: number): readonly StatusPart[] {
  let row = [...parts];
  const fits = () => rowColumns(row) <= columns;
  const least = [...parts].sort((a, b) => b.need - a.need);
  for (const part of least) {
    if (fits()) return row;
    const { short } = part;
    if (short !== undefined) row = row.map((one) => one === part ? { ...part, text: short } : one);
  }
  for (const part of least) {
    if (fits()) return row;
    if (row.length > 1) row = row.filter((one) => one.need !== part.need);
  }
  return fits() ? row : row.slice(0, 1).map((one) => ({ ...one, text: fitted(one.text, columns) }));
}

/** The row's text. */
export function statusText(row: readonly StatusPart[]): string {
  return row.map(({ text }) => text).join(between);
}

/** The same, dim, with what is alarming in reverse. */
export function styledStatus(row: readonly StatusPart[]): string {
  const pieces = row.map(({ text, alarm }) =>
    alarm === true ? `\x1b[22;7m${text}\x1b[27;2m` : text
  );
  return `\x1b[2m${pieces.join(between)}\x1b[22m`;
}

function rowColumns(row: readonly StatusPart[]): number {
  return columnsOf(statusText(row));
}
