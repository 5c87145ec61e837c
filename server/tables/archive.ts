/** The part of the storage port that keeps archives. */

/** One sealed batch of an account's archive. */
export interface StoredBatch {
  /** From 1. */
  readonly position: number;
  /** From 1; goes up with every time that the batch is replaced. */
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** The last batch of an archive (position and revision 0 while there is none), and the size of all batches. */
export interface ArchiveHead {
  readonly position: number;
  readonly revision: number;
  readonly bytes: number;
}

/** Archives by the storage key of their account. */
export interface Archives {
  head(account: number): ArchiveHead;
  revisionOf(account: number, position: number): number | undefined;
  sizeOf(account: number, position: number): number | undefined;
  read(account: number, position: number): StoredBatch | undefined;
  /** Deletes the whole archive. */
  remove(account: number): void;
  /** Stores a batch in place of an older revision, or behind the last. */
  put(account: number, batch: StoredBatch & { readonly at: number }): void;
}
