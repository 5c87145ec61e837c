/** Times and sizes for people. Pure. */

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
