/** The part of the storage port that is about linked servers. */
import type { PeerItem, PeerPin, PeerReceipt, PeerState } from "../operations/contract.ts";

/** A linked server; a working copy, written by `save`. */
export interface Peer {
  readonly key: number;
  readonly fingerprint: string;
  identity: string | null;
  name: string;
  declared: string;
  address: string | null;
  pin: PeerPin;
  /**
   * A removed one is remembered, because its accounts are: what it says of them must still fit when it comes back. Of one that
   * is `named` nothing is known but what a linked server has said of its accounts.
   */
  state: PeerState | "removed" | "named";
  seen: string | null;
  /** The id of the outbox for it. */
  stream: string;
  /** The last counter given out, and the last confirmed with its digest ("" where it is not known). */
  counter: number;
  acked: number;
  ackedDigest: string;
  received: PeerReceipt | null;
  /** Whether it said that it mirrors the lobby. */
  lobby: boolean;
  addedAt: number;
  linkedAt: number | null;
  /** What waits in the outbox. */
  queued: number;
  queuedBytes: number;
  /** Counter of the latest item that tells how far people are; one is under way at a time. */
  toldAt: number;
  /** Conversations (storage keys) of which it has more on disk than their senders were told; since when, 0 for none. */
  readonly untold: Map<number, { after: number }>;
  untoldSince: number;
  /** Whether it may be behind in some conversation; to be looked up. */
  mayBeBehind: boolean;
  /** Bytes of the pieces that were received of an item that has not come yet. */
  parts: number;
}

/** Whether the operator has it in the list. */
export function isListed(peer: Peer): peer is Peer & { state: PeerState } {
  return peer.state !== "removed" && peer.state !== "named";
}

/** The row of a conversation that an item is. */
export interface PeerRowOf {
  /** Storage key. */
  readonly conversation: number;
  readonly seq: number;
}

/** A new peer as it is stored. */
export type NewPeer = Pick<
  Peer,
  "fingerprint" | "identity" | "name" | "declared" | "address" | "pin" | "stream" | "addedAt"
>;

/** Linked servers and what waits for them. */
export interface Peers {
  /** Also a removed one. */
  byKey(key: number): Peer | undefined;
  byFingerprint(fingerprint: string): Peer | undefined;
  byName(name: string): Peer | undefined;
  /** In order of name, without removed ones. */
  list(): Peer[];
  add(peer: NewPeer): Peer;
  /** How many there are of which nothing is known but what others say. */
  named(): number;
  save(peer: Peer): void;
  /** Forgets everything in its outbox. */
  clearOutbox(key: number): void;
  /** Appends to the outbox; the counter is the caller's to give out. */
  push(
    peer: number,
    item: PeerItem & {
      readonly ts: number;
      readonly row: PeerRowOf | undefined;
      /** When its body is to be forgotten. */
      readonly until: number | undefined;
    },
  ): void;
  /** Empties bodies whose time is over, the earliest first; returns of which peers' items, and how many bytes. */
  emptyOver(now: number, limit: number): { readonly peer: number; readonly bytes: number }[];
  /** The counter of the last of the first `limit` items that were queued before `ts`. */
  lastBefore(peer: number, ts: number, limit: number): number | undefined;
  /** Items after a counter, oldest first; at least one where there is one. */
  items(
    peer: number,
    span: { readonly after: number; readonly limit: number; readonly maxBytes: number },
  ): PeerItem[];
  /** What both sides know the item by (server/domain/peers.ts), with its body and, where that was forgotten, without. */
  digest(peer: number, counter: number): string | undefined;
  /**
   * Deletes up to a counter; returns how many, their bytes, the digest of the last, and the newest row of each conversation
   * among them.
   */
  drop(peer: number, through: number): {
    readonly count: number;
    readonly bytes: number;
    readonly digest: string | undefined;
    readonly rows: readonly PeerRowOf[];
  };
}
