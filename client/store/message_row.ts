/** A row of the table of messages. */

/** How far an own message has got; `received` is what others wrote. */
export type StoredState = "queued" | "sent" | "delivered" | "read" | "failed" | "received";

/** As SQLite gives it. */
export interface MessageRow {
  readonly local: number;
  readonly thread: number;
  readonly id: string;
  readonly revision: number;
  readonly seq: number | null;
  readonly own: number;
  readonly unreadable: number;
  readonly silent: number;
  readonly unread: number;
  readonly state: StoredState;
  readonly ts: number;
  readonly sent_at: number;
  readonly delivered_at: number | null;
  readonly read_at: number | null;
  readonly content: Uint8Array;
  readonly problem: Uint8Array | null;
  readonly expire_after: number | null;
  readonly expires_at: number | null;
}
