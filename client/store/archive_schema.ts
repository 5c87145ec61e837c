/** Tables of the archive: what of it is known, and what is in which batch of it. */

/** One migration's worth of SQL. */
export const archiveSchema = `
  -- One row per batch of the account's archive, as far as it is known here.
  CREATE TABLE archive_batches (
    position INTEGER PRIMARY KEY,
    -- The revision that was taken in, with the SHA-256 of its sealed bytes; 0 for none.
    revision INTEGER NOT NULL,
    hash TEXT NOT NULL,
    -- The revision that there must be by what a later batch says, until it was taken in; 0 for none, -1 for any.
    wanted INTEGER NOT NULL,
    wanted_hash TEXT NOT NULL,
    -- It was not there, or not what it must be.
    damaged INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX archive_batches_wanted ON archive_batches (position) WHERE wanted <> 0;

  -- What the archive holds, by what it is about: each thing where its latest state is.
  CREATE TABLE archive_entries (
    -- "contact", "setting", or the id of the conversation that a message is in.
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    -- Keyed hash of its state, and up to which row of its conversation that state takes everything in.
    digest BLOB NOT NULL,
    as_of INTEGER NOT NULL,
    PRIMARY KEY (scope, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX archive_entries_position ON archive_entries (position);

  -- Conversations of which nothing is archived, or (kept = 1) again.
  CREATE TABLE archive_settings (
    conversation TEXT PRIMARY KEY,
    kept INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE archive_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- Everything that changed up to this value of the change counter is in the archive, or need not be.
    scanned INTEGER NOT NULL,
    -- How many messages the archive holds by what its last batch says.
    total INTEGER NOT NULL
  ) STRICT;
  INSERT INTO archive_state VALUES (1, -1, 0);

  -- Lists are in order of time: what comes from the archive arrives last.
  CREATE INDEX messages_time ON messages (thread, ts);
`;
