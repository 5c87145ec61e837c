/** Which linked servers have members in which conversations, as rows of SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { FollowingServer } from "../../domain/conversation.ts";

/** One migration's worth of SQL. */
export const followingSchema = `
-- Storage key of the linked server whose conversation it is; NULL for this server's own.
ALTER TABLE conversations ADD COLUMN hub INTEGER;

-- How far other servers with members in a conversation are.
CREATE TABLE following (
  conversation INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  reached INTEGER NOT NULL,
  PRIMARY KEY (conversation, peer)
) STRICT, WITHOUT ROWID;
`;

/** What is known of other servers with members in the conversation, by storage key. */
export function readServers(
  database: Database,
  conversation: number,
): Map<number, FollowingServer> {
  const rows = database.prepare("SELECT peer, reached FROM following WHERE conversation = ?")
    .all<{ peer: number; reached: number }>(conversation);
  return new Map(rows.map(({ peer, reached }) => [peer, { reached, changed: false }]));
}

/** Writes what has changed. */
export function writeServers(
  database: Database,
  conversation: number,
  servers: ReadonlyMap<number, FollowingServer>,
): void {
  for (const [peer, server] of servers) {
    if (!server.changed) continue;
    database.prepare(
      `INSERT INTO following (conversation, peer, reached) VALUES (?, ?, ?)
       ON CONFLICT (conversation, peer) DO UPDATE SET reached = excluded.reached`,
    ).run(conversation, peer, server.reached);
    server.changed = false;
  }
}
