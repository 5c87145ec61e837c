/** The part of the storage port that keeps the directory's log. */

/** The directory's log. */
export interface Directory {
  size(): number;
  /** The hash of a complete subtree. */
  node(level: number, index: number): Uint8Array;
  add(index: number, entry: {
    readonly bytes: Uint8Array;
    readonly nodes: readonly { level: number; index: number; hash: Uint8Array }[];
  }): void;
  entry(index: number): Uint8Array;
  entries(from: number, limit: number): Uint8Array[];
}
