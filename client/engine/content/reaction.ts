/** A reaction to a message: one emoji of one account, given or taken back. */
import { utf8 } from "../../../lib/base/bytes.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { sanitizeLine } from "../../../lib/base/sanitize.ts";
import { flagField, malformed, textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** Which message, and what about it. */
export interface ReactionBody {
  /** The message's id (UUID). */
  readonly to: string;
  /** One character as people see it, at most 64 bytes in UTF-8. */
  readonly emoji: string;
  /** Whether the reaction is taken back. */
  readonly remove: boolean;
}

/** Kind `reaction`. */
export const reactionKind: ContentKind<ReactionBody> = {
  silent: true,
  encode: (body) => {
    const { to, emoji, remove } = reactionOf(body);
    return { to, emoji, ...(remove ? { remove } : {}) };
  },
  decode: reactionOf,
};

function reactionOf(fields: Readonly<{ [Key in keyof ReactionBody]?: unknown }>): ReactionBody {
  return {
    to: uuidField(fields.to),
    emoji: emojiField(fields.emoji),
    remove: flagField(fields.remove),
  };
}

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function emojiField(value: unknown): string {
  const emoji = textField(value, contentLimits.emojiBytes);
  if (!isReaction(emoji)) throw malformed();
  return emoji;
}

/** Whether it is one visible character that a terminal may be given as it is. */
export function isReaction(emoji: string): boolean {
  const harmless = emoji.trim() !== "" && sanitizeLine(emoji, emoji.length) === emoji;
  return harmless && utf8(emoji).length <= contentLimits.emojiBytes &&
    [...characters.segment(emoji)].length === 1;
}
