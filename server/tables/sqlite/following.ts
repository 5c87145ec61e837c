/** Which linked servers have members in which conversations, and what goes to them, as rows of SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { FollowingServer } from "../../domain/conversation.ts";
import type { Due, Following, StashedRow } from "../following.ts";

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

/** The next. */
export const itemsSchema = `
ALTER TABLE following ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
CREATE INDEX following_by_peer ON following (peer, conversation);
CREATE INDEX following_behind ON following (peer) WHERE behind = 1;

-- With which row the server was restored from a backup, and the last row that it knew then.
ALTER TABLE conversations ADD COLUMN restored_at INTEGER;
ALTER TABLE conversations ADD COLUMN restored_last INTEGER;

-- Of a row of a conversation (storage key): which it is.
ALTER TABLE peer_outbox ADD COLUMN conversation INTEGER;
ALTER TABLE peer_outbox ADD COLUMN seq INTEGER;

-- Whose progress in which conversation is to be told to a peer.
CREATE TABLE peer_receipts (
  peer INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (peer, conversation, account)
) STRICT, WITHOUT ROWID;

-- Pieces of the body of an item that has not come yet.
CREATE TABLE peer_parts (
  key INTEGER PRIMARY KEY,
  peer INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX peer_parts_by_peer ON peer_parts (peer);
`;

/** Accounts of servers of which only others have spoken. */
export const hearsaySchema = `
ALTER TABLE accounts ADD COLUMN hearsay INTEGER NOT NULL DEFAULT 0;
`;

/** Messages before which others are missing. */
export const stashSchema = `
CREATE TABLE stashed_rows (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  item TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX stashed_rows_by_conversation ON stashed_rows (conversation, seq);
`;

/** What is known of other servers with members in the conversation, by storage key. */
export function readServers(
  database: Database,
  conversation: number,
): Map<number, FollowingServer> {
  const rows = database.prepare(
    "SELECT peer, reached, behind FROM following WHERE conversation = ?",
  ).all<{ peer: number; reached: number; behind: number }>(conversation);
  return new Map(rows.map(({ peer, reached, behind }) => [
    peer,
    { reached, behind: behind !== 0, gone: false, changed: false },
  ]));
}

/** Writes what has changed. */
export function writeServers(
  database: Database,
  conversation: number,
  servers: Map<number, FollowingServer>,
): void {
  for (const [peer, server] of servers) {
    if (!server.changed) continue;
    server.changed = false;
    if (server.gone) {
      servers.delete(peer);
      database.prepare("DELETE FROM following WHERE conversation = ? AND peer = ?")
        .run(conversation, peer);
      continue;
    }
    database.prepare(
      `INSERT INTO following (conversation, peer, reached, behind) VALUES (?, ?, ?, ?)
       ON CONFLICT (conversation, peer) DO UPDATE
         SET reached = excluded.reached, behind = excluded.behind`,
    ).run(conversation, peer, server.reached, server.behind ? 1 : 0);
  }
}

/** What goes to linked servers about conversations, beside their outboxes. */
export class SqliteFollowing implements Following {
  readonly #database: Database;
  readonly #flushConversations: () => void;

  constructor(database: Database, flushConversations: () => void) {
    this.#database = database;
    this.#flushConversations = flushConversations;
  }

  withPeer(peer: number, after: number, limit: number): number[] {
    this.#flushConversations();
    return this.#database.prepare(
      "SELECT conversation FROM following WHERE peer = ? AND conversation > ? ORDER BY conversation LIMIT ?",
    ).all<{ conversation: number }>(peer, after, limit).map(({ conversation }) => conversation);
  }

  followedFrom(peer: number): number {
    this.#flushConversations();
    return this.#database.prepare("SELECT count(*) AS n FROM conversations WHERE hub = ?")
      .get<{ n: number }>(peer)?.n ?? 0;
  }

  hubsWith(peer: number): number[] {
    this.#flushConversations();
    return this.#database.prepare(
      `SELECT DISTINCT c.hub FROM accounts a JOIN members m ON m.account = a.key
       JOIN conversations c ON c.key = m.conversation
       WHERE a.peer = ? AND c.hub IS NOT NULL AND c.kind <> 'deleted'`,
    ).all<{ hub: number }>(peer).map(({ hub }) => hub);
  }

  behind(peer: number, whose: "own" | "theirs", limit: number): number[] {
    this.#flushConversations();
    return this.#database.prepare(
      `SELECT f.conversation FROM following f JOIN conversations c ON c.key = f.conversation
       WHERE f.peer = ? AND f.behind = 1 AND ${whose === "own" ? "c.hub IS NULL" : "c.hub = f.peer"}
       LIMIT ?`,
    ).all<{ conversation: number }>(peer, limit).map(({ conversation }) => conversation);
  }

  addDue(peer: number, { conversation, account }: Due): void {
    this.#database.prepare(
      "INSERT OR IGNORE INTO peer_receipts (peer, conversation, account) VALUES (?, ?, ?)",
    ).run(peer, conversation, account);
  }

  takeDue(peer: number, limit: number): Due[] {
    const rows = this.#database.prepare(
      "SELECT conversation, account FROM peer_receipts WHERE peer = ? LIMIT ?",
    ).all<Due & object>(peer, limit);
    const remove = this.#database.prepare(
      "DELETE FROM peer_receipts WHERE peer = ? AND conversation = ? AND account = ?",
    );
    for (const { conversation, account } of rows) remove.run(peer, conversation, account);
    return rows;
  }

  clearDue(peer: number): void {
    this.#database.prepare("DELETE FROM peer_receipts WHERE peer = ?").run(peer);
  }

  addPart(peer: number, bytes: Uint8Array): void {
    this.#database.prepare("INSERT INTO peer_parts (peer, bytes) VALUES (?, ?)").run(peer, bytes);
  }

  parts(peer: number): Uint8Array[] {
    return this.#database.prepare("SELECT bytes FROM peer_parts WHERE peer = ? ORDER BY key")
      .all<{ bytes: Uint8Array }>(peer).map(({ bytes }) => bytes);
  }

  clearParts(peer: number): void {
    this.#database.prepare("DELETE FROM peer_parts WHERE peer = ?").run(peer);
  }

  stash(
    { conversation, seq, item, body }: StashedRow & { readonly conversation: number },
    most: number,
  ): void {
    const { lastRowid } = this.#database.prepare(
      "INSERT INTO stashed_rows (conversation, seq, item, body) VALUES (?, ?, ?, ?)",
    ).run(conversation, seq, item, body);
    this.#database.prepare("DELETE FROM stashed_rows WHERE key <= ?").run(lastRowid - most);
  }

  stashed(conversation: number): StashedRow[] {
    return this.#database.prepare(
      "SELECT seq, item, body FROM stashed_rows WHERE conversation = ? ORDER BY seq, key",
    ).all<StashedRow & object>(conversation);
  }

  clearStash(conversation: number): void {
    this.#database.prepare("DELETE FROM stashed_rows WHERE conversation = ?").run(conversation);
  }
}
