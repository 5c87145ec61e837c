/** Virtual addresses: one in 10.8.0.0/16 for every session, as long as it lasts. */

const lowest = 1;
const highest = 0xfffe;

/** The text of an address; `host` is its lower 16 bits. */
export function addressText(host: number): string {
  return `10.8.${host >> 8}.${host & 0xff}`;
}

/** The lower 16 bits of an address's text. Throws `TypeError` when it is not one of 10.8.0.0/16. */
export function addressHost(text: string): number {
  const match = /^10\.8\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const [high, low] = [Number(match?.[1]), Number(match?.[2])];
  if (!(high <= 255 && low <= 255)) throw new TypeError("not an address of 10.8.0.0/16");
  return high * 256 + low;
}

/**
 * The next free host after `last` (0 at first), going round, so that an address is not soon given to somebody else.
 * Never 10.8.0.0 or 10.8.255.255. Undefined when all are taken.
 */
export function nextHost(taken: { has(host: number): boolean }, last: number): number | undefined {
  const span = highest - lowest + 1;
  for (let step = 0; step < span; step++) {
    const host = lowest + (last + step) % span;
    if (!taken.has(host)) return host;
  }
  return undefined;
}
