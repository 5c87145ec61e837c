/** Tables of messages that could not be read, and of what is said again. */

/** One migration's worth of SQL. */
export const lostSchema = `
  -- Messages that this device could not read, by the server's rows.
  CREATE TABLE lost_messages (
    thread INTEGER NOT NULL REFERENCES threads,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    -- Sealed JSON: the account that wrote it, and the device.
    author BLOB NOT NULL,
    -- How often it was asked for, and when it is to be asked for next.
    asked INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL,
    -- Sealed JSON: what came in answer, until it is verified.
    answer BLOB,
    PRIMARY KEY (thread, id)
  ) STRICT, WITHOUT ROWID;

  -- Messages that were said again, by this device or another; and when.
  CREATE TABLE said_again (
    thread INTEGER NOT NULL REFERENCES threads,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (thread, id)
  ) STRICT, WITHOUT ROWID;

  -- The newest message of the store when an account came into a group: it may not ask for what was said up to then.
  CREATE TABLE member_joins (
    thread INTEGER NOT NULL REFERENCES threads,
    -- Keyed hash of the account.
    tag BLOB NOT NULL,
    local INTEGER NOT NULL,
    PRIMARY KEY (thread, tag)
  ) STRICT, WITHOUT ROWID;
`;

/** The second migration's worth. */
export const joinsSchema = `
  -- The newest row of the log then: history that comes from the archive is older, however late it is stored.
  ALTER TABLE member_joins ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
`;

/** The third migration's worth: the row alone decides, which all members see alike. */
export const joinRowsSchema = `
  UPDATE member_joins SET seq = max(seq, (SELECT coalesce(max(messages.seq), 0) FROM messages
    WHERE messages.thread = member_joins.thread AND messages.local <= member_joins.local));
  ALTER TABLE member_joins DROP COLUMN local;
`;
