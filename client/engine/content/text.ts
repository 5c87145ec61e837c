/** A text message. */
import { utf8Length } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { textLimits } from "../../../lib/base/limits.ts";
import { textField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** What a text message says. */
export interface TextBody {
  /** At most 64 KiB in UTF-8. */
  readonly text: string;
}

/** Kind `text`. */
export const textKind: ContentKind<TextBody> = {
  silent: false,
  encode: ({ text }) => ({ text: fitting(text) }),
  decode: ({ text }) => ({ text: textField(text, textLimits.textBytes) }),
};

/** The same text. Throws `AppError("too_large")` for more than 64 KiB. */
export function fitting(text: string): string {
  if (utf8Length(text) <= textLimits.textBytes) return text;
  throw new AppError("too_large", {
    text: `a message has at most ${textLimits.textBytes / 1024} KiB`,
  });
}
