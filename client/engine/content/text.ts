/** A text message. */
import { utf8Length } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { contentLimits, textLimits } from "../../../lib/base/limits.ts";
import { type Fields, objectField, textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** The message that a text answers. */
export interface ReplyTo {
  /** Its id (UUID). */
  readonly id: string;
  /** Name of the account that wrote it, as the answering one says. */
  readonly from: string;
  /** The beginning of what it said, as the answering one says: at most 480 bytes. */
  readonly quote: string;
}

/** What a text message says. */
export interface TextBody {
  /** At most 64 KiB in UTF-8. */
  readonly text: string;
  readonly reply?: ReplyTo;
}

/** Kind `text`. */
export const textKind: ContentKind<TextBody> = {
  silent: false,
  encode: ({ text, reply }) => ({
    text: fitting(text),
    ...(reply === undefined ? {} : { reply: replyOf({ ...reply }) }),
  }),
  decode: ({ text, reply }) => ({
    text: textField(text, textLimits.textBytes),
    ...(reply === undefined ? {} : { reply: replyOf(objectField(reply)) }),
  }),
};

function replyOf({ id, from, quote }: Fields): ReplyTo {
  return {
    id: uuidField(id),
    from: textField(from, contentLimits.quotedNameBytes),
    quote: textField(quote, contentLimits.quoteBytes),
  };
}

/** The same text. Throws `AppError("too_large")` for more than 64 KiB. */
export function fitting(text: string): string {
  if (utf8Length(text) <= textLimits.textBytes) return text;
  throw new AppError("too_large", {
    text: `a message has at most ${textLimits.textBytes / 1024} KiB`,
  });
}
