/**
 * The right edge of a growing tree: the roots of its complete subtrees, largest first. Enough to append and to know the
 * root, in O(log n) memory; so a client that reads the whole log checks every root on the way, and a server need not
 * read stored nodes to append.
 */
import { type Bytes, concat, copyBytes, u64be } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { emptyRoot, nodeHash } from "./hash.ts";

const hashBytes = 32;
const sizeBytes = 8;

/** A tree of which only the size and the edge are kept. */
export class Frontier {
  #size: number;
  readonly #subtrees: Bytes[];

  private constructor(size: number, subtrees: Bytes[]) {
    this.#size = size;
    this.#subtrees = subtrees;
  }

  /** The tree without leaves. */
  static empty(): Frontier {
    return new Frontier(0, []);
  }

  /** What `toBytes` made. Throws `AppError("malformed")` on anything else. */
  static fromBytes(bytes: Uint8Array): Frontier {
    if (bytes.length < sizeBytes) throw malformed();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = view.getBigUint64(0);
    const count = subtreeCount(size);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed();
    if (bytes.length !== sizeBytes + count * hashBytes) throw malformed();
    const subtrees = Array.from({ length: count }, (_, at) => {
      const start = sizeBytes + at * hashBytes;
      return copyBytes(bytes.subarray(start, start + hashBytes));
    });
    return new Frontier(Number(size), subtrees);
  }

  /** How many leaves were appended. */
  get size(): number {
    return this.#size;
  }

  /** Appends one leaf by its hash of 32 bytes. */
  append(leafHash: Uint8Array): void {
    if (leafHash.length !== hashBytes) throw new RangeError("a leaf hash has 32 bytes");
    let hash: Bytes = copyBytes(leafHash);
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#subtrees.pop();
      if (left) hash = nodeHash(left, hash);
    }
    this.#subtrees.push(hash);
    this.#size += 1;
  }

  /** The root as of now, 32 bytes. */
  root(): Bytes {
    const [last, ...larger] = this.#subtrees.toReversed();
    if (!last) return emptyRoot();
    return copyBytes(larger.reduce((hash, left) => nodeHash(left, hash), last));
  }

  /** An independent copy, to try appending without committing to it. */
  copy(): Frontier {
    return new Frontier(this.#size, [...this.#subtrees]);
  }

  /** `u64be size | 32 bytes per complete subtree, largest first`: at most 1.7 KiB. */
  toBytes(): Bytes {
    return concat(u64be(this.#size), ...this.#subtrees);
  }
}

/** One complete subtree per bit that is set in the size. */
function subtreeCount(size: bigint): number {
  return size.toString(2).replaceAll("0", "").length;
}

function malformed(): AppError {
  return new AppError("malformed", { text: "the stored edge of the directory is not readable" });
}
