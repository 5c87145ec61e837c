/** What conversations tell each other about the directory's log. */

/** One migration's worth of SQL. */
export const checkpointsSchema = `
  -- How much of the log was told to a conversation last, and when (ms since 1970).
  CREATE TABLE checkpoints_told (
    thread INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  -- What others told and is not compared yet: the latest of each account, sealed.
  CREATE TABLE checkpoints_heard (
    account_tag BLOB PRIMARY KEY,
    facts BLOB NOT NULL
  ) STRICT;
`;
