/** Members and seats of conversations as rows of SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Role } from "../../../lib/base/membership.ts";
import type { Member, Seat, Stand } from "../../domain/conversation.ts";

interface MemberRow {
  account: number;
  peer: number | null;
  role: Role;
  state: Stand;
  invited_by: number | null;
  requested: number;
  mutes: number;
  delivered: number;
  delivered_at: number | null;
  read: number;
  read_at: number | null;
  unread: number;
  waiting: number;
  notice: number;
  notice_count: number;
  notice_ts: number;
  notice_from: number;
  notice_seen: number;
}

interface SeatRow {
  device: number;
  key: string;
  account: number;
  peer: number | null;
  revoked_at: number | null;
  state: Stand;
  joined: number;
  cursor: number;
  until: number | null;
  last_own: number;
  lost: number;
  acked: number;
  used_incarnation: number | null;
  used_epoch: number | null;
  used_generations: number | null;
  last_message: string | null;
}

function memberOf(row: MemberRow): Member {
  return {
    account: row.account,
    peer: row.peer,
    role: row.role,
    state: row.state,
    invitedBy: row.invited_by,
    requested: row.requested,
    mutes: row.mutes !== 0,
    delivered: row.delivered,
    deliveredAt: row.delivered_at,
    read: row.read,
    readAt: row.read_at,
    unread: row.unread,
    waiting: row.waiting,
    notice: {
      number: row.notice,
      count: row.notice_count,
      ts: row.notice_ts,
      from: row.notice_from,
      seen: row.notice_seen !== 0,
    },
    changed: false,
  };
}

function usedOf(row: SeatRow): Seat["used"] {
  const { used_incarnation: incarnation, used_epoch: epoch, used_generations: generations } = row;
  if (incarnation === null || epoch === null || generations === null) return null;
  return { incarnation, epoch, generations };
}

/** Where the account has stopped taking part, its devices get nothing as long as they are in. */
function seatOf(row: SeatRow): Seat {
  const revoked = row.revoked_at !== null;
  const stopped = row.until === null && (row.state === "left" || row.state === "declined");
  return {
    device: row.device,
    key: row.key,
    account: row.account,
    peer: row.peer,
    joined: row.joined,
    cursor: row.cursor,
    until: row.until,
    lastOwn: row.last_own,
    acked: row.acked,
    used: usedOf(row),
    revoked,
    dead: revoked || stopped,
    lost: row.lost,
    lastMessage: row.last_message ?? "",
    remembered: 0,
    changed: false,
  };
}

/** Its accounts, with those that are out. */
export function readMembers(database: Database, conversation: number): Member[] {
  return database.prepare(
    `SELECT m.*, a.peer FROM members m JOIN accounts a ON a.key = m.account
     WHERE m.conversation = ? ORDER BY m.account`,
  ).all<MemberRow>(conversation).map(memberOf);
}

/** Its devices, by device key. */
export function readSeats(database: Database, conversation: number): Map<string, Seat> {
  const rows = database.prepare(
    `SELECT s.device, d.device AS key, d.account, a.peer, d.revoked_at, s.joined, s.cursor, s.until,
            s.last_own, s.lost, s.acked, s.used_incarnation, s.used_epoch, s.used_generations,
            coalesce((SELECT m.state FROM members m
             WHERE m.conversation = s.conversation AND m.account = d.account), 'out') AS state,
            (SELECT max(message) FROM sent t
             WHERE t.device = s.device AND t.conversation = s.conversation) AS last_message
     FROM seats s JOIN devices d ON d.key = s.device JOIN accounts a ON a.key = d.account
     WHERE s.conversation = ? ORDER BY s.device`,
  ).all<SeatRow>(conversation);
  return new Map(rows.map((row) => [row.key, seatOf(row)]));
}

/** Writes an account, new or changed. */
export function writeMember(database: Database, conversation: number, member: Member): void {
  const { notice } = member;
  database.prepare(
    `INSERT INTO members (role, state, invited_by, requested, mutes, delivered, delivered_at, read,
       read_at, unread, waiting, notice, notice_count, notice_ts, notice_from, notice_seen,
       conversation, account)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (conversation, account) DO UPDATE SET role = excluded.role,
       state = excluded.state, invited_by = excluded.invited_by, requested = excluded.requested,
       mutes = excluded.mutes, delivered = excluded.delivered, delivered_at = excluded.delivered_at,
       read = excluded.read, read_at = excluded.read_at, unread = excluded.unread,
       waiting = excluded.waiting, notice = excluded.notice, notice_count = excluded.notice_count,
       notice_ts = excluded.notice_ts, notice_from = excluded.notice_from,
       notice_seen = excluded.notice_seen`,
  ).run(
    member.role,
    member.state,
    member.invitedBy,
    member.requested,
    member.mutes ? 1 : 0,
    member.delivered,
    member.deliveredAt,
    member.read,
    member.readAt,
    member.unread,
    member.waiting,
    notice.number,
    notice.count,
    notice.ts,
    notice.from,
    notice.seen ? 1 : 0,
    conversation,
    member.account,
  );
  member.changed = false;
}

/** Writes a device, new or changed. */
export function writeSeat(database: Database, conversation: number, seat: Seat): void {
  database.prepare(
    `INSERT INTO seats (conversation, device, joined, cursor, until, last_own, lost, acked,
       used_incarnation, used_epoch, used_generations)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (conversation, device) DO UPDATE SET joined = excluded.joined,
       cursor = excluded.cursor, until = excluded.until, last_own = excluded.last_own,
       lost = excluded.lost, acked = excluded.acked, used_incarnation = excluded.used_incarnation,
       used_epoch = excluded.used_epoch, used_generations = excluded.used_generations`,
  ).run(
    conversation,
    seat.device,
    seat.joined,
    seat.cursor,
    seat.until,
    seat.lastOwn,
    seat.lost,
    seat.acked,
    seat.used?.incarnation ?? null,
    seat.used?.epoch ?? null,
    seat.used?.generations ?? null,
  );
  seat.changed = false;
}
