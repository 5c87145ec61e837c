/** Cutting what only stands for something longer. */
import { utf8Length } from "../../../lib/base/bytes.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { sanitizeLine } from "../../../lib/base/sanitize.ts";

/** At most `bytes` of the text in UTF-8, whole characters, with an ellipsis where it was cut. */
export function cut(text: string, bytes: number = contentLimits.fallbackBytes): string {
  if (utf8Length(text) <= bytes) return text;
  let kept = "";
  let room = bytes - utf8Length("…");
  for (const character of text.slice(0, bytes)) {
    room -= utf8Length(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

/** What a reply carries along of the text that it answers: one harmless line. */
export function quoteOf(text: string): string {
  return cut(sanitizeLine(text, contentLimits.quoteChars), contentLimits.quoteBytes);
}
