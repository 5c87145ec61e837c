/** Tables for going back behind a commit, and for messages that could not be read. */

/** One migration's worth of SQL. */
export const repairsSchema = `
  -- Goes up when a commit is taken back or the group is made anew.
  ALTER TABLE threads ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;

  -- The group state from before the latest commit, sealed as in threads, until the next epoch is reached or its time is over.
  CREATE TABLE kept_states (
    thread INTEGER PRIMARY KEY REFERENCES threads,
    epoch INTEGER NOT NULL,
    state BLOB NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;

  -- Own messages of the present epoch that the server has accepted: sent again should it be taken back. Sealed content.
  CREATE TABLE recent_sent (
    local INTEGER PRIMARY KEY REFERENCES messages,
    thread INTEGER NOT NULL REFERENCES threads,
    epoch INTEGER NOT NULL,
    content BLOB NOT NULL
  ) STRICT;
  CREATE INDEX recent_sent_thread ON recent_sent (thread, epoch);

  -- A commit that this device cannot apply, while it waits for others to say so too.
  CREATE TABLE disputes (
    thread INTEGER PRIMARY KEY REFERENCES threads,
    incarnation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    hash TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
`;

/** A further migration. */
export const setBackSchema = `
  -- When the conversation was set back or made anew last (ms since 1970); 0: never.
  ALTER TABLE threads ADD COLUMN set_back INTEGER NOT NULL DEFAULT 0;
`;
