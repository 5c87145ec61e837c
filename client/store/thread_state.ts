/** Group states of threads as they are stored: whole, or in two parts, of which messages change only the small one. */
import type { Bytes } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** A group state in two parts: `frameId` tells whether the large one is stored already. */
export interface StateParts {
  readonly frameId: string;
  frame(): Uint8Array;
  ratchets(): Uint8Array;
}

/** A group state as stored, with the version of its row. */
export interface StoredState {
  readonly version: number;
  readonly state: Bytes;
  /** Of a state in two parts; then `state` is its frame. */
  readonly parts: { readonly frameId: string; readonly ratchets: Bytes } | undefined;
}

/** The columns of threads that are sealed. */
export type SealedColumn = "state" | "pending" | "ratchets";

/** The columns of a state in parts. */
export interface StateRow {
  readonly state: Uint8Array | null;
  readonly frame: string | null;
  readonly ratchets: Uint8Array | null;
}

/** Columns to set; those that are absent stay. */
export interface WrittenState {
  readonly whole?: Uint8Array | null;
  readonly frameId?: string | null;
  readonly ratchets?: Uint8Array | null;
}

/** The group state as stored, or undefined. */
export function readState(sealed: SealedDatabase, thread: number): StoredState | undefined {
  const row = sealed.database.prepare(
    "SELECT version, state, frame, ratchets FROM threads WHERE thread = ?",
  ).get<StateRow & { readonly version: number }>(thread);
  if (row === undefined || row.state === null) return undefined;
  const { version } = row;
  const state = sealed.open(place("state", thread), row.state);
  return { version, state, parts: partsOf(sealed, { thread, row }) };
}

/** The small part of a state in two parts; undefined for one that is whole. */
export function partsOf(
  sealed: Pick<SealedDatabase, "open">,
  { thread, row }: { readonly thread: number; readonly row: StateRow },
): StoredState["parts"] {
  const { frame, ratchets } = row;
  if (frame === null || ratchets === null) return undefined;
  return { frameId: frame, ratchets: sealed.open(place("ratchets", thread), ratchets) };
}

/** What of a state has to be written: a frame that is there already is not. In the caller's transaction. */
export function writtenState(
  { database }: Pick<SealedDatabase, "database">,
  { thread, state }: {
    readonly thread: number;
    readonly state: Uint8Array | StateParts | null | undefined;
  },
): WrittenState {
  if (state === undefined) return {};
  if (state === null || state instanceof Uint8Array) {
    return { whole: state, frameId: null, ratchets: null };
  }
  const row = database.prepare("SELECT frame FROM threads WHERE thread = ?")
    .get<{ frame: string | null }>(thread);
  const { frameId } = state;
  const ratchets = state.ratchets();
  return row?.frame === frameId ? { ratchets } : { whole: state.frame(), frameId, ratchets };
}

/** What a sealed value of a thread is bound to. */
export function place(column: SealedColumn, thread: number): string {
  return `threads.${column}:${thread}`;
}
