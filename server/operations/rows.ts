/** Appending rows to a conversation: what messages and commits have in common. */
import { type Conversation, memberOf } from "../domain/conversation.ts";
import { isOverQuota } from "../domain/sending.ts";
import type { Tables } from "../tables/tables.ts";
import { type Context, refuse } from "./context.ts";
import type { Refused } from "./contract.ts";

/** A row that is about to be written. */
export interface NewRow {
  /** Whose it is; what waits for one's own devices is nobody's attack, and has no share. */
  readonly sender: number;
  /** For which it would wait. */
  readonly accounts: ReadonlySet<number>;
  /** Bytes. */
  readonly size: number;
}

/** Whether some account for which the row would wait has no room for it; `conversation` when there is one already. */
export function refuseQuota(
  tables: Tables,
  conversation: Conversation | undefined,
  { sender, accounts, size }: NewRow,
): Refused | undefined {
  for (const account of accounts) {
    const member = conversation && account !== sender && memberOf(conversation, account);
    const waiting = { all: tables.accounts.queued(account), here: member ? member.waiting : 0 };
    if (isOverQuota(waiting, size)) return refuse("quota_exceeded");
  }
  return undefined;
}

/** Counts a row of `size` bytes as waiting for `accounts`. */
export function addWaiting(
  tables: Tables,
  conversation: Conversation,
  row: { readonly accounts: ReadonlySet<number>; readonly size: number },
): void {
  for (const member of conversation.members) {
    if (!row.accounts.has(member.account)) continue;
    member.waiting += row.size;
    member.changed = true;
    tables.accounts.addQueued(member.account, row.size);
  }
}

/** Notes whose row the head is now: `account`, or 0 for a commit. */
export function continueRun(
  { tables, now }: Context,
  conversation: Conversation,
  account: number,
): void {
  if (conversation.lastSender === account) return;
  conversation.lastSender = account;
  tables.log.addRun(conversation.key, { seq: conversation.head, account, ts: now });
}

/** Device keys in the conversation that want live events and may read, without `except`. */
export function liveSeats(tables: Tables, conversation: Conversation, except: string): string[] {
  const devices: string[] = [];
  for (const seat of conversation.seats.values()) {
    if (seat.key !== except && !seat.dead && tables.sessions.isReceiving(seat.key)) {
      devices.push(seat.key);
    }
  }
  return devices;
}

/** Tells the live devices, other than the one that made it, that a row is there. */
export function tellRow(context: Context, conversation: Conversation, by: string): void {
  const devices = liveSeats(context.tables, conversation, by);
  if (devices.length === 0) return;
  context.nudge({ kind: "log", conversation: conversation.id, seq: conversation.head, devices });
}
