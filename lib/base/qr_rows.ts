/** A QR code's modules as lines of text: two rows of modules to a line, by half blocks. Pure. */

/** How the lines are to look. */
export interface QrStyle {
  /** Black on white by escape sequences, whatever the terminal's own colours are: a reader needs the light ground. */
  readonly forced: boolean;
}

const ground = "\x1b[30;107m";
const reset = "\x1b[0m";

/** `modules`: rows of modules with their quiet zone, true for dark. As many columns as modules, half as many lines. */
export function qrRows(modules: readonly (readonly boolean[])[], { forced }: QrStyle): string[] {
  const lines: string[] = [];
  for (let row = 0; row < modules.length; row += 2) {
    const upper = modules[row] ?? [];
    const lower = modules[row + 1] ?? [];
    const line = upper.map((dark, column) => block(dark, lower[column] ?? false)).join("");
    lines.push(forced ? `${ground}${line}${reset}` : line);
  }
  return lines;
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "\u2588" : "\u2580";
  return lower ? "\u2584" : " ";
}
