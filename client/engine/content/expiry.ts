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

const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]] as const;

/** `1 h`, `90 min`: a time that a message stays, in the largest unit that gives a whole number. */
export function lifetimeText(after: number): string {
  const [unit, size] = units.find(([, size]) => after % size === 0) ?? ["s", 1000];
  return `${Math.round(after / size)} ${unit}`;
}
