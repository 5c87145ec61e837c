/** Tables of groups, and what requests add to threads. */

/** One migration's worth of SQL. */
export const groupsSchema = `
  -- Whether the thread is a group's: then its tag is of the conversation, not of a name.
  ALTER TABLE threads ADD COLUMN grouped INTEGER NOT NULL DEFAULT 0;

  -- What is known of a group beside its keys.
  CREATE TABLE group_facts (
    thread INTEGER PRIMARY KEY REFERENCES threads,
    -- Goes up with every change.
    revision INTEGER NOT NULL,
    -- Sealed JSON: name, members with their roles, whether this account is in it.
    facts BLOB NOT NULL
  ) STRICT;

  -- How far each member of a group has got.
  CREATE TABLE group_progress (
    thread INTEGER NOT NULL REFERENCES threads,
    -- Keyed hash of the account.
    tag BLOB NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    PRIMARY KEY (thread, tag)
  ) STRICT, WITHOUT ROWID;
`;

/** A further migration. */
export const requestsSchema = `
  -- Whether the thread is a stranger's, and waits for an answer.
  ALTER TABLE threads ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
`;

/** A further migration. */
export const partsSchema = `
  -- A group state in two parts: then \`state\` holds everything but the keys that messages change, which are in \`ratchets\`
  -- (sealed); \`frame\` names the one in \`state\`. Null: \`state\` is whole.
  ALTER TABLE threads ADD COLUMN frame TEXT;
  ALTER TABLE threads ADD COLUMN ratchets BLOB;
  -- The same of the state before the latest commit.
  ALTER TABLE kept_states ADD COLUMN frame TEXT;
  ALTER TABLE kept_states ADD COLUMN ratchets BLOB;
`;
