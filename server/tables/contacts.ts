/** The part of the storage port that knows who knows whom. */

/** Whom accounts know and whom they have blocked; all by storage key. */
export interface Contacts {
  /** Whether `account` has written to `other`, accepted it or added it to a group. */
  knows(account: number, other: number): boolean;
  learn(account: number, other: number, now: number): void;
  forget(account: number, other: number): void;
  blocks(account: number, other: number): boolean;
  block(account: number, other: number, now: number): void;
  unblock(account: number, other: number): void;
  /** Nobody knows or blocks it any more, and it nobody. */
  removeAll(account: number): void;
  blockedCount(account: number): number;
  /** Whom it has blocked, in order of account id, after `after`. */
  blocked(account: number, after: string | undefined, limit: number): Blocked[];
}

/** An account that is blocked. */
export interface Blocked {
  /** Storage key. */
  readonly other: number;
  readonly since: number;
}
