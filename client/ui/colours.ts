/** Colours of names: the 16 that every terminal has, and only those that can be read on its background. Pure. */

/** What letters stand on; undefined where nobody knows. */
export type Background = "dark" | "light" | undefined;

/** Foregrounds (SGR 30 to 37 and 90 to 97) that stand out on dark, on light, and well enough on either. */
const palettes = {
  dark: [91, 92, 93, 94, 95, 96],
  light: [31, 32, 34, 35, 36],
  either: [31, 32, 35, 36],
} as const;

/** The colours for names on that background. */
export function paletteFor(background: Background): readonly number[] {
  return palettes[background ?? "either"];
}

/** The colour of a name: the same one every time, whatever its case (FNV-1a over UTF-16 units). */
export function colourOf(name: string, palette: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const unit of name.toLowerCase()) {
    hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return palette[hash % palette.length] ?? 39;
}
