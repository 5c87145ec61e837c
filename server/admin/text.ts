/** Times, sizes and changes for people. Pure. */
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import type { ConfigChange, ReloadAnswer } from "./protocol.ts";

const units = [
  { name: "d", ms: 24 * 60 * 60 * 1000 },
  { name: "h", ms: 60 * 60 * 1000 },
  { name: "min", ms: 60 * 1000 },
  { name: "s", ms: 1000 },
] as const;

/** A span in milliseconds by its two largest units: "3 d 4 h", "12 s". */
export function spanText(ms: number): string {
  const first = units.findIndex((unit) => ms >= unit.ms);
  if (first < 0) return "0 s";
  let left = ms;
  const parts = units.slice(first, first + 2).map(({ name, ms: unit }) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return { name, count };
  });
  return parts.filter(({ count }) => count > 0).map(({ name, count }) => `${count} ${name}`)
    .join(" ");
}

/** Bytes in the largest unit of 1024 that fits. */
export function sizeText(bytes: number): string {
  const names = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${names[unit]}`;
}

/** What reading the configuration again has changed, and what it has not. */
export function reloadLines(
  { file, found, applied, restart, overruled, certificate }: ReloadAnswer,
): string[] {
  const read = found ? `Read ${file} again.` : `There is no ${file}: defaults and flags hold.`;
  return [
    ...(applied.length === 0 && !certificate ? [`${read} Nothing is different now.`] : [read]),
    ...applied.map((change) => `in force now   ${changeText(change)}`),
    ...certificate ? ["in force now   another TLS certificate, for new connections"] : [],
    ...restart.map((change) => `needs restart  ${changeText(change)}`),
    ...overruled.map((name) =>
      `not used       ${name}: a flag on the server's command line decides`
    ),
  ];
}

function changeText({ setting, from, to }: ConfigChange): string {
  return `${setting}: ${valueText(to)} (was ${valueText(from)})`;
}

/** The value of a setting on one line. */
export function valueText(value: string | number | boolean | null): string {
  return value === null ? "none" : sanitizeLine(String(value), 200);
}
