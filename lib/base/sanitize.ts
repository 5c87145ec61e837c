/**
 * Text from others made harmless for a terminal and for a log. What comes out holds no control character, no escape
 * sequence, nothing that turns the direction of what follows, no invisible padding and no tower of combining marks.
 * Everything that is shown and did not come from this program itself goes through here.
 */

/** Combining marks and joiners in a row: more than any script stacks, few enough not to reach into other lines. */
const marksInARow = 8;

/**
 * Whole control sequences (ECMA-48): CSI with its parameters, the string sequences OSC, DCS, SOS, PM and APC with their
 * text, and escapes with intermediate bytes. The strings end at the first control character even when unterminated, so
 * that the work stays linear.
 */
const sequences = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)[\\x30-\\x3f]*[\\x20-\\x2f]*[\\x40-\\x7e]?",
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x00-\\x1f\\x7f-\\x9f]*(?:\\x07|\\x1b\\\\|\\x9c)?",
    "\\x1b[\\x20-\\x2f]*[\\x30-\\x7e]?",
  ].join("|"),
  "g",
);

// deno-lint-ignore no-control-regex -- control characters are what this is about
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Left, right and Arabic marks, embeddings, overrides, isolates, and the deprecated shaping controls. */
const directional = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]/g;

/** What takes no room and joins nothing: spaces of no width, fillers, annotations, tags, noncharacters. */
const invisible =
  /[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\u{e0000}-\u{e0fff}]/gu;

/** Joiners (needed by emoji, Persian and Indic scripts) that repeat, or that join nothing. */
const idleJoiners = /(?<=[\u200c\u200d]|^|\s)[\u200c\u200d]+|[\u200c\u200d]+(?=\s|$)/gu;

const excessMarks = new RegExp(
  `([\\p{M}\\u200c\\u200d]{${marksInARow}})[\\p{M}\\u200c\\u200d]+`,
  "gu",
);

/** Line and paragraph separators and the carriage return, with or without its line feed. */
const lineEnds = /\r\n?|[\u0085\u2028\u2029]/g;

/**
 * `text` as one harmless line of at most `maxLength` UTF-16 units: line ends and tabs become spaces, what is cut off
 * becomes `…`. Doing it twice changes nothing.
 */
export function sanitizeLine(text: string, maxLength: number): string {
  return cut(clean(text).replace(/[\n\t]/g, " "), maxLength);
}

/** The same, but line feeds and tabs stay and every other line end becomes a line feed. */
export function sanitizeText(text: string, maxLength: number): string {
  return cut(clean(text), maxLength);
}

function clean(text: string): string {
  const visible = text.toWellFormed()
    .replace(lineEnds, "\n")
    .replace(sequences, "")
    .replace(controls, "")
    .replace(directional, "")
    .replace(invisible, "");
  return visible.replace(idleJoiners, "").replace(excessMarks, "$1").replace(idleJoiners, "");
}

/** Cuts between code points and before the joiner or mark that would then hang on the ellipsis. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  if (maxLength < 1) return "";
  const kept = text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, "");
  return kept.replace(/[\u200c\u200d]+$/, "") + "…";
}
