/** The tables for taking back commits, and for making groups anew. */

/** One migration's worth of SQL. */
export const repairsSchema = `
ALTER TABLE conversations ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN recreated INTEGER NOT NULL DEFAULT 0;

-- What each conversation was before its latest commit.
CREATE TABLE undos (
  conversation INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  facts TEXT NOT NULL,
  group_info BLOB NOT NULL
) STRICT;

-- Who cannot apply the latest commit.
CREATE TABLE refusals (
  conversation INTEGER NOT NULL,
  device TEXT NOT NULL,
  ts INTEGER NOT NULL,
  facts TEXT NOT NULL,
  PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

-- What belongs to a row that takes a commit back; the same key as in the log.
CREATE TABLE rollbacks (
  key INTEGER PRIMARY KEY,
  facts TEXT NOT NULL
) STRICT;

-- Commits that were taken back, a few in a day at most: asked for again, they stay refused.
CREATE TABLE refused_commits (
  conversation INTEGER NOT NULL,
  hash TEXT NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (conversation, hash)
) STRICT, WITHOUT ROWID;
`;
