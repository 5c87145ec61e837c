/** What signed content proves to others: the message that it is about, and the text. */
import { AppError } from "../../../lib/base/errors.ts";
import { fromBase64url, toHex } from "../../../lib/base/bytes.ts";
import { fileLine } from "./file.ts";
import type { Content } from "./codec.ts";

/** Throws `AppError("unsupported_version")` for what this program does not know, or what says nothing. */
export function saidText(content: Content): { readonly id: string; readonly text: string } {
  if (content.kind === "text") return { id: content.id, text: content.body.text };
  if (content.kind === "file") {
    const { id, body } = content;
    return { id, text: `${fileLine(body)}, SHA-256 ${toHex(fromBase64url(body.hash))}` };
  }
  // After an edit, what counts is what the edit says.
  if (content.kind === "edit") return { id: content.body.to, text: content.body.text };
  throw new AppError("unsupported_version", { text: "it is of a newer version of this program" });
}
