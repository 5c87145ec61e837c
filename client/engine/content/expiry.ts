/** How long messages of a conversation stay. */
import { contentLimits } from "../../../lib/base/limits.ts";
import { countField, malformed } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** The conversation's timer. */
export interface ExpiryBody {
  /** Milliseconds that a message stays; 0: for ever. */
  readonly after: number;
}

/** Kind `expiry`. */
export const expiryKind: ContentKind<ExpiryBody> = {
  silent: true,
  encode: ({ after }) => ({ after: after === 0 ? 0 : lifetimeField(after) }),
  decode: ({ after }) => ({ after: after === 0 ? 0 : lifetimeField(after) }),
};

/** A time that a message may stay, in milliseconds. */
export function lifetimeField(value: unknown): number {
  const lifetime = countField(value, contentLimits.lifetimeMaxMs);
  if (lifetime < contentLimits.lifetimeMinMs) throw malformed();
  return lifetime;
}
