/** What content other than plain text needs. */

/** One migration's worth of SQL. */
export const contentSchema = `
  -- Content that makes no line (a reaction, an edit): in the outbox like everything else, but never shown.
  ALTER TABLE messages ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX messages_silent ON messages (local) WHERE silent = 1;
`;
