/** Another text for a message of one's own. */
import { cut } from "./bounds.ts";
import { textLimits } from "../../../lib/base/limits.ts";
import { textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";
import { fitting } from "./text.ts";

/** Which message, and what it says from now on. */
export interface EditBody {
  /** The message's id (UUID). */
  readonly to: string;
  /** At most 64 KiB in UTF-8. */
  readonly text: string;
}

/** Kind `edit`. A program that does not know it shows the new text as a line of its own. */
export const editKind: ContentKind<EditBody> = {
  silent: true,
  encode: ({ to, text }) => ({ to: uuidField(to), text: fitting(text) }),
  decode: ({ to, text }) => ({
    to: uuidField(to),
    text: textField(text, textLimits.textBytes),
  }),
  fallback: ({ text }) => cut(`(edited) ${text}`),
};
