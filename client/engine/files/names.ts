/** Names of files from others, made safe for a folder of one's own. Pure. */
import { utf8Length } from "../../../lib/base/bytes.ts";
import { fileLimits } from "../../../lib/base/limits.ts";
import { sanitizeLine } from "../../../lib/base/sanitize.ts";

/** What stands for a name of which nothing is left. */
const nameless = "file";

/** Longer ones are no extensions but part of the name. */
const longestExtension = 16;

/** Names of devices on Windows, with any extension and in any case (also with superscript digits). */
const deviceName =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\.|$)/i;

/** What some file system gives a meaning. */
const meaningful = /[/\\<>:"|?*]/g;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * `name` as it may stand in a folder: the last part of a path, no control, direction or invisible characters, nothing
 * that a file system or a shell gives a meaning at its beginning or end, no device's name, at most 255 bytes in UTF-8 with
 * its extension kept. Doing it twice changes nothing.
 */
export function safeFileName(name: string): string {
  const last = name.slice(0, 4096).toWellFormed().split(/[/\\]/)
    .findLast((part) => part.trim() !== "") ?? "";
  const clean = sanitizeLine(last.normalize("NFC"), 4096).replace(meaningful, "_");
  const bare = trimmed(clean);
  const safe = deviceName.test(bare) ? `_${bare}` : bare;
  return trimmed(shortened(safe, { suffix: "" })) || nameless;
}

/** Without what hides a file or looks like an option at its beginning, and what Windows drops at its end. */
function trimmed(name: string): string {
  return name.replace(/^[\s.~-]+/u, "").replace(/[\s.]+$/u, "");
}

/** The extension with its dot, as it stands; empty when there is none. */
function extensionPart(name: string): string {
  const found = /(?:\.tar)?\.[^.\s]+$/iu.exec(name.slice(1))?.[0] ?? "";
  return found.length <= longestExtension + 5 ? found : "";
}

/** The extension without its dot in lower case; empty when there is none. */
export function extensionOf(name: string): string {
  return /\.([^.\s]+)$/u.exec(name.slice(1))?.[1]?.toLowerCase() ?? "";
}

/** `name` with `suffix` before its extension, cut between graphemes so that all of it fits. */
function shortened(name: string, { suffix }: { readonly suffix: string }): string {
  const extension = extensionPart(name);
  const room = fileLimits.nameBytes - utf8Length(suffix) - utf8Length(extension);
  const stem = name.slice(0, name.length - extension.length);
  if (utf8Length(stem) <= room) return `${stem}${suffix}${extension}`;
  let kept = "";
  let bytes = 0;
  for (const { segment } of segmenter.segment(stem)) {
    bytes += utf8Length(segment);
    if (bytes > room) break;
    kept += segment;
  }
  return `${kept}${suffix}${extension}`;
}

/** The name to try when `count` of the same are there already: `name (1).ext`. `name` is a safe one. */
export function numberedName(name: string, count: number): string {
  return count === 0 ? name : shortened(name, { suffix: ` (${count})` });
}
