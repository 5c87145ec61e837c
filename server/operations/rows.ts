/** Appending rows to a conversation: what messages and commits have in common. */
import { serverLimits } from "../../lib/base/limits.ts";
import { type Conversation, memberOf } from "../domain/conversation.ts";
import { slowestOf } from "../domain/progress.ts";
import { giveUp, isOverQuota } from "../domain/sending.ts";
import type { Tables } from "../tables/tables.ts";
import { type Context, refuse } from "./context.ts";
import type { MessageRow, Refused } from "./contract.ts";
import { settleWaiting } from "./waiting.ts";

/** A row that is about to be written. */
export interface NewRow {
  /** Whose it is; what waits for one's own devices is nobody's attack, and has no share. */
  readonly sender: number;
  /** For which it would wait. */
  readonly accounts: ReadonlySet<number>;
  /** Bytes. */
  readonly size: number;
}

function isFull(
  tables: Tables,
  conversation: Conversation | undefined,
  row: NewRow & { readonly account: number },
): boolean {
  const { account, sender, size } = row;
  const member = conversation && account !== sender && memberOf(conversation, account);
  const waiting = { all: tables.accounts.queued(account), here: member ? member.waiting : 0 };
  return isOverQuota(waiting, size);
}

/**
 * Refuses a row for which some account has no room; in a group only when none has any: one that is away for long, or
 * fills up on purpose, silences no others.
 */
export function refuseQuota(
  tables: Tables,
  conversation: Conversation | undefined,
  row: NewRow & { readonly group: boolean },
): Refused | undefined {
  const full = (account: number) => isFull(tables, conversation, { ...row, account });
  const accounts = [...row.accounts];
  const refused = row.group ? accounts.length > 0 && accounts.every(full) : accounts.some(full);
  return refused ? refuse("quota_exceeded") : undefined;
}

/** Refuses a group info for which the account that created the conversation has no room; a smaller one always goes. */
export function refuseInfo(
  { conversations }: Tables,
  creator: number | null,
  bytes: { readonly before: number; readonly after: number },
): Refused | undefined {
  if (creator === null || bytes.after <= bytes.before) return undefined;
  const all = conversations.infoBytes(creator) + bytes.after - bytes.before;
  return all > serverLimits.groupInfoBytesPerAccount ? refuse("quota_exceeded") : undefined;
}

/**
 * Counts a row, which the head is by now, as waiting for `accounts`. In a group, and where another server has accepted it, those without room give up what waits for
 * them there, this row too; their devices join anew.
 */
export function addWaiting(tables: Tables, conversation: Conversation, row: NewRow): void {
  for (const member of conversation.members) {
    const { account } = member;
    if (!row.accounts.has(account)) continue;
    const mayGiveUp = conversation.kind === "group" || conversation.hub !== null;
    if (mayGiveUp && isFull(tables, conversation, { ...row, account })) {
      const before = slowestOf(conversation, account);
      giveUp(conversation, account, conversation.head);
      settleWaiting(tables, conversation, { account, before });
      continue;
    }
    member.waiting += row.size;
    member.changed = true;
    tables.accounts.addQueued(account, row.size);
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

/** A row that is there now. */
export interface Told {
  /** The device that made it, which need not be told. */
  readonly by: string;
  /** The row itself, when it is a message. */
  readonly row?: MessageRow;
  /** Storage key of the account that it is kept from. */
  readonly hidden?: number | null;
}

/** Tells the live devices that it is for that a row is there. One that is kept from somebody is left to be read. */
export function tellRow(
  context: Context,
  conversation: Conversation,
  { by, row, hidden = null }: Told,
): void {
  const { head: seq, id, seats } = conversation;
  const devices = liveSeats(context.tables, conversation, by).filter((key) => {
    const seat = seats.get(key);
    const past = seat !== undefined && seat.until !== null && seat.until < seq;
    return !past && (hidden === null || seat?.account !== hidden);
  });
  if (devices.length === 0) return;
  const rows = row === undefined || hidden !== null ? {} : { rows: [row] };
  context.nudge({ kind: "log", conversation: id, seq, devices, ...rows });
}
