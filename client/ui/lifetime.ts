/** Times that messages stay, as people write and read them. */
import { contentLimits } from "../../lib/base/limits.ts";

const units = {
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const;

/** What `off`, `30s`, `10m`, `1h`, `7d` or `4w` means in milliseconds (0: for ever); undefined for anything else. */
export function parseLifetime(text: string): number | undefined {
  if (/^(off|never|0)$/i.test(text)) return 0;
  const match = /^([1-9]\d{0,6})\s*(s|min|m|h|d|w)$/i.exec(text.trim());
  const unit = match?.[2]?.toLowerCase();
  if (match === null || unit === undefined) return undefined;
  const after = Number(match[1]) * units[unit as keyof typeof units];
  const fits = after >= contentLimits.lifetimeMinMs && after <= contentLimits.lifetimeMaxMs;
  return fits ? after : undefined;
}

/** What such a time may be, for people. */
export const lifetimeRange = "a time from 10s to 90d (30s, 10m, 1h, 7d, 4w), or off";

/** `1h`, `7d`. */
export function shortLifetime(after: number): string {
  const [name, size] = (["d", "h", "m", "s"] as const).map((unit) => [unit, units[unit]] as const)
    .find(([, size]) => after % size === 0) ?? ["s", 1000];
  return `${Math.round(after / size)}${name}`;
}

/** The sentence about a conversation's messages. */
export function lifetimeSentence(conversation: string, after: number): string {
  if (after === 0) return `Messages in ${conversation} stay.`;
  return `Messages in ${conversation} disappear ${shortLifetime(after)} after they are ` +
    "sent (here) and read (there).";
}
