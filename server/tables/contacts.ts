/** The part of the storage port that knows who knows whom. */

/** Whom accounts know and whom they have blocked; all by storage key. */
export interface Contacts {
  /** Whether `account` has written to `other`, accepted it or added it to a group. */
  knows(account: number, other: number): boolean;
  learn(account: number, other: number, now: number): void;
  forget(account: number, other: number): void;
  /** Whether `account` has blocked `other`, or the linked server whose account that is. */
  blocks(account: number, other: number): boolean;
  block(account: number, other: number, now: number): void;
  unblock(account: number, other: number): void;
  /** Whether it has blocked the linked server. */
  blocksServer(account: number, peer: number): boolean;
  /** Blocks the server; whoever is there is a stranger again. */
  blockServer(account: number, peer: number, now: number): void;
  unblockServer(account: number, peer: number): void;
  /** Which servers it has blocked. */
  blockedServers(account: number): BlockedServer[];
  /** Nobody knows or blocks it any more, and it nobody. */
  removeAll(account: number): void;
  blockedCount(account: number): number;
  /** Whom it has blocked, in order of account id, after `after`. */
  blocked(account: number, after: string | undefined, limit: number): Blocked[];
}

/** A linked server that is blocked. */
export interface BlockedServer {
  /** Storage key. */
  readonly peer: number;
  readonly since: number;
}

/** An account that is blocked. */
export interface Blocked {
  /** Storage key. */
  readonly other: number;
  readonly since: number;
}
