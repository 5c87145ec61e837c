/** The part of the storage port that repairs conversations: what taking back the latest commit needs. */
import type { Member } from "../domain/conversation.ts";
import type { LatestCommit } from "../domain/refusal.ts";
import type { RefusalRow, RosterEntry } from "../operations/contract.ts";

/** A place in the group, as a seat has it. */
export interface Place {
  readonly joined: number;
  readonly until: number | null;
  readonly lastOwn: number;
}

/** One device whose place the commit changed. */
export interface ChangedSeat {
  readonly key: string;
  /** Storage keys. */
  readonly device: number;
  readonly account: number;
  /** Null when it had none. */
  readonly before: Place | null;
}

/** An account whose place the commit changed. */
export interface ChangedMember {
  /** Storage key. */
  readonly account: number;
  /** Null when it was not listed. */
  readonly before: Member | null;
}

/** What the conversation was before its latest commit. */
export interface Undo extends LatestCommit {
  readonly seats: readonly ChangedSeat[];
  /** Missing in what was kept before there were groups. */
  readonly members?: readonly ChangedMember[];
  /** Device keys whose removal was queued. */
  readonly removals: readonly string[];
  readonly groupInfo: Uint8Array;
}

/** A refusal of the latest commit. */
export interface StoredRefusal extends RefusalRow {
  /** Milliseconds since 1970. */
  readonly ts: number;
}

/** What a row says that takes a commit back. */
export interface RollbackFacts {
  /** It says something else: the server was restored from a backup that ends with that row, and everybody enters anew. */
  readonly forgotten?: number;
  /** Whose commit it was: account id and device key. */
  readonly account: string;
  readonly device: string;
  readonly epoch: number;
  readonly incarnation: number;
  readonly hash: string;
  readonly refusals: readonly RefusalRow[];
  readonly roster: readonly RosterEntry[];
}

/** Repairs. Conversations are named by storage keys. */
export interface Repairs {
  /** Keeps it in place of the one before; with it go the refusals of the commit before. */
  keep(conversation: number, undo: Undo): void;
  undo(conversation: number): Undo | undefined;
  /** Forgets undo and refusals. */
  clear(conversation: number): void;
  /**
   * Forgets undos of commits stored before, which nobody may ask for any more, and commits taken back before: whoever asks
   * for one later is told by its incarnation.
   */
  expire(before: number): void;
  refusals(conversation: number): StoredRefusal[];
  addRefusal(conversation: number, refusal: StoredRefusal): void;
  addRollback(
    conversation: number,
    row: RollbackFacts & { readonly seq: number; readonly ts: number },
  ): void;
  rollback(conversation: number, seq: number): RollbackFacts;
  /** Remembers that the commit with this hash was taken back. */
  addRefused(conversation: number, commit: { readonly hash: string; readonly ts: number }): void;
  isRefused(conversation: number, hash: string): boolean;
}
