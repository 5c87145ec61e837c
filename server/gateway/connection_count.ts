/**
 * Counts connections of all gateways together, in memory that they share: in all exactly, by address in a count-min sketch
 * (Cormode and Muthukrishnan, 2005). Each address has one cell in each of two rows and its count is the lesser of the two:
 * never too low, and too high only where strangers fall into both cells. Which those are depends on a secret of this
 * start, so that nobody can choose whom to crowd out.
 */
import { utf8 } from "../../lib/base/bytes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";

/** What the gateways of one server share. */
export interface SharedCount {
  readonly cells: SharedArrayBuffer;
  /** 16 random bytes. */
  readonly seed: Uint8Array;
}

/** How many there may be. Read at every connection. */
export interface CountLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** Cells of a row: with 20,000 addresses at once, one in 170 shares both of its cells with somebody. */
const row = 2 ** 18;

/** A count at zero. Memory is taken as addresses come; 2 MiB at most. */
export function newSharedCount(): SharedCount {
  return {
    cells: new SharedArrayBuffer((1 + 2 * row) * Int32Array.BYTES_PER_ELEMENT),
    seed: crypto.getRandomValues(new Uint8Array(16)),
  };
}

/** One gateway's view of it; `take` and `give` come in pairs. */
export class ConnectionCount {
  readonly #limits: CountLimits;
  readonly #cells: Int32Array;
  readonly #seed: Uint8Array;

  constructor(limits: CountLimits, { cells, seed }: SharedCount = newSharedCount()) {
    this.#limits = limits;
    this.#cells = new Int32Array(cells);
    this.#seed = seed;
  }

  /** Whether there is room for one more from `address`; if so it is counted. */
  take(address: string): boolean {
    const { connections, connectionsPerAddress } = this.#limits;
    const cells = this.#cellsOf(address);
    const [all = 0, ...here] = this.#add(cells, 1);
    if (all < connections && Math.min(...here) < connectionsPerAddress) return true;
    this.#add(cells, -1);
    return false;
  }

  /** One that was taken has ended. */
  give(address: string): void {
    this.#add(this.#cellsOf(address), -1);
  }

  /** Adds to each of the cells; what was in them before. */
  #add(cells: readonly number[], change: 1 | -1): number[] {
    return cells.map((cell) => Atomics.add(this.#cells, cell, change));
  }

  /** The cell of all connections, and those of the address. */
  #cellsOf(address: string): readonly number[] {
    const hash = new DataView(sha256(this.#seed, utf8(address)).buffer);
    return [0, 1 + hash.getUint32(0) % row, 1 + row + hash.getUint32(4) % row];
  }
}
