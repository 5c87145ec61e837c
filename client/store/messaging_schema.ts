/**
 * Tables of conversations and messages. Whatever tells what was said, with whom, or by which keys is sealed under the
 * profile's key; in the clear stand ids, sequences, times and states.
 */

/** One migration's worth of SQL. */
export const messagingSchema = `
  -- One row per conversation partner, and one for the lobby; known before the server knows the conversation.
  CREATE TABLE threads (
    thread INTEGER PRIMARY KEY,
    -- Keyed hash of the partner's canonical name.
    tag BLOB NOT NULL UNIQUE,
    lobby INTEGER NOT NULL,
    -- Sealed JSON: name and account.
    who BLOB NOT NULL,
    -- The server's id of the conversation (UUID).
    conversation TEXT UNIQUE,
    -- Goes up with every change of what follows: writers compare it before they set.
    version INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    -- Sealed MLS group state; null while this device is not in the group.
    state BLOB,
    -- Sealed: an own commit, with the state that it leads to, until the server's verdict.
    pending BLOB,
    -- Everything up to this sequence is stored here, or is this device's own.
    cursor INTEGER NOT NULL DEFAULT 0,
    -- For fresh keys: own messages since the last own commit, and when that was.
    sent_since_commit INTEGER NOT NULL DEFAULT 0,
    committed_at INTEGER NOT NULL DEFAULT 0,
    -- Read here up to this sequence, and how much of it the server knows.
    read_mark INTEGER NOT NULL DEFAULT 0,
    read_told INTEGER NOT NULL DEFAULT 0,
    -- How far the partner has got.
    peer_delivered INTEGER NOT NULL DEFAULT 0,
    peer_delivered_at INTEGER,
    peer_read INTEGER NOT NULL DEFAULT 0,
    peer_read_at INTEGER
  ) STRICT;

  CREATE TABLE messages (
    local INTEGER PRIMARY KEY AUTOINCREMENT,
    thread INTEGER NOT NULL REFERENCES threads,
    id TEXT NOT NULL,
    -- The change counter's value at this row's latest change.
    revision INTEGER NOT NULL,
    seq INTEGER,
    own INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    state TEXT NOT NULL,
    ts INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    delivered_at INTEGER,
    read_at INTEGER,
    -- Sealed JSON: sender, text, and what a receipt needs.
    content BLOB NOT NULL,
    -- Sealed: why it failed.
    problem BLOB,
    UNIQUE (thread, id)
  ) STRICT;
  CREATE INDEX messages_revision ON messages (revision);
  CREATE INDEX messages_seq ON messages (thread, seq);
  CREATE INDEX messages_unread ON messages (thread, local) WHERE unread = 1;
  CREATE INDEX messages_id ON messages (id);
  -- The few whose state a receipt can still change.
  CREATE INDEX messages_sent ON messages (thread, seq) WHERE own = 1 AND state = 'sent';
  CREATE INDEX messages_delivered ON messages (thread, seq) WHERE own = 1 AND state = 'delivered';

  -- Own messages that the server has not confirmed yet.
  CREATE TABLE outbox (
    local INTEGER PRIMARY KEY REFERENCES messages,
    thread INTEGER NOT NULL REFERENCES threads,
    -- The MLS message as it goes out, the same at every try; null until encrypted.
    bytes BLOB,
    epoch INTEGER,
    generation INTEGER
  ) STRICT;
  CREATE INDEX outbox_thread ON outbox (thread, epoch, generation, local);

  CREATE TABLE change_counter (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL) STRICT;
  INSERT INTO change_counter VALUES (1, 0);
`;
