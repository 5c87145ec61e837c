/** The part of the storage port that is about conversations of several servers. */

/** Somebody's progress that is to be told; storage keys. */
export interface Due {
  readonly conversation: number;
  readonly account: number;
}

/** What goes to linked servers about conversations, beside their outboxes. Peers by storage key. */
export interface Following {
  /** Storage keys of conversations after `after` for which something is known of the peer, ascending. */
  withPeer(peer: number, after: number, limit: number): number[];
  /** How many conversations of that linked server are kept here. */
  followedFrom(peer: number): number;
  /** Hubs of conversations that accounts of the peer are in. */
  hubsWith(peer: number): number[];
  /** Own conversations of which the peer waits for a snapshot, or those of the peer of which this server does. */
  behind(peer: number, whose: "own" | "theirs", limit: number): number[];
  /** Notes that somebody's progress is to be told to the peer, once. */
  addDue(peer: number, due: Due): void;
  /** Takes some of what is to be told. */
  takeDue(peer: number, limit: number): Due[];
  clearDue(peer: number): void;
  /** Keeps a piece of the body of an item that has not come yet. */
  addPart(peer: number, bytes: Uint8Array): void;
  parts(peer: number): Uint8Array[];
  clearParts(peer: number): void;
  /** Keeps a message of a conversation before which others are missing, and of all that are kept the latest `most`. */
  stash(row: StashedRow & { readonly conversation: number }, most: number): void;
  /** In the order of their rows. */
  stashed(conversation: number): StashedRow[];
  clearStash(conversation: number): void;
}

/** A message as it came: what was said of it (JSON) and its bytes. */
export interface StashedRow {
  readonly seq: number;
  readonly item: string;
  readonly body: Uint8Array;
}
