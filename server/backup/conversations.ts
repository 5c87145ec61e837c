/** Conversations of a restored server: their groups may have gone on after the backup, so that every device enters anew. */
import { toBase64url } from "../../lib/base/bytes.ts";
import type { Database } from "../../lib/sql/database.ts";
import { rowKey } from "../tables/sqlite/log.ts";

interface Row {
  readonly key: number;
  readonly head: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly account: string | null;
  readonly device: string | null;
}

/**
 * Gives every conversation a new incarnation, and a row that says so to every device in it. Whatever was committed or
 * encrypted after the backup is of an incarnation before, and refused: clients drop the state they have, enter the group of
 * the backup from outside, and send once more what the server has forgotten. `numberGap` rows are left out; `now` in
 * milliseconds since 1970. To be run in a transaction, on a database of the present schema.
 */
export function beginAnew(
  database: Database,
  { numberGap, now }: { readonly numberGap: number; readonly now: number },
): void {
  const rows = database.prepare(
    `SELECT c.key, c.head, c.epoch, c.incarnation, a.account, d.device FROM conversations c
     LEFT JOIN devices d
       ON d.key = (SELECT s.device FROM seats s WHERE s.conversation = c.key LIMIT 1)
     LEFT JOIN accounts a ON a.key = d.account
     WHERE c.hub IS NULL`,
  ).all<Row>();
  for (const row of rows) {
    beginOneAnew(database, { ...row, last: row.head, head: row.head + numberGap, now });
  }
  database.exec(`
    UPDATE following SET behind = 1;
    DELETE FROM peer_parts;
    DELETE FROM undos;
    DELETE FROM refusals;
    UPDATE accounts SET notifications = notifications + ${numberGap};
    UPDATE sqlite_sequence SET seq = seq + ${numberGap} WHERE name = 'lobby';
  `);
}

function beginOneAnew(
  database: Database,
  row: Row & { readonly last: number; readonly now: number },
): void {
  const { key, head, epoch, account, device, now } = row;
  // Greater than that of any earlier restoration, of this backup or another.
  const incarnation = Math.max(row.incarnation + 1, now);
  database.prepare(
    `UPDATE conversations SET head = ?, incarnation = ?, last_commit = ?, last_sender = 0,
       restored_at = ?, restored_last = ? WHERE key = ?`,
  ).run(head, incarnation, head, head, row.last, key);
  if (account === null || device === null) return;
  const at = rowKey(key, head);
  // By the server itself, as rows that take commits back: no device has the number 0, so everybody gets the row.
  database.prepare(
    "INSERT INTO log (key, device, ts, epoch, message, bytes) VALUES (?, 0, ?, ?, NULL, ?)",
  ).run(at, now, epoch, new Uint8Array(0));
  const forgotten = row.last;
  const facts = { forgotten, account, device, epoch, incarnation, hash: noHash };
  database.prepare("INSERT INTO rollbacks (key, facts) VALUES (?, ?)")
    .run(at, JSON.stringify({ ...facts, refusals: [], roster: [] }));
  database.prepare("INSERT INTO runs (conversation, seq, account, ts) VALUES (?, ?, 0, ?)")
    .run(key, head, now);
}

/** There is no commit. */
const noHash = toBase64url(new Uint8Array(32));
