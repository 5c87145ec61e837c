/** How files look as lines of text, and how they are named by people. */
import { AppError } from "../../lib/base/errors.ts";
import type { FileInfo, UnfinishedUpload } from "../engine/api_files.ts";
import { sizeText } from "../engine/content/file.ts";
import { formatTime, type LineStyle, safe } from "./format.ts";

export { sizeText } from "../engine/content/file.ts";

/** One line of a list of files. */
export function formatFile(file: FileInfo, style: LineStyle): string {
  const { number, id, ts, from, own, conversation, name, size, state } = file;
  const where = own ? `to ${safe(conversation, 64)}` : `from ${safe(from, 64)}`;
  return [
    `${String(number).padStart(3)}  ${id.slice(-8)}  ${formatTime(ts, style.utc)}  ${where}`,
    `${safe(name)} (${sizeText(size)})${describe(state)}`,
  ].join("  ");
}

function describe(state: FileInfo["state"]): string {
  switch (state.kind) {
    case "offered":
      return "";
    case "partial":
      return "  [partly here]";
    case "saved":
      return `  [saved: ${safe(state.path, 500)}]`;
    case "declined":
      return "  [declined]";
  }
}

/** One line for an upload that was interrupted. */
export function formatUnfinished({ conversation, path, size }: UnfinishedUpload): string {
  return `not sent to ${safe(conversation, 64)} yet: ${safe(path, 500)} (${sizeText(size)}); ` +
    "send it again to go on";
}

/**
 * The file that `word` names: its number in the list, its id, or the end of its id (at least 4 characters). Throws
 * `AppError("not_found")` when there is none or more than one.
 */
export function fileBy(word: string, files: readonly FileInfo[]): FileInfo {
  const byId = word.length < 4
    ? []
    : files.filter(({ id }) => id === word || id.endsWith(word.toLowerCase()));
  const byNumber = /^\d{1,7}$/.test(word)
    ? files.filter(({ number }) => number === Number(word))
    : [];
  const found = byId.length > 0 ? byId : byNumber;
  const [file, another] = found;
  if (file !== undefined && another === undefined) return file;
  const why = another === undefined ? "There is no file" : "There are several files";
  const text = `${why} ${safe(word, 40)}; the list of files shows numbers and ids`;
  throw new AppError("not_found", { text, fault: "us" });
}
